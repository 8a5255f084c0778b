//! Cursors: reads of a range, row by row.

mod ranges;
mod shared_key;

use crate::Error;
use crate::session::Session;
use ranges::Ranges;
use shared_key::Returned;
use std::ops::Range;
use std::sync::Arc;
use vamos_proto::{
    Credit, CursorId, Direction, IndexId, KeyRange, Lock, Request, Response, Row, RowBlock, Scan, ScanRanges,
    ScanWhere, Summarize,
};

/// Bytes of rows that the host may send ahead of a reader that takes no locks.
const READ_AHEAD: u32 = 128 * 1024;

/// A reader that wants no more rows gets them in one batch, which nothing follows
/// until it is read. More are asked for by their bytes, if each had these.
const FEW_ROWS: u32 = 64;
const SMALL_ROW: u32 = 64;

/// What a cursor reads.
#[derive(Clone, Copy, Debug)]
pub struct ScanSpec<'a> {
    /// The keys.
    pub range: KeyRange<'a>,
    /// In which order.
    pub direction: Direction,
    /// The lock on each row. A cursor with a lock is not read ahead of but in
    /// batches of at most `max_batch_rows`.
    pub lock: Lock,
    /// For a secondary index: the primary index from which to fetch the rows.
    pub fetch: Option<IndexId>,
    /// Rows in the first batch; later ones double.
    pub batch_rows: u32,
    /// No batch has more rows; 0: no limit.
    pub max_batch_rows: u32,
    /// Ends after so many rows; 0: no limit.
    pub limit: u64,
    /// The reader will probably stop after so many rows, so that the host reads
    /// little more before it goes on; 0: it will read on. Not for locking scans,
    /// which are not read ahead of.
    pub first_rows: u32,
}

/// Programs that decide on the host which rows a scan returns; see
/// [`ScanWhere`]. An empty one accepts everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Runs on each entry of a secondary index before its row is fetched.
    pub entry: Vec<u8>,
    /// Runs on each row of the primary index.
    pub row: Vec<u8>,
    /// Not empty: what comes are not rows but their groups; see [`Summarize`].
    pub summary: Vec<u8>,
}

impl Conditions {
    /// Whether there is nothing to decide.
    pub fn is_empty(&self) -> bool {
        self.entry.is_empty() && self.row.is_empty() && self.summary.is_empty()
    }
}

impl<'a> ScanSpec<'a> {
    /// All of a range, ascending, without locks.
    pub fn new(range: KeyRange<'a>) -> Self {
        Self {
            range,
            direction: Direction::Forward,
            lock: Lock::None,
            fetch: None,
            batch_rows: 2,
            max_batch_rows: 0,
            limit: 0,
            first_rows: 0,
        }
    }
}

/// A range being read. Belongs to the session that opened it, and lives at most
/// as long as its transaction.
#[derive(Debug)]
pub struct Cursor {
    /// Its id and tag on the present lane.
    id: u32,
    index: IndexId,
    low: Vec<u8>,
    high: Vec<u8>,
    spec: Spec,
    conditions: Arc<Conditions>,
    /// The block being read: the body of a `Rows` message.
    block: Vec<u8>,
    /// Where its rows start and the next one is.
    start: usize,
    at: usize,
    row: Place,
    on_row: bool,
    returned: u64,
    /// Bytes that the host may send ahead.
    credit: u32,
    /// Bytes of rows that were read and not yet given back.
    owed: u32,
    /// How far in the session's log of writes the cursor has looked.
    seen_writes: u64,
    /// The block is the stream's last.
    last_block: bool,
    /// Of a scan of several ranges: those behind the present one.
    ranges: Option<Ranges>,
    /// The scan began anew at this row's key, which it shares with another one.
    returned_before: Option<Returned>,
}

/// Where a step within a block led.
enum Step {
    Row,
    EndOfRange,
    EndOfBlock,
}

#[derive(Clone, Copy, Debug)]
struct Spec {
    direction: Direction,
    lock: Lock,
    fetch: Option<IndexId>,
    batch_rows: u32,
    max_batch_rows: u32,
    limit: u64,
    first_rows: u32,
}

