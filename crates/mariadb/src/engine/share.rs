//! What all handlers of one table have in common.

use super::counter::AutoIncrement;
use super::definition::Definition;
use super::range_cache::RangeCache;
use super::statistics::Statistics;
use super::{Connection, Error};
use crate::codec::Shape;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vamos_guest::{Counter, CounterRaise, IndexId, TableId, TableStats};

/// How long a table's sizes are good for. The optimizer asks with every
/// statement; what this server writes meanwhile is counted.
const STATS_LIFE: Duration = Duration::from_secs(5);

/// How many entries of each index are looked at where a statement waits for it
/// (some milliseconds), and for ANALYZE TABLE.
const LOOKED_AT: u32 = 32 << 10;
pub(crate) const ANALYZED: u32 = 1 << 20;

/// A table is surveyed anew when a tenth of its rows was changed, as
/// `innodb_stats_auto_recalc` has it, and at least so many.
const CHANGED_PART: u64 = 10;
const CHANGED_ROWS: u64 = 50;

/// For so long a connection waits for another one's first survey, before it makes its own.
const FIRST_SURVEY: Duration = Duration::from_secs(1);

/// Ranges are reckoned by the last survey until such a part of the rows was changed.
const RECKONED_PART: u64 = 4;

/// A table of more rows is surveyed anew only so often, unless it has changed wholly:
/// as InnoDB's `MIN_RECALC_INTERVAL`.
const SMALL_TABLE: u64 = 4096;
const SURVEY_PAUSE: Duration = Duration::from_secs(10);

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
    definition: Definition,
    ids: RwLock<Arc<Ids>>,
    pub(crate) auto_increment: Arc<AutoIncrement>,
    row_id: AtomicU64,
    stats: Mutex<Option<(TableStats, Instant)>>,
    survey: Mutex<Option<Surveyed>>,
    /// Held by the connection that surveys a table whose values are known somewhat.
    surveying: Mutex<()>,
    /// Rows that this server has written, updated or deleted.
    changes: AtomicU64,
    pub(super) ranges: RangeCache,
}

/// What the last survey told, and when.
#[derive(Clone, Debug)]
struct Surveyed {
    statistics: Arc<Statistics>,
    changes: u64,
    since: Instant,
}

impl Surveyed {
    /// Whether it should be found out anew, after so many changes since the share was
    /// made.
    fn is_stale(&self, changes: u64) -> bool {
        let rows = self.statistics.rows;
        let changed = changes.wrapping_sub(self.changes);
        let due = rows <= SMALL_TABLE || changed >= rows || self.since.elapsed() >= SURVEY_PAUSE;
        due && changed > CHANGED_ROWS.max(rows / CHANGED_PART)
    }
}

impl Share {
    pub(crate) fn new(name: &str, table: vamos_guest::Table, definition: Definition) -> Self {
        let [auto_increment, row_id] = table.counters;
        Self {
            name: name.to_owned(),
            definition,
            ids: RwLock::new(Arc::new(Ids {
                table: table.table,
                indexes: table.indexes,
            })),
            auto_increment: AutoIncrement::of_table(table.table, auto_increment),
            row_id: AtomicU64::new(row_id.max(1)),
            stats: Mutex::new(None),
            survey: Mutex::new(None),
            surveying: Mutex::new(()),
            changes: AtomicU64::new(0),
            ranges: RangeCache::default(),
        }
    }

    /// The host's name for the table.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the host keeps with the table.
    pub(crate) fn definition(&self) -> &Definition {
        &self.definition
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
        let table = connection.when_free(|session| session.truncate_table(&self.name))?;
        *self.ids.write() = Arc::new(Ids {
            table: table.table,
            indexes: table.indexes,
        });
        *self.stats.lock() = None;
        *self.survey.lock() = None;
        self.ranges.clear();
        super::foreign::registry_changed();
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

    /// What the distribution of the table's values is: surveyed now, if it is not
    /// known or the table has changed much since. While one connection surveys, the
    /// others go by what was known.
    pub(crate) fn statistics(
        &self,
        connection: &mut Connection,
        shape: &Shape,
    ) -> Result<Arc<Statistics>, Error> {
        let Some(known) = self.survey.lock().clone() else {
            return self.first_survey(connection, shape);
        };
        if known.is_stale(self.changes())
            && let Some(_one) = self.surveying.try_lock()
        {
            return self.survey(connection, shape, LOOKED_AT);
        }
        Ok(known.statistics)
    }

    /// Surveys a table of which nothing is known, or waits for the connection that does:
    /// all connections of a server that has just started ask at once.
    fn first_survey(&self, connection: &mut Connection, shape: &Shape) -> Result<Arc<Statistics>, Error> {
        let start = Instant::now();
        let one = loop {
            let one = self.surveying.try_lock_for(FIRST_SURVEY / 20);
            if one.is_some() || connection.thd().killed() || start.elapsed() > FIRST_SURVEY {
                break one;
            }
        };
        if one.is_some()
            && let Some(known) = self.known_statistics()
        {
            return Ok(known);
        }
        self.survey(connection, shape, LOOKED_AT)
    }

    /// What the last survey told, if there was one.
    pub(crate) fn known_statistics(&self) -> Option<Arc<Statistics>> {
        let survey = self.survey.lock();
        survey.as_ref().map(|survey| Arc::clone(&survey.statistics))
    }

    /// About how many rows lie between two keys of the index at a position, if the last
    /// survey tells and the table is much like it was then. Ranges of small tables are
    /// not reckoned: those the host counts.
    pub(super) fn rows_between(&self, position: usize, bounds: (&[u8], &[u8])) -> Option<u64> {
        let survey = self.survey.lock();
        let survey = survey.as_ref()?;
        let rows = survey.statistics.rows;
        let changed = self.changes().wrapping_sub(survey.changes);
        if rows <= SMALL_TABLE || changed > rows / RECKONED_PART {
            return None;
        }
        let between = survey.statistics.rows_between(position, bounds, rows)?;
        // None would tell the optimizer that there can be no row.
        Some(between.max(1))
    }

    /// Has the host look at so many entries of each index.
    pub(crate) fn survey(
        &self,
        connection: &mut Connection,
        shape: &Shape,
        entries: u32,
    ) -> Result<Arc<Statistics>, Error> {
        let changes = self.changes();
        let table = self.ids().table;
        let statistics = connection
            .session
            .survey(table, entries, |found| Arc::new(Statistics::new(shape, found)))?;
        *self.survey.lock() = Some(Surveyed {
            statistics: Arc::clone(&statistics),
            changes,
            since: Instant::now(),
        });
        self.ranges.clear();
        Ok(statistics)
    }

    /// Rows that this server has changed so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Counts rows that were just changed, and those that were written more than
    /// deleted, until the host is asked again.
    pub(crate) fn count_rows(&self, delta: i64) {
        self.changes
            .fetch_add(delta.unsigned_abs().max(1), Ordering::Relaxed);
        if let Some((stats, _)) = &mut *self.stats.lock() {
            stats.rows = stats.rows.saturating_add_signed(delta);
        }
    }
}
