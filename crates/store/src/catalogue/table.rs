//! A table in memory.

use crate::build::BuildLog;
use crate::{TableInfo, keys};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release,
};
use vamos_proto::{Counter, IndexId, TableId};

/// A table with one set of indexes; a truncation or an alteration makes a new one.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: TableId,
    /// At least one; the first is the primary one.
    pub(crate) indexes: Vec<IndexId>,
    /// Gone when the store closes, and never recorded.
    pub(crate) temporary: bool,
    definition: RwLock<Arc<[u8]>>,
    /// For each index, the store's version from which on it has all entries; 0:
    /// since the store was opened.
    since: Vec<u64>,
    live: AtomicBool,
    numbers: Arc<Numbers>,
}

/// What an alteration leaves as it is.
#[derive(Debug)]
struct Numbers {
    /// Prepared transactions that change it.
    pins: AtomicU64,
    rows: AtomicI64,
    counters: [AtomicU64; 2],
    /// Set while indexes are built.
    build: RwLock<Option<Arc<BuildLog>>>,
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
            since: vec![0; indexes.len()],
            indexes,
            temporary: false,
            definition: RwLock::new(definition.into()),
            live: AtomicBool::new(true),
            numbers: Arc::new(Numbers {
                pins: AtomicU64::new(0),
                rows: AtomicI64::new(rows),
                counters: counters.map(AtomicU64::new),
                build: RwLock::new(None),
            }),
        }
    }

    /// The same table with other indexes and another description.
    pub(super) fn altered(&self, indexes: Vec<IndexId>, definition: Vec<u8>) -> Self {
        Self {
            id: self.id,
            since: indexes.iter().map(|index| self.since(*index)).collect(),
            indexes,
            temporary: self.temporary,
            definition: RwLock::new(definition.into()),
            live: AtomicBool::new(true),
            numbers: Arc::clone(&self.numbers),
        }
    }

    /// The store's version from which on an index has all entries: an older
    /// snapshot would miss some.
    pub(crate) fn since(&self, index: IndexId) -> u64 {
        let position = self.indexes.iter().position(|other| *other == index);
        position
            .and_then(|position| self.since.get(position).copied())
            .unwrap_or(u64::MAX)
    }

    /// Indexes that are new in this table have all entries from this version on.
    pub(super) fn complete_since(&mut self, version: u64) {
        for since in &mut self.since {
            if *since == u64::MAX {
                *since = version;
            }
        }
    }

    /// Marks all indexes as new.
    pub(super) fn new_since(mut self, version: u64) -> Self {
        self.since.fill(version);
        self
    }

    /// The build that is under way.
    pub(crate) fn build(&self) -> Option<Arc<BuildLog>> {
        self.numbers.build.read().clone()
    }

    pub(super) fn set_build(&self, build: Option<Arc<BuildLog>>) {
        *self.numbers.build.write() = build;
    }

    pub(super) fn temporary(self) -> Self {
        Self {
            temporary: true,
            ..self
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

    pub(super) fn revive(&self) {
        self.live.store(true, Release);
    }

    /// Whether a prepared transaction changes it.
    pub(crate) fn is_pinned(&self) -> bool {
        self.numbers.pins.load(Acquire) > 0
    }

    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.numbers.rows.load(Relaxed)).unwrap_or(0)
    }

    pub(crate) fn add_rows(&self, delta: i64) {
        self.numbers.rows.fetch_add(delta, Relaxed);
    }

    pub(crate) fn raise(&self, counter: Counter, next: u64) {
        self.numbers.counters[keys::counter_position(counter)].fetch_max(next, Relaxed);
    }

    pub(super) fn set(&self, counter: Counter, next: u64) {
        self.numbers.counters[keys::counter_position(counter)].store(next, Relaxed);
    }

    pub(super) fn info(&self, name: &str) -> TableInfo {
        TableInfo {
            table: self.id,
            name: name.to_owned(),
            indexes: self.indexes.clone(),
            definition: self.definition().to_vec(),
            counters: [0, 1].map(|i| self.numbers.counters[i].load(Relaxed)),
        }
    }
}

/// Keeps tables from being dropped, renamed or truncated until it is dropped: a
/// prepared transaction changes them.
#[derive(Debug)]
pub(crate) struct Pins(Vec<Arc<Table>>);

impl Pins {
    pub(crate) fn new(tables: impl Iterator<Item = Arc<Table>>) -> Self {
        let tables: Vec<_> = tables.collect();
        for table in &tables {
            table.numbers.pins.fetch_add(1, AcqRel);
        }
        Self(tables)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        for table in &self.0 {
            table.numbers.pins.fetch_sub(1, AcqRel);
        }
    }
}
