//! The open cursors of a session, whose rows are streamed in turn.

use super::Limits;
use super::ranges::Ranges;
use std::collections::VecDeque;
use vamos_proto::{CursorId, Failure, RowBlockBuilder, Scan};
use vamos_store::{Cursor, StoreError, Transaction};

/// Bytes of a batch for a reader that is awake. Some 20 microseconds' work: less
/// than a reader polls before it sleeps, so that it finds the next batch polling
/// and needs no doorbell. Larger ones are not faster.
const SMALL_BATCH_BYTES: usize = 8 << 10;

/// After so many batches in a row for which the reader had to be woken, batches
/// grow.
const SLEEPS_BEFORE_GROWTH: u32 = 3;

/// One cursor and how far its reader lets it go.
#[derive(Debug)]
pub(super) struct Stream {
    /// The tag of its `Scan`.
    pub(super) tag: u32,
    pub(super) id: CursorId,
    pub(super) cursor: Cursor,
    /// Of a scan of several ranges: the present one and those behind it.
    pub(super) ranges: Option<Ranges>,
    /// Rows found and not yet sent: an interrupted batch goes on where it was.
    pub(super) rows: RowBlockBuilder,
    batch_rows: usize,
    batch_bytes: usize,
    max_rows: usize,
    max_bytes: usize,
    /// How many batches in a row the reader had to be woken for.
    rang: u32,
    credit: u64,
    /// Bytes sent and not given back.
    under_way: u64,
    /// With a credit of 0: the reader has asked for the next batch.
    asked: bool,
}

impl Stream {
    pub(super) fn new(tag: u32, scan: &Scan<'_>, cursor: Cursor, limits: Limits) -> Self {
        let rows = |rows: u32| usize::try_from(rows).unwrap_or(usize::MAX);
        let max_rows = match rows(scan.max_batch_rows) {
            0 => limits.batch_rows,
            most => most.min(limits.batch_rows),
        };
        Self {
            tag,
            id: scan.cursor,
            cursor,
            ranges: None,
            rows: RowBlockBuilder::new(),
            batch_rows: rows(scan.batch_rows).clamp(1, max_rows),
            batch_bytes: SMALL_BATCH_BYTES.min(limits.batch_bytes),
            max_rows,
            max_bytes: limits.batch_bytes,
            rang: 0,
            credit: scan.credit.into(),
            under_way: 0,
            asked: true,
        }
    }

    /// It reads these ranges.
    pub(super) fn set_ranges(&mut self, ranges: Ranges) {
        self.ranges = Some(ranges);
    }

    /// Finds rows, until the batch is full or the present range is at its end;
    /// says whether it is.
    pub(super) async fn fill(&mut self, transaction: &mut Transaction) -> Result<bool, StoreError> {
        let (max_rows, max_bytes) = self.batch();
        match self.ranges.as_ref().and_then(Ranges::point) {
            Some(point) => point.get(transaction, &mut self.rows).await.map(|_| true),
            None => {
                transaction
                    .next_batch(&mut self.cursor, &mut self.rows, max_rows, max_bytes)
                    .await
            }
        }
    }

    /// The present range is at its end: goes to the next one. Says whether there
    /// is one.
    pub(super) fn next_range(&mut self, transaction: &mut Transaction) -> Result<bool, StoreError> {
        let Some(ranges) = &mut self.ranges else {
            return Ok(false);
        };
        Ranges::mark_end(&mut self.rows);
        if !ranges.step() {
            return Ok(false);
        }
        if ranges.point().is_none() {
            self.cursor = transaction.scan(&ranges.scan())?;
        }
        Ok(true)
    }

    /// Whether the batch takes no more rows.
    pub(super) fn is_full(&self) -> bool {
        let (max_rows, max_bytes) = self.batch();
        max_rows == 0 || self.rows.len() >= max_bytes
    }

    /// Whether its reader lets it send a batch.
    fn may_send(&self) -> bool {
        if self.credit == 0 {
            self.asked
        } else {
            self.under_way < self.credit
        }
    }

    /// How many rows and bytes the present batch has at most.
    pub(super) fn batch(&self) -> (usize, usize) {
        (self.batch_rows.saturating_sub(self.rows.rows()), self.batch_bytes)
    }

    /// The batch was sent, and the reader had to be woken for it or not.
    ///
    /// Rows double with each batch. Bytes follow the reader: if it sleeps again
    /// and again (because the disk is slow, say), each doorbell should be worth
    /// more.
    pub(super) fn sent(&mut self, rows: &RowBlockBuilder, rang: bool) {
        self.under_way += rows.len() as u64;
        self.asked = false;
        self.batch_rows = self.batch_rows.saturating_mul(2).min(self.max_rows);
        self.rang = if rang { self.rang + 1 } else { 0 };
        if self.rang >= SLEEPS_BEFORE_GROWTH {
            self.rang = 0;
            self.batch_bytes = (self.batch_bytes * 2).min(self.max_bytes);
        } else if !rang {
            self.batch_bytes = (self.batch_bytes / 2).max(SMALL_BATCH_BYTES.min(self.max_bytes));
        }
    }

    /// What is given back beyond what was sent raises the credit.
    fn give_back(&mut self, bytes: u32) {
        let bytes = u64::from(bytes);
        if self.credit > 0 {
            let more = bytes.saturating_sub(self.under_way);
            self.credit = self.credit.saturating_add(more);
        }
        self.under_way = self.under_way.saturating_sub(bytes);
        self.asked = true;
    }
}

/// The open cursors in the order of their turns.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: VecDeque<Stream>,
}

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    pub(super) fn contains(&self, id: CursorId) -> bool {
        self.streams.iter().any(|stream| stream.id == id)
    }

    /// Bytes of all ranges that are to be read.
    pub(super) fn range_bytes(&self) -> usize {
        let ranges = self.streams.iter().filter_map(|stream| stream.ranges.as_ref());
        ranges.map(Ranges::bytes).sum()
    }

    pub(super) fn add(&mut self, stream: Stream) {
        self.streams.push_back(stream);
    }

    /// Takes the stream whose turn it is out; [`add`](Self::add) puts it behind
    /// the others.
    pub(super) fn next(&mut self) -> Option<Stream> {
        let position = self.streams.iter().position(Stream::may_send)?;
        self.streams.remove(position)
    }

    pub(super) fn credit(&mut self, id: CursorId, bytes: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            stream.give_back(bytes);
        }
    }

    pub(super) fn close(&mut self, id: CursorId) {
        self.streams.retain(|stream| stream.id != id);
    }

    /// Ends the scan that the request with this tag opened; says whether there
    /// is one.
    pub(super) fn cancel(&mut self, tag: u32) -> bool {
        let before = self.streams.len();
        self.streams.retain(|stream| stream.tag != tag);
        self.streams.len() < before
    }

    /// Ends all; gives the tags of their requests.
    pub(super) fn end_all(&mut self) -> Vec<u32> {
        self.streams.drain(..).map(|stream| stream.tag).collect()
    }
}

/// What became of a stream's turn.
#[derive(Debug)]
pub(super) enum Turn {
    /// A batch is ready; true: the last one.
    Batch(bool),
    /// The scan failed.
    Failed(Failure<'static>),
    /// A message came first.
    Interrupted,
}
