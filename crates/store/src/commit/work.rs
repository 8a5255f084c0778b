//! What a transaction gives to be committed.

use super::outcomes::InFlight;
use crate::StoreError;
use crate::catalogue::Table;
use crate::engine::Engine;
use crate::locks::Owner;
use crate::numbers::Number;
use crate::overlay::Overlay;
use crate::{keys, oneshot};
use std::collections::BTreeMap;
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
    locks: Owner,
    in_flight: InFlight,
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

    /// Fails if a table that it changes is gone.
    pub(super) fn check_tables(&self) -> Result<(), StoreError> {
        match self.tables.values().find(|(table, _)| !table.is_live()) {
            None => Ok(()),
            Some((table, _)) => Err(StoreError::NoSuchIndex { id: table.primary() }),
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
