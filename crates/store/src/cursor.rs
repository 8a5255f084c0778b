//! A scan's state between its batches.

mod consistent;
mod locking;
mod merge;
mod sieve;
mod stored;
mod summary;

use crate::engine::Engine;
use crate::locks::Patience;
use crate::overlay::Overlay;
use crate::transaction::Overtaken;
use crate::view::View;
use crate::{StoreError, Transaction, keys};
use locking::CoveredTo;
use merge::{Merge, Others, Own};
pub use sieve::Sieve;
use std::ops::Bound;
use std::sync::Arc;
use stored::Stored;
use vamos_proto::{Direction, IndexId, Lock, RowBlockBuilder, Scan};
use vamos_rocks::ReadOptions;

/// A scan's state between its batches; made by [`Transaction::scan`], used by
/// [`Transaction::next_batch`] of the same transaction, closed by dropping it. It
/// owns all that it needs, and it sees the transaction's own changes as they
/// stand when a batch comes to them.
#[derive(Debug)]
pub struct Cursor {
    /// The transaction that it belongs to.
    transaction: u64,
    index: IndexId,
    /// The primary index of its table.
    primary: IndexId,
    /// Full keys: the range, and the last one that was passed.
    low: Vec<u8>,
    high: Vec<u8>,
    passed: Option<Vec<u8>>,
    direction: Direction,
    lock: Lock,
    fetch: Option<IndexId>,
    /// Rows that the scan may still return.
    remaining: u64,
    /// What a consistent scan sees; a locking one sees what is committed.
    view: Option<Arc<View>>,
    /// Stands on the first stored key that was not passed.
    stored: Option<Stored>,
    /// `stored` stands beyond keys that were not passed, since the transaction had
    /// deleted them.
    ahead: bool,
    /// The rows of which a consistent scan of a secondary index sees what is
    /// committed.
    overtaken: Overtaken,
    /// The store's version before `stored` was made.
    version: u64,
    finished: bool,
    /// What rows take up, about: tells how many to fetch at once.
    row_bytes: usize,
    /// How long a wait for a lock may last: one that is interrupted goes on.
    patience: Patience,
    covered: CoveredTo,
    /// Which rows are wanted.
    sieve: Sieve,
}

/// How much a batch may still take.
#[derive(Debug)]
struct Room {
    rows: usize,
    max_rows: usize,
    max_bytes: usize,
    /// Rows that may still be looked at; see [`LOOKS`].
    looks: usize,
}

/// Rows that are looked at for one batch, at most: a scan that rejects most of
/// them must let others have their turn. A row counts as one more for each
/// [`LOOK_BYTES`] that it has.
const LOOKS: usize = 4096;
const LOOK_BYTES: usize = 1024;

impl Room {
    fn new(rows: &RowBlockBuilder, max_rows: usize, max_bytes: usize) -> Self {
        Self {
            rows: rows.rows(),
            max_rows: max_rows.max(1),
            max_bytes,
            looks: LOOKS,
        }
    }

    /// Notes that a row, or an entry, of so many bytes was looked at.
    fn looked(&mut self, bytes: usize) {
        self.looks = self.looks.saturating_sub(1 + bytes / LOOK_BYTES);
    }

    /// How many more rows; 0 if the batch is full. The first one always fits.
    fn left(&self, rows: &RowBlockBuilder) -> usize {
        let taken = rows.rows() - self.rows;
        if self.looks == 0 || self.is_heavy(rows) {
            return 0;
        }
        self.max_rows.saturating_sub(taken)
    }

    /// Whether its rows have all the bytes that it may have.
    fn is_heavy(&self, rows: &RowBlockBuilder) -> bool {
        rows.rows() > self.rows && rows.len() >= self.max_bytes
    }
}

impl Transaction {
    /// Opens a cursor over a range. A consistent one takes the transaction's
    /// snapshot if there is none yet. The fields `cursor`, `batch_rows`,
    /// `max_batch_rows` and `credit` of `scan` are the caller's business and are
    /// ignored here.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Invalid`].
    pub fn scan(&mut self, scan: &Scan<'_>) -> Result<Cursor, StoreError> {
        self.check_open()?;
        self.check_readable(scan.range.index, scan.lock)?;
        let primary = self.table_of(scan.range.index)?.primary();
        if let Some(primary) = scan.fetch {
            self.check_readable(primary, scan.lock)?;
        }
        let (low, high) = keys::bounds(&scan.range)?;
        Ok(Cursor {
            transaction: self.id(),
            index: scan.range.index,
            primary,
            finished: low >= high,
            low,
            high,
            passed: None,
            direction: scan.direction,
            lock: scan.lock,
            fetch: scan.fetch,
            remaining: if scan.limit == 0 { u64::MAX } else { scan.limit },
            view: (scan.lock == Lock::None).then(|| self.view()),
            stored: None,
            ahead: false,
            overtaken: Overtaken::default(),
            version: 0,
            row_bytes: 0,
            patience: self.patience(),
            covered: CoveredTo::default(),
            sieve: Sieve::default(),
        })
    }

    /// Opens a cursor that returns only the rows that pass a sieve.
    ///
    /// # Errors
    /// As [`Transaction::scan`].
    pub fn scan_where(&mut self, scan: &Scan<'_>, sieve: Sieve) -> Result<Cursor, StoreError> {
        let cursor = self.scan(scan)?;
        if sieve.summary.is_some() {
            cursor.check_summable()?;
        }
        Ok(Cursor { sieve, ..cursor })
    }

