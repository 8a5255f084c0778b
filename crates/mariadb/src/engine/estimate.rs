//! Estimates for the optimizer.

use super::handler::Handler;
use super::{Connection, Error};
use crate::codec::bounds::behind;
use vamos_guest::KeyRange;

impl Handler {
    /// About how many rows lie in a range of a key.
    pub(crate) fn range_rows(
        &mut self,
        connection: &mut Connection,
        key: usize,
        min: Option<(&[u8], u32)>,
        max: Option<(&[u8], u32)>,
    ) -> Result<u64, Error> {
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
                    None => return Ok(1),
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
            return Ok(1);
        }
        let range = KeyRange {
            index: self.share.ids().index(self.shape.index_of(key)),
            low: &low,
            high: high.as_deref().unwrap_or_default(),
        };
        let sizes = connection.session.range_sizes(&[range])?;
        // None would tell the optimizer that there can be no row.
        Ok(sizes.first().copied().unwrap_or(1).max(1))
    }
}
