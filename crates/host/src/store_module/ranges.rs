//! A scan of several ranges, one behind the other.

use std::collections::VecDeque;
use vamos_proto::{CursorId, Direction, IndexId, KeyRange, Lock, Row, RowBlockBuilder, Scan, ScanRanges};
use vamos_store::{StoreError, Transaction};

/// The most ranges of one cursor.
const MAX_RANGES: usize = 4096;

/// What a range takes in memory beside its keys, about.
const OVERHEAD: usize = 64;

/// The present range and those behind it.
#[derive(Debug)]
pub(super) struct Ranges {
    cursor: CursorId,
    index: IndexId,
    direction: Direction,
    lock: Lock,
    fetch: Option<IndexId>,
    /// The first is the present one.
    queue: VecDeque<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

/// A range that is one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'r> {
    index: IndexId,
    key: &'r [u8],
    lock: Lock,
    fetch: Option<IndexId>,
}

impl Point<'_> {
    /// Appends its row, if there is one.
    pub(super) async fn get(
        self,
        transaction: &mut Transaction,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        transaction
            .get(self.index, self.key, self.lock, self.fetch, rows)
            .await
    }
}

fn size((low, high): &(Vec<u8>, Vec<u8>)) -> usize {
    OVERHEAD + low.len() + high.len()
}

impl Ranges {
    /// The ranges of a request; or why there may not be such.
    pub(super) fn new(request: &ScanRanges<'_>) -> Result<Self, String> {
        if request.more.len() >= MAX_RANGES {
            return Err(format!(
                "a scan of {} ranges; at most {MAX_RANGES} are allowed",
                request.more.len() + 1
            ));
        }
        if request.scan.limit != 0 {
            return Err("a scan of several ranges has no limit".to_owned());
        }
        let scan = &request.scan;
        let first = (scan.range.low, scan.range.high);
        let owned = |&(low, high): &(&[u8], &[u8])| (low.to_vec(), high.to_vec());
        let queue: VecDeque<_> = std::iter::once(&first).chain(&request.more).map(owned).collect();
        Ok(Self {
            cursor: scan.cursor,
            index: scan.range.index,
            direction: scan.direction,
            lock: scan.lock,
            fetch: scan.fetch,
            bytes: queue.iter().map(size).sum(),
            queue,
        })
    }

    /// About what the ranges take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The present range, if it is one key.
    pub(super) fn point(&self) -> Option<Point<'_>> {
        let (low, high) = self.queue.front()?;
        (low == high && !low.is_empty()).then_some(Point {
            index: self.index,
            key: low,
            lock: self.lock,
            fetch: self.fetch,
        })
    }

    /// The present range as a scan.
    pub(super) fn scan(&self) -> Scan<'_> {
        let (low, high) = match self.queue.front() {
            Some((low, high)) => (&low[..], &high[..]),
            None => (&[][..], &[][..]),
        };
        Scan {
            cursor: self.cursor,
            range: KeyRange {
                index: self.index,
                low,
                high,
            },
            direction: self.direction,
            lock: self.lock,
            fetch: self.fetch,
            // The stream's business.
            batch_rows: 1,
            max_batch_rows: 0,
            limit: 0,
            credit: 0,
        }
    }

    /// Goes to the next range; says whether there is one.
    pub(super) fn step(&mut self) -> bool {
        if let Some(range) = self.queue.pop_front() {
            self.bytes -= size(&range);
        }
        !self.queue.is_empty()
    }

    /// Appends the row that marks a range's end.
    pub(super) fn mark_end(rows: &mut RowBlockBuilder) {
        rows.push(&Row {
            key: &[],
            primary_key: &[],
            value: &[],
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(low: &'a [u8], high: &'a [u8], more: Vec<(&'a [u8], &'a [u8])>) -> ScanRanges<'a> {
        ScanRanges {
            scan: Scan {
                cursor: CursorId(1),
                range: KeyRange {
                    index: IndexId(2),
                    low,
                    high,
                },
                direction: Direction::Forward,
                lock: Lock::None,
                fetch: None,
                batch_rows: 1,
                max_batch_rows: 0,
                limit: 0,
                credit: 0,
            },
            more,
        }
    }

    #[test]
    fn ranges_and_single_keys_follow_each_other() {
        let mut ranges = Ranges::new(&request(b"a", b"a", vec![(b"b", b"c"), (b"", b"")])).unwrap();
        assert_eq!(ranges.point().unwrap().key, b"a");
        assert!(ranges.step());
        assert!(ranges.point().is_none());
        assert_eq!(ranges.scan().range.low, b"b");
        // Two empty keys are no key but the whole index.
        assert!(ranges.step() && ranges.point().is_none());
        assert!(!ranges.step());
        assert_eq!(ranges.bytes(), 0);
    }

    #[test]
    fn there_are_not_too_many() {
        let more = vec![(&b"b"[..], &b"c"[..]); MAX_RANGES];
        assert!(Ranges::new(&request(b"a", b"b", more)).is_err());
    }
}