/// Where in the block the current row's parts are.
#[derive(Clone, Debug, Default)]
struct Place {
    key: Range<usize>,
    primary_key: Range<usize>,
    value: Range<usize>,
}

impl Cursor {
    /// The row that [`Session::next`] moved to; its bytes stay in place until
    /// the next move. Empty before the first and after the last.
    pub fn row(&self) -> Row<'_> {
        let part = |range: &Range<usize>| self.block.get(range.clone()).unwrap_or_default();
        Row {
            key: part(&self.row.key),
            primary_key: part(&self.row.primary_key),
            value: part(&self.row.value),
        }
    }

    /// Moves to the next row of the block.
    fn step(&mut self) -> Result<Step, Error> {
        let rows = self.block.get(self.start..).unwrap_or_default();
        let Some((row, next)) = RowBlock::new(rows).row_at(self.at)? else {
            self.leave_row();
            return Ok(Step::EndOfBlock);
        };
        if self.ranges.is_some() && row.key.is_empty() {
            self.at = next;
            self.end_range();
            return Ok(Step::EndOfRange);
        }
        let key_end = next - row.value.len() - row.primary_key.len();
        let end = self.start + next;
        self.row = Place {
            key: self.start + key_end - row.key.len()..self.start + key_end,
            primary_key: self.start + key_end..end - row.value.len(),
            value: end - row.value.len()..end,
        };
        self.at = next;
        self.on_row = true;
        self.returned += 1;
        Ok(Step::Row)
    }

    /// Notes that the rows up to the current one need not come again.
    fn leave_row(&mut self) {
        if std::mem::take(&mut self.on_row) {
            let key = self.row().key.to_vec();
            self.leave_key(key, false);
        }
    }

    /// Puts the range's beginning behind this key, or before it if it shall come
    /// once `again`.
    fn leave_key(&mut self, mut key: Vec<u8>, again: bool) {
        // The key that follows immediately.
        if again == (self.spec.direction == Direction::Backward) {
            key.push(0);
        }
        match self.spec.direction {
            Direction::Forward => self.low = key,
            Direction::Backward => self.high = key,
        }
    }

    /// Takes over a block as it arrived.
    fn load(&mut self, body: Vec<u8>, opcode: u16) -> Result<(), Error> {
        let rows = match Response::decode(opcode, &body)? {
            Response::Rows(block) | Response::LastRows(block) => block.as_bytes().len(),
            other => return Err(Error::unexpected(other.opcode(), "a scan")),
        };
        self.start = body.len() - rows;
        self.block = body;
        self.at = 0;
        Ok(())
    }

    /// Whether these changes may have touched a row that was sent but not read.
    fn is_ahead(&self, index: IndexId, key: &[u8]) -> bool {
        if self.spec.fetch == Some(index) {
            return match self.spec.lock {
                // The row may be found by another entry now.
                Lock::None => true,
                // Nothing but the block was sent.
                _ => self.has_ahead(key),
            };
        }
        if index != self.index {
            return false;
        }
        if self
            .ranges
            .as_ref()
            .is_some_and(|ranges| ranges.contain(index, key))
        {
            return true;
        }
        let range = KeyRange {
            index,
            low: &self.low,
            high: &self.high,
        };
        let passed = match self.spec.direction {
            _ if key == self.row().key => !self.may_share_key(),
            Direction::Forward => key < self.row().key,
            Direction::Backward => key > self.row().key,
        };
        let contains = range.contains(key) || key == self.low;
        contains && !(self.on_row && passed)
    }

    /// Whether the block has the row of this primary key and it was not read yet.
    fn has_ahead(&self, primary_key: &[u8]) -> bool {
        let rows = RowBlock::new(self.block.get(self.start..).unwrap_or_default());
        let mut at = self.at;
        while let Ok(Some((row, next))) = rows.row_at(at) {
            if row.primary_key == primary_key {
                return true;
            }
            at = next;
        }
        false
    }

    fn request(&self, id: u32) -> Scan<'_> {
        let limit = match self.spec.limit {
            0 => 0,
            limit => (limit - self.returned.min(limit)).max(1),
        };
        Scan {
            cursor: CursorId(id),
            range: KeyRange {
                index: self.index,
                low: &self.low,
                high: &self.high,
            },
            direction: self.spec.direction,
            lock: self.spec.lock,
            fetch: self.spec.fetch,
            batch_rows: self.spec.batch_rows.max(1),
            max_batch_rows: self.spec.max_batch_rows,
            limit,
            credit: self.credit,
        }
    }

    /// How many bytes the host should be allowed to send ahead by now.
    fn wanted_credit(&self) -> u32 {
        let first = self.spec.first_rows;
        match self.spec.lock {
            Lock::None if self.returned >= first.into() => READ_AHEAD,
            // The first batch has them all.
            Lock::None if first <= FEW_ROWS => 1,
            Lock::None => first.saturating_mul(SMALL_ROW).min(READ_AHEAD),
            _ => 0,
        }
    }

    /// What to give back now that a block was read: the bytes that were read, and more
    /// if the reader has read on against expectation. Nothing as long as the host may
    /// send three quarters of its credit without it: most ranges end before.
    fn credit_for(&mut self, block: usize) -> Option<u32> {
        let more = self.wanted_credit().saturating_sub(self.credit);
        self.credit += more;
        let read = u32::try_from(block).unwrap_or(u32::MAX);
        self.owed = self.owed.saturating_add(read).saturating_add(more);
        let due = more > 0 || self.owed >= self.credit / 4;
        due.then(|| std::mem::take(&mut self.owed))
    }
}

