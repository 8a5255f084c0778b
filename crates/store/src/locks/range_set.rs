//! Disjoint ranges of keys.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// Disjoint ranges of keys, each from its first key up to the first behind it.
/// Ranges that touch become one.
#[derive(Debug, Default)]
pub(super) struct RangeSet {
    /// By first key.
    ranges: BTreeMap<Box<[u8]>, Vec<u8>>,
}

impl RangeSet {
    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.ranges.iter().map(|(low, high)| (&**low, &high[..]))
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.around(key).is_some_and(|(_, high)| key < high)
    }

    /// The range that begins last at this key or before it.
    fn around(&self, key: &[u8]) -> Option<(&[u8], &[u8])> {
        let (low, high) = self
            .ranges
            .range::<[u8], _>((Unbounded, Included(key)))
            .next_back()?;
        Some((low, high))
    }

    /// The range that has the key, or the one that begins next before it.
    pub(super) fn range_of(&self, key: &[u8]) -> Option<(&[u8], &[u8])> {
        self.around(key).filter(|(_, high)| key < *high)
    }

    /// Adds `low <= key < high`.
    pub(super) fn add(&mut self, low: &[u8], high: &[u8]) {
        if low >= high {
            return;
        }
        // A scan's next step mostly: what is there grows at its end.
        let before = self
            .ranges
            .range_mut::<[u8], _>((Unbounded, Included(low)))
            .next_back();
        let low: Box<[u8]> = match before {
            Some((_, end)) if &end[..] >= high => return,
            Some((start, end)) if &end[..] >= low => {
                end.clear();
                end.extend_from_slice(high);
                start.clone()
            }
            _ => {
                self.ranges.insert(low.into(), high.to_vec());
                low.into()
            }
        };
        self.absorb(&low);
    }

    /// Joins a range with those behind it that it has reached.
    fn absorb(&mut self, low: &[u8]) {
        loop {
            let Some(end) = self.ranges.get(low) else {
                return;
            };
            let next = self.ranges.range::<[u8], _>((Excluded(low), Unbounded)).next();
            let Some(next) = next.filter(|(start, _)| ***start <= end[..]) else {
                return;
            };
            let start = next.0.clone();
            let further = self.ranges.remove(&start).unwrap_or_default();
            if let Some(end) = self.ranges.get_mut(low)
                && *end < further
            {
                *end = further;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RangeSet;
    use proptest::prelude::*;

    #[test]
    fn touching_ranges_become_one() {
        let mut set = RangeSet::default();
        set.add(b"c", b"e");
        set.add(b"a", b"b");
        assert_eq!(set.len(), 2);
        set.add(b"b", b"c");
        assert_eq!(set.iter().collect::<Vec<_>>(), [(&b"a"[..], &b"e"[..])]);
    }

    #[test]
    fn range_ends_before_its_bound() {
        let mut set = RangeSet::default();
        set.add(b"b", b"d");
        assert!(set.contains(b"b") && set.contains(b"c\xff"));
        assert!(!set.contains(b"a") && !set.contains(b"d"));
        set.add(b"x", b"x");
        assert_eq!(set.len(), 1);
    }

    proptest! {
        /// As a set of single keys behaves.
        #[test]
        fn contains_what_was_added(adds in prop::collection::vec((0..40u8, 0..40u8), 0..30)) {
            let mut set = RangeSet::default();
            let mut model = [false; 40];
            for (low, high) in adds {
                set.add(&[low], &[high]);
                for key in low..high {
                    model[usize::from(key)] = true;
                }
                for key in 0..40u8 {
                    prop_assert_eq!(set.contains(&[key]), model[usize::from(key)]);
                }
                let runs = (0..40).filter(|&i| model[i] && (i == 0 || !model[i - 1])).count();
                prop_assert_eq!(set.len(), runs);
            }
        }
    }
}
