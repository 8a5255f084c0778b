//! A table in memory.

use crate::{TableInfo, keys};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use vamos_proto::{Counter, IndexId, TableId};

/// A table with one set of indexes; a truncation makes a new one.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: TableId,
    /// At least one; the first is the primary one.
    pub(crate) indexes: Vec<IndexId>,
    definition: RwLock<Arc<[u8]>>,
    live: AtomicBool,
    rows: AtomicI64,
    counters: [AtomicU64; 2],
}

impl Table {
    pub(super) fn new(
        id: TableId,
        indexes: Vec<IndexId>,
        definition: Vec<u8>,
        rows: i64,
        counters: [u64; 2],
    ) -> Self {
        Self {
            id,
            indexes,
            definition: RwLock::new(definition.into()),
            live: AtomicBool::new(true),
            rows: AtomicI64::new(rows),
            counters: counters.map(AtomicU64::new),
        }
    }

    /// Its primary index.
    pub(crate) fn primary(&self) -> IndexId {
        self.indexes.first().copied().unwrap_or(IndexId(0))
    }

    /// Whether its indexes are still in the catalogue.
    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Acquire)
    }

    pub(super) fn definition(&self) -> Arc<[u8]> {
        Arc::clone(&self.definition.read())
    }

    pub(super) fn set_definition(&self, definition: Arc<[u8]>) {
        *self.definition.write() = definition;
    }

    pub(super) fn kill(&self) {
        self.live.store(false, Release);
    }

    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.rows.load(Relaxed)).unwrap_or(0)
    }

    pub(crate) fn add_rows(&self, delta: i64) {
        self.rows.fetch_add(delta, Relaxed);
    }

    pub(crate) fn raise(&self, counter: Counter, next: u64) {
        self.counters[keys::counter_position(counter)].fetch_max(next, Relaxed);
    }

    pub(super) fn set(&self, counter: Counter, next: u64) {
        self.counters[keys::counter_position(counter)].store(next, Relaxed);
    }

    pub(super) fn info(&self, name: &str) -> TableInfo {
        TableInfo {
            table: self.id,
            name: name.to_owned(),
            indexes: self.indexes.clone(),
            definition: self.definition().to_vec(),
            counters: [0, 1].map(|i| self.counters[i].load(Relaxed)),
        }
    }
}
