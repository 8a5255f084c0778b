//! What a transaction gives to be committed.

use super::outcomes::InFlight;
use crate::StoreError;
use crate::build::BuildLog;
use crate::catalogue::Table;
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::Owner;
use crate::numbers::Number;
use crate::overlay::Overlay;
use crate::{keys, oneshot};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vamos_proto::{CommitId, IndexId, TableId};
use vamos_rocks::WriteBatch;

/// A transaction's changes as a batch, with all that ends when it is written.
#[derive(Debug)]
pub(crate) struct Work {
    pub(super) batch: WriteBatch,
    pub(super) bytes: u64,
    /// The tables that it changes, and by how many rows.
    tables: BTreeMap<TableId, (Arc<Table>, i64)>,
    /// For the builds under way on these tables: the rows that it changes.
    notes: Vec<Note>,
    locks: Owner,
    in_flight: InFlight,
}

/// What a commit notes for a build.
#[derive(Debug)]
struct Note {
    table: TableId,
    log: Arc<BuildLog>,
    keys: Vec<FullKey>,
}

impl Note {
    fn new(table: &Table, overlay: &Overlay) -> Option<Self> {
        let log = table.build()?;
        let (low, high) = keys::index_bounds(log.primary);
        let keys = changes_between(overlay, &low, &high).cloned().collect();
        Some(Self {
            table: table.id,
            log,
            keys,
        })
    }
}

fn changes_between<'o>(overlay: &'o Overlay, low: &[u8], high: &[u8]) -> impl Iterator<Item = &'o FullKey> {
    overlay
        .range(Bound::Included(low), Bound::Excluded(high))
        .map(|(key, _)| key)
}

/// Raises of counters that become durable with the commit.
/// By primary index and the counter's position.
pub(crate) type Raises = BTreeMap<(IndexId, usize), u64>;

impl Work {
    pub(crate) fn new(
        engine: &Engine,
        overlay: &Overlay,
        tables: BTreeMap<TableId, Arc<Table>>,
        raises: &Raises,
        locks: Owner,
        id: CommitId,
        in_flight: InFlight,
    ) -> Self {
        let mut work = Self {
            batch: WriteBatch::new(),
            bytes: 0,
            notes: tables
                .values()
                .filter_map(|table| Note::new(table, overlay))
                .collect(),
            tables: tables.into_iter().map(|(id, table)| (id, (table, 0))).collect(),
            locks,
            in_flight,
        };
        for (key, change) in overlay.entries() {
            work.bytes += (key.len() + change.as_ref().map_or(0, |value| value.len())) as u64;
            match change {
                Some(value) => work.batch.put(&engine.data, key, value),
                None => work.batch.delete(&engine.data, key),
            }
        }
        work.add_numbers(engine, overlay, raises);
        work.batch
            .put(&engine.system, &keys::mark(&id.session), &mark(id.number));
        work
    }

    fn add_numbers(&mut self, engine: &Engine, overlay: &Overlay, raises: &Raises) {
        for (id, delta) in overlay.rows() {
            if let Some((table, rows)) = self.tables.get_mut(&id) {
                *rows = delta;
                let key = keys::rows(table.primary());
                self.batch
                    .merge(&engine.system, &key, &Number::Sum(delta).encode());
            }
        }
        for (&(primary, position), &next) in raises {
            let key = keys::counter(primary, position);
            self.batch
                .merge(&engine.system, &key, &Number::Highest(next).encode());
        }
    }

    /// Fails if a table that it changes is gone, or if a build has begun of which
    /// it does not know. Called while no build begins or ends.
    pub(super) fn check_tables(&self) -> Result<(), StoreError> {
        for (table, _) in self.tables.values() {
            if !table.is_live() {
                return Err(StoreError::NoSuchIndex { id: table.primary() });
            }
            let note = self.notes.iter().find(|note| note.table == table.id);
            let known = match (table.build(), note) {
                (None, _) => true,
                (Some(log), Some(note)) => Arc::ptr_eq(&log, &note.log),
                (Some(_), None) => false,
            };
            if !known {
                return Err(StoreError::TableChanged {
                    what: "the building of an index began while the transaction was committed",
                });
            }
        }
        Ok(())
    }

    /// Tells the builds under way which rows are about to change.
    pub(super) fn note(&self) {
        for note in &self.notes {
            note.log.note(&note.keys);
        }
    }

    /// Publishes what was written, or not, and releases the locks.
    pub(super) fn finish(mut self, written: bool) {
        if written {
            for (table, delta) in self.tables.values() {
                table.add_rows(*delta);
            }
        }
        self.locks.release_all();
        drop(self.in_flight);
    }
}

/// Work whose end somebody awaits.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) work: Work,
    pub(super) done: oneshot::Giver<Result<(), StoreError>>,
}

impl Submitted {
    pub(super) fn finish(self, result: Result<(), StoreError>) {
        self.work.finish(result.is_ok());
        self.done.give(result);
    }
}

/// A mark: the commit's number and the time, in seconds since 1970.
fn mark(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&unix_seconds().to_le_bytes());
    bytes
}

/// What a mark says: the commit's number, and when it was.
pub(super) fn read_mark(bytes: &[u8]) -> Option<(u64, u64)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let time = rest.first_chunk()?;
    Some((u64::from_le_bytes(*number), u64::from_le_bytes(*time)))
}

pub(super) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
