//! What a transaction gives to be written.

use super::outcomes::InFlight;
use crate::build::BuildLog;
use crate::catalogue::{Pins, Table};
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::Owner;
use crate::numbers::Number;
use crate::overlay::Overlay;
use crate::prepared::Place;
use crate::{StoreError, keys, oneshot};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vamos_proto::{CommitId, IndexId, TableId};
use vamos_rocks::WriteBatch;

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

/// A transaction's changes as a batch, with what ends when they are committed.
#[derive(Debug)]
pub(crate) struct Changes {
    batch: WriteBatch,
    bytes: u64,
    /// The tables that it changes, and by how many rows.
    tables: BTreeMap<TableId, (Arc<Table>, i64)>,
    /// For the builds under way on these tables: the rows that it changes.
    notes: Vec<Note>,
    locks: Owner,
    /// While the transaction is prepared: keeps its tables.
    pins: Option<Pins>,
}

impl Changes {
    pub(crate) fn new(
        engine: &Engine,
        overlay: &Overlay,
        tables: BTreeMap<TableId, Arc<Table>>,
        raises: &Raises,
        locks: Owner,
    ) -> Self {
        let mut changes = Self {
            batch: WriteBatch::new(),
            bytes: 0,
            notes: tables
                .values()
                .filter_map(|table| Note::new(table, overlay))
                .collect(),
            tables: tables.into_iter().map(|(id, table)| (id, (table, 0))).collect(),
            locks,
            pins: None,
        };
        let gone = changes.forget_gone();
        for (key, change) in overlay.entries() {
            if !gone.is_empty() && gone.contains(&keys::index_of(key)) {
                continue;
            }
            changes.bytes += (key.len() + change.as_ref().map_or(0, |value| value.len())) as u64;
            match change {
                Some(value) => changes.batch.put(&engine.data, key, value),
                None => changes.batch.delete(&engine.data, key),
            }
        }
        changes.add_numbers(engine, overlay, raises, &gone);
        changes
    }

    /// Leaves out temporary tables that were dropped, or emptied, within the
    /// transaction; returns their indexes.
    fn forget_gone(&mut self) -> BTreeSet<IndexId> {
        let mut gone = BTreeSet::new();
        self.tables.retain(|_, (table, _)| {
            let keep = !table.temporary || table.is_live();
            if !keep {
                gone.extend(table.indexes.iter().copied());
            }
            keep
        });
        gone
    }

    fn add_numbers(&mut self, engine: &Engine, overlay: &Overlay, raises: &Raises, gone: &BTreeSet<IndexId>) {
        for (id, delta) in overlay.rows() {
            if let Some((table, rows)) = self.tables.get_mut(&id) {
                *rows = delta;
                if table.temporary {
                    continue;
                }
                let key = keys::rows(table.primary());
                self.batch
                    .merge(&engine.system, &key, &Number::Sum(delta).encode());
            }
        }
        let temporary: BTreeSet<IndexId> = {
            let tables = self.tables.values().map(|(table, _)| table);
            tables
                .filter(|table| table.temporary)
                .map(|table| table.primary())
                .collect()
        };
        for (&(primary, position), &next) in raises {
            if gone.contains(&primary) || temporary.contains(&primary) {
                continue;
            }
            let key = keys::counter(primary, position);
            self.batch
                .merge(&engine.system, &key, &Number::Highest(next).encode());
        }
    }