impl Session {
    /// Opens a cursor before its first row. Its request waits for no answer.
    ///
    /// # Errors
    /// As every request; the scan's own failures come with [`Session::next`].
    pub fn scan(&mut self, spec: &ScanSpec<'_>) -> Result<Cursor, Error> {
        self.open_cursor(spec, None, Arc::default())
    }

    /// Opens a cursor over the rows that the conditions accept, and those of
    /// which they say nothing.
    ///
    /// # Errors
    /// As [`Session::scan`].
    pub fn scan_where(&mut self, spec: &ScanSpec<'_>, conditions: Arc<Conditions>) -> Result<Cursor, Error> {
        self.open_cursor(spec, None, conditions)
    }

    fn open_cursor(
        &mut self,
        spec: &ScanSpec<'_>,
        ranges: Option<Ranges>,
        conditions: Arc<Conditions>,
    ) -> Result<Cursor, Error> {
        self.open_on_host()?;
        if spec.lock != Lock::None {
            self.transaction.set_locked();
        }
        let mut cursor = Cursor {
            id: 0,
            index: spec.range.index,
            low: spec.range.low.to_vec(),
            high: spec.range.high.to_vec(),
            spec: Spec {
                direction: spec.direction,
                lock: spec.lock,
                fetch: spec.fetch,
                batch_rows: spec.batch_rows,
                max_batch_rows: spec.max_batch_rows,
                limit: spec.limit,
                first_rows: spec.first_rows,
            },
            credit: 0,
            owed: 0,
            conditions,
            block: Vec::new(),
            start: 0,
            at: 0,
            row: Place::default(),
            on_row: false,
            returned: 0,
            seen_writes: 0,
            last_block: false,
            ranges,
            returned_before: None,
        };
        let started = self.start(&mut cursor);
        self.checked(started)?;
        Ok(cursor)
    }

    /// Moves to the next row. Returns `false` behind the last one.
    ///
    /// # Errors
    /// As every request, and those of waiting for locks.
    pub fn next(&mut self, cursor: &mut Cursor) -> Result<bool, Error> {
        let moved = self.advance(cursor);
        self.checked(moved)
    }

