//! Sizes of ranges that the host has told of lately: the optimizer asks for the
//! same ones again and again, within a statement and with the next.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use vamos_guest::IndexId;

/// How long a size is good for, and while how many changes of rows (and a part
/// of the size).
const LIFE: Duration = Duration::from_secs(2);
const CHANGES: u64 = 16;
const CHANGED_PART: u64 = 16;

/// How many sizes are kept, and the longest keys: half a MiB together.
const SIZES: usize = 512;
const KEY_BYTES: usize = 512;

/// A range of an index's keys; an empty `high` is no bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) index: IndexId,
    pub(crate) low: Vec<u8>,
    pub(crate) high: Vec<u8>,
}

#[derive(Debug)]
struct Known {
    rows: u64,
    since: Instant,
    changes: u64,
}

/// Sizes of a table's ranges.
#[derive(Debug, Default)]
pub(crate) struct RangeCache {
    sizes: Mutex<HashMap<Range, Known>>,
}

impl RangeCache {
    /// A range's size, if it is known; `changes` counts those of the table.
    pub(crate) fn get(&self, range: &Range, changes: u64) -> Option<u64> {
        let sizes = self.sizes.lock();
        let known = sizes.get(range)?;
        let changed = changes.wrapping_sub(known.changes);
        let fresh = known.since.elapsed() < LIFE && changed <= CHANGES.max(known.rows / CHANGED_PART);
        fresh.then_some(known.rows)
    }

    /// Keeps a range's size.
    pub(crate) fn put(&self, range: Range, rows: u64, changes: u64) {
        if range.low.len() + range.high.len() > KEY_BYTES {
            return;
        }
        let mut sizes = self.sizes.lock();
        if sizes.len() >= SIZES {
            sizes.retain(|_, known| known.since.elapsed() < LIFE);
            if sizes.len() >= SIZES {
                sizes.clear();
            }
        }
        let since = Instant::now();
        sizes.insert(range, Known { rows, since, changes });
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.sizes.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: u32) -> Range {
        Range {
            index: IndexId(1),
            low: low.to_be_bytes().to_vec(),
            high: Vec::new(),
        }
    }

    #[test]
    fn a_size_is_known_until_the_table_has_changed() {
        let cache = RangeCache::default();
        cache.put(range(1), 5, 100);
        assert_eq!(cache.get(&range(1), 110), Some(5));
        assert_eq!(cache.get(&range(1), 200), None);
        assert_eq!(cache.get(&range(2), 100), None);
    }

    #[test]
    fn it_is_bounded() {
        let cache = RangeCache::default();
        for low in 0..3000 {
            cache.put(range(low), 1, 0);
        }
        assert!(cache.sizes.lock().len() <= SIZES);
        assert_eq!(cache.get(&range(2999), 0), Some(1));
    }
}
