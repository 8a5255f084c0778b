//! What a worker serves: it accepts connections, opens lanes and runs a module's
//! session on each.

use super::doorkeeper::Doorkeeper;
use super::handshakes::{Handshakes, NoPlace, Place};
use super::seldom::Seldom;
use crate::module::Registry;
use crate::runtime::{Lane, Runtime, Source, yield_now};
use crate::status::{LaneStatus, ModuleStatus, Traffic};
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use vamos_channel::{Handshake, LaneAllocator, LaneCounters, Listener, Peer, Pending, ServerLane};

/// Connections taken in one after the other before lanes get their turn.
const ARRIVALS_PER_TURN: usize = 16;

/// How long to wait for a place for a handshake.
const PLACE_PAUSE: Duration = Duration::from_millis(10);

/// How long to wait after a connection could not be accepted, for instance
/// because descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and serves them.
#[derive(Debug)]
pub struct Service {
    runtime: Runtime,
    listener: Listener,
    lanes: LaneAllocator,
    doorkeeper: Doorkeeper,
    modules: Registry,
    handshakes: Arc<Handshakes>,
    /// Lines about connections that did not become lanes.
    seldom: Seldom,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    /// What lanes did that are closed.
    closed: Mutex<LaneCounters>,
}

impl Service {
    /// A service on this listener.
    pub fn new(
        runtime: Runtime,
        listener: Listener,
        lanes: LaneAllocator,
        doorkeeper: Doorkeeper,
        modules: Registry,
    ) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            listener,
            handshakes: Handshakes::new(lanes.max_lanes()),
            lanes,
            doorkeeper,
            modules,
            seldom: Seldom::default(),
            counters: Counters::default(),
        })
    }

    /// Accepts from now on, until the runtime shuts down.
    ///
    /// # Errors
    /// The listener cannot be watched.
    pub fn start(self: &Arc<Self>) -> std::io::Result<()> {
        use std::os::fd::AsFd;
        let arrivals = Source::new(&self.runtime, self.listener.as_fd())?;
        let service = self.clone();
        self.runtime
            .spawn(async move { service.accept_all(arrivals).await });
        Ok(())
    }

    /// The lanes and what went over them.
    pub fn lanes(&self) -> (LaneStatus, Traffic) {
        let mut sum = *self.counters.closed.lock();
        let (open, counters) = self.runtime.lane_counters();
        sum.add(&counters);
        let status = LaneStatus {
            open,
            most: self.lanes.max_lanes().into(),
            accepted: self.counters.accepted.load(Ordering::Relaxed),
            refused: self.counters.refused.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
        };
        (status, sum.into())
    }

    /// The modules and what was asked of them.
    pub fn modules(&self) -> Vec<ModuleStatus> {
        let status = |module: &Arc<dyn crate::module::Module>| ModuleStatus {
            name: module.name().into(),
            requests: module
                .requests()
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(name, count)| (name.to_owned(), count))
                .collect(),
            state: module.status(),
        };
        self.modules.iter().map(status).collect()
    }

    async fn accept_all(self: Arc<Self>, arrivals: Source) {
        let mut taken_in = 0_usize;
        while !self.runtime.is_shutting_down() {
            match self.listener.accept() {
                Ok(Some(pending)) => self.receive(pending).await,
                Ok(None) => arrivals.changed().await,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.runtime.sleep_until(Instant::now() + ACCEPT_PAUSE).await;
                }
            }
            taken_in = taken_in.wrapping_add(1);
            if taken_in.is_multiple_of(ARRIVALS_PER_TURN) {
                yield_now().await;
            }
        }
    }

    /// Begins the handshake with whoever gets a place; others are let go unheard.
    async fn receive(self: &Arc<Self>, pending: Pending) {
        let standing = self.doorkeeper.standing(pending.peer());
        loop {
            match self.handshakes.take(pending.peer(), standing) {
                Ok(place) => return self.greet(pending, place),
                Err(NoPlace::Wait) if !self.runtime.is_shutting_down() => {
                    self.runtime.sleep_until(Instant::now() + PLACE_PAUSE).await;
                }
                Err(_) => {
                    let reason = "too many handshakes of such peers are under way";
                    return self.refused(&describe(pending.peer()), &reason);
                }
            }
        }
    }

    fn greet(self: &Arc<Self>, pending: Pending, place: Place) {
        let service = self.clone();
        self.runtime.spawn(async move {
            let lane = service.shake_hands(pending).await;
            drop(place);
            if let Some(lane) = lane {
                service.serve(lane).await;
            }
        });
    }

    fn refused(&self, peer: &str, reason: &dyn std::fmt::Display) {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(left_out) = self.seldom.line() {
            tracing::warn!(peer, %reason, left_out, "connection refused");
        }
    }

    fn failed(&self, peer: &str, reason: &dyn std::fmt::Display) {
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        if let Some(left_out) = self.seldom.line() {
            tracing::warn!(peer, %reason, left_out, "handshake failed");
        }
    }

    /// Sees a handshake through to its end; the lane, if there is one.
    async fn shake_hands(&self, mut pending: Pending) -> Option<ServerLane> {
        use std::os::fd::AsFd;
        let peer = describe(pending.peer());
        let source = match Source::new(&self.runtime, pending.as_fd()) {
            Ok(source) => source,
            Err(error) => {
                tracing::warn!(peer, %error, "a connection could not be watched");
                return None;
            }
        };
        while !self.runtime.is_shutting_down() {
            match pending.advance(&self.doorkeeper, &self.lanes) {
                Handshake::Ready(lane) => return Some(lane),
                Handshake::NeedsInput => {
                    let deadline = self.runtime.sleep_until(pending.deadline());
                    either(source.changed(), deadline).await;
                }
                Handshake::Refused(refusal) => {
                    self.refused(&peer, &refusal);
                    return None;
                }
                Handshake::Failed(error) => {
                    self.failed(&peer, &error);
                    return None;
                }
            }
        }
        None
    }

    async fn serve(&self, lane: ServerLane) {
        let (number, peer) = (lane.index(), describe(lane.peer()));
        let Some(module) = self
            .modules
            .find(&lane.hello().module, lane.hello().module_version)
        else {
            // The doorkeeper has admitted by the same list.
            tracing::error!(
                lane = number,
                "a guest was admitted to a module that is not there"
            );
            return;
        };
        let lane = match Lane::new(&self.runtime, lane) {
            Ok(lane) => lane,
            Err(error) => {
                tracing::warn!(lane = number, %error, "a lane could not be watched");
                return;
            }
        };
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        let (mode, fallback) = lane.mode();
        tracing::info!(lane = number, peer, module = module.name(), %mode, fallback, "lane opened");
        let watch = lane.watch();
        let end = module.serve(lane).await;
        self.counters.closed.lock().add(&watch.counters());
        drop(watch);
        tracing::info!(lane = number, reason = %end, "lane closed");
    }
}

fn describe(peer: &Peer) -> String {
    match peer {
        Peer::Unix(peer) => format!("process {} of user {}", peer.pid, peer.uid),
        Peer::Vsock { cid, port } => format!("vsock {cid}:{port}"),
    }
}

/// Waits for whichever comes first.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() || other.as_mut().poll(context).is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