    /// Closes a cursor; the host stops sending.
    pub fn close(&mut self, cursor: Cursor) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let under_way = connection.streams.close(cursor.id);
        connection.streams.recycle(cursor.block);
        if under_way && let Err(error) = connection.send(&Request::CloseCursor(CursorId(cursor.id))) {
            self.drop_lane(&error.to_string());
        }
    }

    fn advance(&mut self, cursor: &mut Cursor) -> Result<bool, Error> {
        self.connection()?;
        if cursor.is_between_ranges() {
            return Ok(false);
        }
        self.keep_fresh(cursor)?;
        loop {
            match cursor.step()? {
                Step::Row if cursor.was_returned() => continue,
                Step::Row => return Ok(true),
                Step::EndOfRange => return Ok(false),
                Step::EndOfBlock => {}
            }
            if cursor.last_block || !self.fetch_block(cursor)? {
                cursor.end_all_ranges();
                return Ok(false);
            }
        }
    }

    /// Starts the scan anew behind the current row if rows that were sent ahead
    /// may have been changed by this transaction since.
    fn keep_fresh(&mut self, cursor: &mut Cursor) -> Result<(), Error> {
        if cursor.seen_writes == self.written.position() {
            return Ok(());
        }
        let stale = match self.written.since(cursor.seen_writes) {
            Some(mut keys) => keys.any(|(index, key)| cursor.is_ahead(index, key)),
            None => true,
        };
        cursor.seen_writes = self.written.position();
        if !stale || (cursor.last_block && cursor.spec.limit != 0 && cursor.returned >= cursor.spec.limit) {
            return Ok(());
        }
        self.restart(cursor)
    }

    fn restart(&mut self, cursor: &mut Cursor) -> Result<(), Error> {
        if let Some(connection) = &mut self.connection
            && connection.streams.close(cursor.id)
        {
            connection.send(&Request::CloseCursor(CursorId(cursor.id)))?;
        }
        cursor.leave_row_before_restart();
        self.start(cursor)
    }

    /// Sends the scan's request.
    fn start(&mut self, cursor: &mut Cursor) -> Result<(), Error> {
        cursor.seen_writes = self.written.position();
        cursor.block.clear();
        cursor.start = 0;
        cursor.at = 0;
        cursor.row = Place::default();
        cursor.on_row = false;
        cursor.last_block = false;
        cursor.credit = cursor.wanted_credit();
        cursor.owed = 0;
        let connection = self.connection()?;
        cursor.id = connection.next_tag();
        let scan = cursor.request(cursor.id);
        let conditions = &cursor.conditions;
        let tag = match &cursor.ranges {
            None if conditions.is_empty() => connection.send(&Request::Scan(scan))?,
            None if !conditions.summary.is_empty() => connection.send(&Request::Summarize(Summarize {
                scan,
                summary: &conditions.summary,
            }))?,
            None => connection.send(&Request::ScanWhere(ScanWhere {
                scan,
                entry: &conditions.entry,
                row: &conditions.row,
            }))?,
            Some(ranges) => connection.send(&Request::ScanRanges(ScanRanges {
                scan,
                more: ranges.more(),
            }))?,
        };
        connection.streams.open(tag);
        Ok(())
    }

    /// Gets the next block of rows, waiting for it if need be. Returns whether
    /// there is one.
    fn fetch_block(&mut self, cursor: &mut Cursor) -> Result<bool, Error> {
        let Self {
            client,
            connection,
            interrupt,
            ..
        } = self;
        let lost = || Error::ConnectionLost {
            reason: "no lane".into(),
        };
        let connection = connection.as_mut().ok_or_else(lost)?;
        if !cursor.block.is_empty() {
            let due = cursor.credit_for(cursor.block.len() - cursor.start);
            connection.streams.recycle(std::mem::take(&mut cursor.block));
            if let Some(bytes) = due {
                connection.send(&Request::Credit(Credit {
                    cursor: CursorId(cursor.id),
                    bytes,
                }))?;
            }
        }
        loop {
            let gone = || Error::Protocol {
                what: "a cursor was used after its transaction".into(),
            };
            let stream = connection.streams.get_mut(cursor.id).ok_or_else(gone)?;
            client.count_rejected(std::mem::take(&mut stream.rejected));
            if let Some((opcode, body)) = stream.blocks.pop_front() {
                cursor.last_block = stream.finished && stream.blocks.is_empty() && stream.failure.is_none();
                cursor.load(body, opcode)?;
                return Ok(true);
            }
            if let Some(failure) = stream.failure.take() {
                return Err(failure);
            }
            if stream.finished {
                cursor.last_block = true;
                return Ok(false);
            }
            connection.wait_for_rows(cursor.id, interrupt.as_deref())?;
        }
    }
}
