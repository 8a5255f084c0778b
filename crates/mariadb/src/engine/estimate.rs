//! Estimates for the optimizer.

use super::handler::Handler;
use super::range_cache::Range;
use super::{Connection, Error};
use crate::codec::bounds::behind;
use vamos_guest::KeyRange;

/// So many ranges are asked for at once.
const TOGETHER: usize = 1000;

/// An end of a range: a key image, and the server's number for how the range
/// relates to it.
type End<'a> = Option<(&'a [u8], u32)>;

impl Handler {
    /// Says that the optimizer will ask for this range soon: the first question
    /// takes it along.
    pub(crate) fn expect_range(&mut self, key: usize, min: End<'_>, max: End<'_>) -> Result<(), Error> {
        if self.expected.len() < TOGETHER
            && let Some(range) = self.range(key, min, max)?
        {
            self.expected.push(range);
        }
        Ok(())
    }

    /// Nothing more is expected.
    pub(crate) fn forget_expected(&mut self) {
        self.expected.clear();
    }

    /// About how many rows lie in a range of a key.
    pub(crate) fn range_rows(
        &mut self,
        connection: &mut Connection,
        key: usize,
        min: End<'_>,
        max: End<'_>,
    ) -> Result<u64, Error> {
        let Some(range) = self.range(key, min, max)? else {
            return Ok(1);
        };
        if let Some(rows) = self.known_rows(key, &range) {
            return Ok(rows);
        }
        let changes = self.share.changes();
        let mut asked = std::mem::take(&mut self.expected);
        asked.retain(|other| *other != range && self.known_rows(key, other).is_none());
        asked.truncate(TOGETHER);
        asked.push(range);
        let ranges: Vec<_> = asked.iter().map(Range::as_key_range).collect();
        let sizes = connection.session.range_sizes(&ranges)?;
        let mut rows = 1;
        for (range, size) in asked.into_iter().zip(sizes) {
            // None would tell the optimizer that there can be no row. The one
            // that is asked for is the last.
            rows = size.max(1);
            self.share.ranges.put(range, rows, changes);
        }
        Ok(rows)
    }

    /// About how many rows lie in a range, if the host need not be asked.
    fn known_rows(&self, key: usize, range: &Range) -> Option<u64> {
        let bounds = (&range.low[..], &range.high[..]);
        let position = self.shape.index_of(key);
        let reckoned = self.share.rows_between(position, bounds);
        reckoned.or_else(|| self.share.ranges.get(range, self.share.changes()))
    }

    /// The bytes between which a range lies; `None`: nothing can.
    fn range(&mut self, key: usize, min: End<'_>, max: End<'_>) -> Result<Option<Range>, Error> {
        /// `HA_READ_AFTER_KEY`: not from the least key, or up to the greatest.
        const AFTER: u32 = 3;
        /// `HA_READ_BEFORE_KEY`: not with the greatest key.
        const BEFORE: u32 = 4;
        let mut low = Vec::new();
        let mut high = None;
        if let Some((image, find)) = min {
            low = self.encode_image(key, image)?.0;
            if find == AFTER {
                match behind(&low) {
                    Some(after) => low = after,
                    None => return Ok(None),
                }
            }
        }
        if let Some((image, find)) = max {
            let bytes = self.encode_image(key, image)?.0;
            high = if find == BEFORE {
                Some(bytes)
            } else {
                behind(&bytes)
            };
        }
        if high.as_ref().is_some_and(|high| *high <= low) {
            return Ok(None);
        }
        Ok(Some(Range {
            index: self.share.ids().index(self.shape.index_of(key)),
            low,
            high: high.unwrap_or_default(),
        }))
    }
}

impl Range {
    fn as_key_range(&self) -> KeyRange<'_> {
        KeyRange {
            index: self.index,
            low: &self.low,
            high: &self.high,
        }
    }
}
