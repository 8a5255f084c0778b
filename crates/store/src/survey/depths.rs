//! Where in an index which part of its entries lies.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use vamos_proto::IndexId;

/// How many marks an index has at most, and how many bytes of a key one keeps.
const MARKS: u64 = 256;
const MARK_BYTES: usize = 64;

/// Indexes of which the marks are kept: some 10 MiB at most.
const INDEXES: usize = 512;

/// Every so many-th key of an index, as they were once.
#[derive(Debug)]
pub(crate) struct Depths {
    every: u64,
    marks: Vec<Box<[u8]>>,
    entries: u64,
}

impl Depths {
    /// For an index of about so many entries.
    pub(super) fn new(entries: u64) -> Self {
        Self {
            every: (entries / MARKS).max(1),
            marks: Vec::new(),
            entries: 0,
        }
    }

    /// Takes the next key in.
    pub(super) fn add(&mut self, key: &[u8]) {
        self.entries += 1;
        if self.entries.is_multiple_of(self.every) && self.marks.len() < 2 * MARKS as usize {
            self.marks.push(key.get(..MARK_BYTES).unwrap_or(key).into());
        }
    }

    /// Whether an index that has so many rows now is still much like this.
    pub(crate) fn fits(&self, rows: u64) -> bool {
        !self.marks.is_empty() && self.entries / 2 <= rows && rows / 2 <= self.entries
    }

    /// Which part of the entries lies between two full keys, from 0 to 1.
    pub(crate) fn fraction(&self, low: &[u8], high: &[u8]) -> f64 {
        let below = |key: &[u8]| self.marks.partition_point(|mark| **mark < *key);
        let marks = below(high).saturating_sub(below(low));
        // Half a step for each end that may lie anywhere between two marks.
        let between = if marks == 0 { 0.5 } else { marks as f64 };
        (between / self.marks.len().max(1) as f64).min(1.0)
    }
}

/// The marks of the indexes that were looked at last.
#[derive(Debug, Default)]
pub(crate) struct DepthsCache {
    indexes: Mutex<HashMap<IndexId, Arc<Depths>>>,
}

impl DepthsCache {
    pub(super) fn keep(&self, index: IndexId, depths: Depths) {
        let mut indexes = self.indexes.lock();
        // They come back with the next survey: any will do.
        if indexes.len() >= INDEXES
            && !indexes.contains_key(&index)
            && let Some(&other) = indexes.keys().next()
        {
            indexes.remove(&other);
        }
        indexes.insert(index, Arc::new(depths));
    }

    pub(crate) fn get(&self, index: IndexId) -> Option<Arc<Depths>> {
        self.indexes.lock().get(&index).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_follows_the_entries_and_not_the_keys() {
        let mut depths = Depths::new(10_000);
        // Nine of ten keys begin with 'a'.
        for i in 0..10_000u32 {
            let letter = if i < 9000 { b'a' } else { b'z' };
            depths.add(&[&[letter][..], &i.to_be_bytes()].concat());
        }
        let fraction = depths.fraction(b"a", b"b");
        assert!((0.88..0.92).contains(&fraction), "{fraction}");
        assert!(depths.fits(15_000) && !depths.fits(100_000));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = DepthsCache::default();
        for index in 0..2000 {
            cache.keep(IndexId(index), Depths::new(1));
        }
        assert!(cache.indexes.lock().len() <= INDEXES);
        assert!(cache.get(IndexId(1999)).is_some());
    }
}
