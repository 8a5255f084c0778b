//! What all handlers of one table have in common.

use super::counter::AutoIncrement;
use super::{Connection, Error};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vamos_guest::{Counter, CounterRaise, IndexId, TableId, TableStats};

/// How long statistics are good for. The optimizer asks with every statement.
const STATS_LIFE: Duration = Duration::from_secs(1);

/// The host's numbers of a table and its indexes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) table: TableId,
    /// The first is the primary one.
    pub(crate) indexes: Vec<IndexId>,
}

impl Ids {
    /// The index at this position; the primary one if there is none such.
    pub(crate) fn index(&self, position: usize) -> IndexId {
        let index = self.indexes.get(position).or(self.indexes.first());
        index.copied().unwrap_or(IndexId(u32::MAX))
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct Share {
    name: String,
    ids: RwLock<Arc<Ids>>,
    pub(crate) auto_increment: AutoIncrement,
    row_id: AtomicU64,
    stats: Mutex<Option<(TableStats, Instant)>>,
}

impl Share {
    pub(crate) fn new(name: &str, table: vamos_guest::Table) -> Self {
        let [auto_increment, row_id] = table.counters;
        Self {
            name: name.to_owned(),
            ids: RwLock::new(Arc::new(Ids {
                table: table.table,
                indexes: table.indexes,
            })),
            auto_increment: AutoIncrement::new(auto_increment),
            row_id: AtomicU64::new(row_id.max(1)),
            stats: Mutex::new(None),
        }
    }

    /// The numbers as they are now; a TRUNCATE changes them.
    pub(crate) fn ids(&self) -> Arc<Ids> {
        Arc::clone(&self.ids.read())
    }

    /// A row id that no row has had.
    pub(crate) fn new_row_id(&self) -> u64 {
        self.row_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Empties the table. The server has locked everyone else out.
    pub(crate) fn truncate(&self, connection: &mut Connection) -> Result<(), Error> {
        let table = connection.session.truncate_table(&self.name)?;
        *self.ids.write() = Arc::new(Ids {
            table: table.table,
            indexes: table.indexes,
        });
        *self.stats.lock() = None;
        self.set_auto_increment(connection, 1)
    }

    /// Sets the next AUTO_INCREMENT value, up or down.
    pub(crate) fn set_auto_increment(&self, connection: &mut Connection, next: u64) -> Result<(), Error> {
        connection.session.set_counter(CounterRaise {
            table: self.ids().table,
            counter: Counter::AutoIncrement,
            next,
        })?;
        self.auto_increment.set(next);
        Ok(())
    }

    /// Approximate sizes; asks the host if what is known is too old, or if
    /// `fresh` ones are wanted.
    pub(crate) fn stats(&self, connection: &mut Connection, fresh: bool) -> Result<TableStats, Error> {
        if let Some((stats, since)) = *self.stats.lock()
            && !fresh
            && since.elapsed() < STATS_LIFE
        {
            return Ok(stats);
        }
        let stats = connection.session.table_stats(self.ids().table)?;
        *self.stats.lock() = Some((stats, Instant::now()));
        Ok(stats)
    }

    /// Counts rows that were just written, until the host is asked again.
    pub(crate) fn count_rows(&self, delta: i64) {
        if let Some((stats, _)) = &mut *self.stats.lock() {
            stats.rows = stats.rows.saturating_add_signed(delta);
        }
    }
}
