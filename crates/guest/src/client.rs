//! What all sessions of one process share.

use crate::order::CommitOrder;
use crate::session::random_id;
use crate::undecided::Undecided;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vamos_channel::{Endpoint, LaneCounters};

/// Where the host is and how to talk to it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The host's endpoint.
    pub endpoint: Endpoint,
    /// The device through which a guest sees the window (`/dev/dax0.0`); `None`
    /// where the host passes the window itself (a Unix socket) or there is none.
    pub window: Option<PathBuf>,
    /// The secret that the host wants to see; empty: none.
    pub token: Vec<u8>,
    /// The longest time for which a waiting session polls before it sleeps.
    pub poll_budget: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a commit whose answer was lost, or that of a prepared transaction,
    /// tries to reach the host again.
    pub reconnect_for: Duration,
}

impl Config {
    /// The defaults for a host at this endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            window: None,
            token: Vec::new(),
            poll_budget: Duration::from_millis(1),
            connect_timeout: Duration::from_secs(10),
            reconnect_for: Duration::from_secs(30),
        }
    }
}

/// The process's view of the host: configuration and counters.
#[derive(Debug)]
pub struct Client {
    config: RwLock<Arc<Config>>,
    counters: Mutex<Totals>,
    next_session: AtomicU64,
    connects: AtomicU64,
    /// Why the last lane has no window, if it has none.
    no_window: Mutex<Option<String>>,
    rejected: AtomicU64,
    pub(crate) order: CommitOrder,
    /// In the order in which they were decided; each stays until the host has heard of it.
    pub(crate) undecided: Mutex<Vec<Arc<Undecided>>>,
    /// Held by the session that tells of them.
    pub(crate) telling: Mutex<()>,
}

#[derive(Debug, Default)]
struct Totals {
    /// Of lanes that are closed.
    closed: LaneCounters,
    /// What each living session last said of its lane.
    open: HashMap<u64, LaneCounters>,
}

impl Client {
    /// A client with this configuration. Nothing is connected yet.
    pub fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            config: RwLock::new(Arc::new(config)),
            counters: Mutex::default(),
            next_session: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            no_window: Mutex::default(),
            rejected: AtomicU64::new(0),
            order: CommitOrder::new(random_id()),
            undecided: Mutex::default(),
            telling: Mutex::default(),
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read())
    }

    /// Changes the configuration: for the connections that come.
    pub fn set_config(&self, config: Config) {
        *self.config.write() = Arc::new(config);
    }

    /// The counters of all lanes of this process, closed ones included.
    ///
    /// A session says what it has counted when a transaction, a statement or a
    /// cursor ends, so what is under way may be missing.
    pub fn totals(&self) -> LaneCounters {
        let counters = self.counters.lock();
        let mut totals = counters.closed;
        counters.open.values().for_each(|lane| totals.add(lane));
        totals
    }

    /// How many lanes are open.
    pub fn open_lanes(&self) -> usize {
        self.counters.lock().open.len()
    }

    /// How many times a session has connected since the start.
    pub fn connects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed)
    }

    /// Why the newest lane works without a window; `None` if it has one.
    pub fn no_window(&self) -> Option<String> {
        self.no_window.lock().clone()
    }

    /// How many rows the host has left out of scans, by their programs.
    pub fn rows_rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    pub(crate) fn count_rejected(&self, rows: u64) {
        self.rejected.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn session_key(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn connected(&self, session: u64, no_window: Option<String>) {
        self.connects.fetch_add(1, Ordering::Relaxed);
        self.counters.lock().open.insert(session, LaneCounters::default());
        *self.no_window.lock() = no_window;
    }

    pub(crate) fn publish(&self, session: u64, lane: LaneCounters) {
        self.counters.lock().open.insert(session, lane);
    }

    pub(crate) fn disconnected(&self, session: u64, lane: LaneCounters) {
        let mut counters = self.counters.lock();
        counters.open.remove(&session);
        counters.closed.add(&lane);
    }
}
