//! Cursors over several ranges of an index, one behind the other.

use super::{Cursor, ScanSpec};
use crate::Error;
use crate::session::Session;
use std::collections::VecDeque;
use vamos_proto::{IndexId, KeyRange};

/// The ranges behind a cursor's present one.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    more: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// The present one has not begun: the one before it is at its end.
    between: bool,
    /// The last one is at its end.
    finished: bool,
}

impl Ranges {
    /// As the protocol has them.
    pub(super) fn more(&self) -> Vec<(&[u8], &[u8])> {
        self.more
            .iter()
            .map(|(low, high)| (&low[..], &high[..]))
            .collect()
    }

    /// Whether a key of this index lies in one of them.
    pub(super) fn contain(&self, index: IndexId, key: &[u8]) -> bool {
        self.more.iter().any(|(low, high)| {
            let range = KeyRange { index, low, high };
            key == low || range.contains(key)
        })
    }
}

impl Cursor {
    /// Whether the present range is at its end and the next one has not begun.
    pub(super) fn is_between_ranges(&self) -> bool {
        let ranges = self.ranges.as_ref();
        ranges.is_some_and(|ranges| ranges.between || ranges.finished)
    }

    /// The present range is at its end.
    pub(super) fn end_range(&mut self) {
        self.on_row = false;
        self.returned_before = None;
        let Some(ranges) = &mut self.ranges else { return };
        match ranges.more.pop_front() {
            Some((low, high)) => {
                (self.low, self.high) = (low, high);
                ranges.between = true;
            }
            None => ranges.finished = true,
        }
    }

    /// The stream is at its end.
    pub(super) fn end_all_ranges(&mut self) {
        if let Some(ranges) = &mut self.ranges {
            ranges.more.clear();
            ranges.finished = true;
        }
    }
}

impl Session {
    /// Opens a cursor over several ranges, of which `spec` has the first:
    /// [`Session::next`] returns `false` at the end of each, and
    /// [`Session::next_range`] goes to the next one. A range whose two keys are
    /// equal is that one key. No key of the index may be empty.
    ///
    /// # Errors
    /// As [`Session::scan`].
    pub fn scan_ranges(&mut self, spec: &ScanSpec<'_>, more: &[(&[u8], &[u8])]) -> Result<Cursor, Error> {
        let owned = |&(low, high): &(&[u8], &[u8])| (low.to_vec(), high.to_vec());
        let ranges = Ranges {
            more: more.iter().map(owned).collect(),
            ..Ranges::default()
        };
        self.open_cursor(spec, Some(ranges), std::sync::Arc::default())
    }

    /// Goes to the next range of a cursor of several; what is left of the present
    /// one is passed over. Returns whether there is one.
    ///
    /// # Errors
    /// As [`Session::next`].
    pub fn next_range(&mut self, cursor: &mut Cursor) -> Result<bool, Error> {
        while !cursor.is_between_ranges() && self.next(cursor)? {}
        let Some(ranges) = &mut cursor.ranges else {
            return Ok(false);
        };
        ranges.between = false;
        Ok(!ranges.finished)
    }
}
