//! The store module: sessions of the store over lanes.
//!
//! The messages and what they mean are in `vamos_proto`; the transactions are in
//! `vamos_store`. This module is what lies between: it reads requests from a
//! lane, runs them in order against the lane's one transaction ([`requests`]),
//! streams the rows of open cursors between them ([`streams`]), and watches the
//! lane while a request waits for a lock ([`race`]).
//!
//! A request that needs no answer and fails is reported as the failure of the
//! next request that reads, writes or commits in its transaction: see
//! [`current`].

mod alter;
mod current;
mod inbox;
mod metrics;
mod race;
mod ranges;
mod requests;
mod session;
mod streams;
mod tables;
mod two_phase;
mod upkeep;

use crate::module::{Module, SessionFuture};
use crate::runtime::Lane;
use metrics::RequestCounters;
use session::Session;
use std::ops::RangeInclusive;
use std::sync::Arc;
use vamos_proto::{MODULE_NAME, MODULE_VERSION};
use vamos_store::Store;

/// The store module over an open store.
#[derive(Debug)]
pub struct StoreModule {
    store: Arc<Store>,
    counters: Arc<RequestCounters>,
    limits: Limits,
}

/// What a session may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Cursors open at once on one lane.
    pub cursors: usize,
    /// No batch of a scan grows beyond about so many bytes.
    pub batch_bytes: usize,
    /// No batch of a scan has more rows.
    pub batch_rows: usize,
    /// Bytes of the ranges of one lane's cursors that are still to be read.
    pub range_bytes: usize,
    /// Requests read ahead while one waits for a lock: how many, and bytes.
    pub read_ahead: (usize, usize),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A scan of a partitioned table opens one for each partition.
            cursors: 1024,
            batch_bytes: 128 << 10,
            batch_rows: 16 << 10,
            range_bytes: 1 << 20,
            read_ahead: (1024, 4 << 20),
        }
    }
}

impl Limits {
    /// Limits that suit a response ring of this size: a batch fills no more than
    /// half of it, so that making one and reading another go on at once.
    pub fn for_response_ring(bytes: usize) -> Self {
        Self {
            batch_bytes: (bytes / 2).clamp(4 << 10, 256 << 10),
            ..Self::default()
        }
    }
}

impl StoreModule {
    /// The module over this store.
    pub fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self {
            store,
            counters: Arc::default(),
            limits,
        }
    }
}

impl Module for StoreModule {
    fn name(&self) -> &'static str {
        MODULE_NAME
    }

    fn versions(&self) -> RangeInclusive<u32> {
        MODULE_VERSION..=MODULE_VERSION
    }

    fn serve(&self, lane: Lane) -> SessionFuture {
        let session = Session::new(lane, self.store.clone(), self.counters.clone(), self.limits);
        Box::pin(session.run())
    }

    fn requests(&self) -> Vec<(&'static str, u64)> {
        self.counters.snapshot()
    }

    fn status(&self) -> serde_json::Value {
        serde_json::to_value(self.store.status()).unwrap_or_default()
    }
}