    /// The tables that it changes.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values().map(|(table, _)| table)
    }

    /// Keeps its tables from being dropped.
    pub(crate) fn pin_tables(&mut self) {
        self.pins = Some(Pins::new(self.tables().cloned()));
    }

    /// Fails if a table that it changes is gone, or if a build has begun of which
    /// it does not know. Called while no build begins or ends.
    fn check_tables(&self) -> Result<(), StoreError> {
        for (table, _) in self.tables.values() {
            // A prepared transaction outlives its connection's temporary tables.
            if !table.is_live() && !table.temporary {
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
    fn note(&self) {
        for note in &self.notes {
            note.log.note(&note.keys);
        }
    }

    /// It is written: publishes it and releases the locks.
    fn publish(mut self) {
        for (table, delta) in self.tables.values() {
            table.add_rows(*delta);
        }
        self.release();
    }

    /// It is not to be: releases the locks.
    pub(crate) fn release(&mut self) {
        self.pins = None;
        self.locks.release_all();
    }
}

/// What follows when a batch has been written, or not.
#[derive(Debug)]
enum End {
    /// A transaction was committed; its batch was lent to the work.
    Commit(Changes, InFlight),
    /// It was prepared.
    Prepare(Changes, Place, InFlight),
    /// A prepared one was committed; its batch was lent to the work.
    CommitPrepared(Changes, Place, InFlight),
    /// A prepared one was rolled back.
    RollbackPrepared(Changes, Place),
    /// Somebody waited for what was before.
    Nothing,
}

/// A batch to be written, and what follows.
#[derive(Debug)]
pub(crate) struct Work {
    pub(super) batch: WriteBatch,
    pub(super) bytes: u64,
    end: End,
}

impl Work {
    /// Commits a transaction at once.
    pub(crate) fn commit(engine: &Engine, mut changes: Changes, id: CommitId, in_flight: InFlight) -> Self {
        let mut batch = std::mem::take(&mut changes.batch);
        batch.put(&engine.system, &keys::mark(&id.session), &mark(id.number));
        Self {
            batch,
            bytes: changes.bytes,
            end: End::Commit(changes, in_flight),
        }
    }

    /// Prepares a transaction: `record` is what the disk has of it until it ends.
    pub(crate) fn prepare(
        engine: &Engine,
        mut changes: Changes,
        record: &[u8],
        place: Place,
        in_flight: InFlight,
    ) -> Self {
        changes.pin_tables();
        let mut batch = WriteBatch::new();
        batch.put(&engine.prepared, &place.key(), record);
        Self {
            batch,
            bytes: record.len() as u64,
            end: End::Prepare(changes, place, in_flight),
        }
    }

    /// Commits a prepared transaction: its changes, the end of its record and the
    /// outcome's mark are one batch.
    pub(crate) fn commit_prepared(
        engine: &Engine,
        mut changes: Changes,
        place: Place,
        id: CommitId,
        in_flight: InFlight,
    ) -> Self {
        let mut batch = std::mem::take(&mut changes.batch);
        batch.delete(&engine.prepared, &place.key());
        batch.put(&engine.system, &keys::mark(&id.session), &mark(id.number));
        Self {
            batch,
            bytes: changes.bytes,
            end: End::CommitPrepared(changes, place, in_flight),
        }
    }

    /// Rolls a prepared transaction back.
    pub(crate) fn rollback_prepared(engine: &Engine, changes: Changes, place: Place) -> Self {
        let mut batch = WriteBatch::new();
        batch.delete(&engine.prepared, &place.key());
        Self {
            batch,
            bytes: 0,
            end: End::RollbackPrepared(changes, place),
        }
    }

    /// Writes nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            batch: WriteBatch::new(),
            bytes: 0,
            end: End::Nothing,
        }
    }

    /// Fails if a table that it changes is gone, or is being built upon without its
    /// knowledge.
    pub(super) fn check_tables(&self) -> Result<(), StoreError> {
        match &self.end {
            End::Commit(changes, _) | End::Prepare(changes, ..) | End::CommitPrepared(changes, ..) => {
                changes.check_tables()
            }
            End::RollbackPrepared(..) | End::Nothing => Ok(()),
        }
    }

    /// Tells the builds under way which rows are about to change.
    pub(super) fn note(&self) {
        if let End::Commit(changes, _) | End::CommitPrepared(changes, ..) = &self.end {
            changes.note();
        }
    }

    /// Whether it commits a transaction.
    pub(super) fn commits(&self) -> bool {
        matches!(self.end, End::Commit(..) | End::CommitPrepared(..))
    }

    /// Does what follows its having been written, or not.
    pub(super) fn finish(self, written: bool) {
        match self.end {
            End::Commit(changes, in_flight) => {
                match written {
                    true => changes.publish(),
                    false => drop(changes),
                }
                drop(in_flight);
            }
            End::Prepare(changes, place, in_flight) => {
                match written {
                    true => place.keep(changes),
                    false => drop(changes),
                }
                drop(in_flight);
            }
            End::CommitPrepared(mut changes, place, in_flight) => {
                if written {
                    changes.publish();
                    place.forget();
                } else {
                    changes.batch = self.batch;
                    place.keep(changes);
                }
                drop(in_flight);
            }
            End::RollbackPrepared(mut changes, place) => {
                if written {
                    changes.release();
                    place.forget();
                } else {
                    place.keep(changes);
                }
            }
            End::Nothing => {}
        }
    }
}

/// Work whose end somebody awaits.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) work: Work,
    pub(super) sync: bool,
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