    /// Appends a cursor's next rows to `rows`: at most `max_rows`, and none more
    /// once `rows` holds `max_bytes` bytes, but at least one if there is one;
    /// with a sieve also none, if some thousand rows in a row were rejected. A
    /// transaction may see two rows with one key of a unique index, its snapshot's
    /// and one that it has changed itself: they are never parted, by a limit neither.
    /// Says whether the scan is finished. The cursor continues behind the last
    /// row appended, also after an error or a dropped future.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`] if the table is gone, and those of locks.
    pub async fn next_batch(
        &mut self,
        cursor: &mut Cursor,
        rows: &mut RowBlockBuilder,
        max_rows: usize,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        let result = self.fill(cursor, rows, max_rows, max_bytes).await;
        self.after(result)
    }

    async fn fill(
        &mut self,
        cursor: &mut Cursor,
        rows: &mut RowBlockBuilder,
        max_rows: usize,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        self.check_open()?;
        self.table_of(cursor.index)?;
        if let Some(primary) = cursor.fetch {
            self.table_of(primary)?;
        }
        if cursor.transaction != self.id() {
            return Err(StoreError::Invalid {
                reason: "the cursor belongs to another transaction".to_owned(),
            });
        }
        if let Some(mut summary) = cursor.sieve.summary.take() {
            cursor.correct(&self.overtaken);
            let engine = &self.store.engine;
            let result = engine
                .disk
                .reading(|| summary.fill(cursor, &self.overlay, engine, rows, max_bytes));
            cursor.sieve.summary = Some(summary);
            return result;
        }
        if cursor.finished {
            return Ok(true);
        }
        cursor.correct(&self.overtaken);
        let room = &mut Room::new(rows, max_rows, max_bytes);
        let disk = &self.store.engine.disk;
        cursor.finished = match (&cursor.view, cursor.fetch) {
            (None, _) => {
                disk.expect();
                self.fill_locked(cursor, rows, room).await?
            }
            (Some(_), None) => disk.reading(|| cursor.fill(&self.overlay, &self.store.engine, rows, room))?,
            (Some(_), Some(primary)) => {
                disk.reading(|| cursor.fill_fetched(&self.overlay, &self.store.engine, primary, rows, room))?
            }
        };
        if cursor.finished {
            // What it pins in RocksDB is free from now on.
            cursor.stored = None;
        }
        Ok(cursor.finished)
    }
}

impl Cursor {
    /// Learns of overtaken rows.
    fn correct(&mut self, overtaken: &Overtaken) {
        if self.reads_entries() && !Arc::ptr_eq(&self.overtaken, overtaken) {
            self.overtaken = Arc::clone(overtaken);
            self.stored = None;
        }
    }

    /// Whether it is a consistent scan of a secondary index.
    fn reads_entries(&self) -> bool {
        self.view.is_some() && self.index != self.primary
    }

    /// The stored keys that were not passed.
    fn stored(&mut self, engine: &Engine) -> &mut Stored {
        let Self {
            stored,
            low,
            high,
            passed,
            direction,
            view,
            version,
            overtaken,
            primary,
            ..
        } = self;
        stored.get_or_insert_with(|| {
            *version = engine.version();
            let open = |view: Option<&Arc<View>>| {
                let mut options = ReadOptions::new().bounds(low.clone(), high.clone());
                if let Some(view) = view {
                    options = options.snapshot(Arc::clone(&view.snapshot));
                }
                let mut cursor = engine.data.cursor(options);
                go_behind(&mut cursor, passed.as_deref(), *direction);
                cursor
            };
            let shown = open(view.as_ref());
            match overtaken.is_empty() {
                true => Stored::new(shown),
                false => Stored::corrected(shown, open(None), Arc::clone(overtaken), *primary, *direction),
            }
        })
    }

    /// The transaction's own changes that were not passed.
    fn own<'o>(&self, overlay: &'o Overlay) -> Own<'o> {
        let passed = self.passed.as_deref().map(Bound::Excluded);
        match self.direction {
            Direction::Forward => Own::forward(overlay.range(
                passed.unwrap_or(Bound::Included(&self.low)),
                Bound::Excluded(&self.high),
            )),
            Direction::Backward => Own::backward(overlay.range(
                Bound::Included(&self.low),
                passed.unwrap_or(Bound::Excluded(&self.high)),
            )),
        }
    }

    /// Stored keys and own changes together.
    fn merge<'m>(&'m mut self, overlay: &'m Overlay, engine: &Engine) -> Merge<'m> {
        let own = self.own(overlay);
        let direction = self.direction;
        let others = self.reads_entries().then_some(Others {
            overlay,
            primary: self.primary,
        });
        Merge::new(self.stored(engine), own, direction, others)
    }

    /// How many rows the sieve has rejected since this was asked last.
    pub fn take_rejected(&mut self) -> u64 {
        self.sieve.take_rejected()
    }

    fn pass(&mut self, key: &[u8]) {
        let passed = self.passed.get_or_insert_default();
        passed.clear();
        passed.extend_from_slice(key);
    }
}

/// Puts a stored cursor on the first key behind one, or on the first of all.
fn go_behind(stored: &mut vamos_rocks::Cursor, passed: Option<&[u8]>, direction: Direction) {
    match (direction, passed) {
        (Direction::Forward, None) => stored.seek_to_first(),
        (Direction::Backward, None) => stored.seek_to_last(),
        (Direction::Forward, Some(key)) => {
            stored.seek(key);
            if stored.key() == Some(key) {
                stored.step_forward();
            }
        }
        (Direction::Backward, Some(key)) => {
            stored.seek_for_prev(key);
            if stored.key() == Some(key) {
                stored.step_back();
            }
        }
    }
}
