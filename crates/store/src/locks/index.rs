//! One index's ranges and additions: pure rules, no threads.

use super::queue::OwnerId;
use super::range_set::RangeSet;
use super::waits::{Wait, Wanted};
use crate::keys::FullKey;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// What became of the wish to add an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is noted as the owner's.
    New,
    /// It was noted before.
    Known,
    /// It lies in a range that another owner holds.
    InRange,
}

/// A range in which a scan has to pass everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap<'k> {
    /// The first key in it (a full one).
    pub(crate) low: &'k [u8],
    /// The first key behind it.
    pub(crate) high: &'k [u8],
    /// Whether the scan comes from above.
    pub(crate) backward: bool,
}

/// Who holds which ranges of an index, and who has added which entries to it and
/// not committed yet.
///
/// An addition excludes the ranges of others and a range the additions of others;
/// ranges go together, and so do additions (of different keys).
#[derive(Debug, Default)]
pub(super) struct IndexLocks {
    additions: BTreeMap<FullKey, OwnerId>,
    ranges: HashMap<OwnerId, RangeSet>,
    waiting: Vec<Arc<Wait>>,
}

impl IndexLocks {
    pub(super) fn is_idle(&self) -> bool {
        self.additions.is_empty() && self.ranges.is_empty() && self.waiting.is_empty()
    }

    pub(super) fn has_waiters(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Notes that an owner adds an entry, unless a range of another one is in the
    /// way. Of one key the first addition counts: another transaction comes to it
    /// by a client's mistake only (see `WriteOp::PutUnlocked`).
    pub(super) fn add(&mut self, owner: OwnerId, key: &FullKey) -> Added {
        if self.additions.contains_key(key) {
            return Added::Known;
        }
        if self.others_with(owner, key).next().is_some() {
            return Added::InRange;
        }
        self.additions.insert(Arc::clone(key), owner);
        Added::New
    }

    /// Forgets an addition: it is committed, or undone.
    pub(super) fn remove(&mut self, owner: OwnerId, key: &FullKey) {
        if self.additions.get(key) == Some(&owner) {
            self.additions.remove(key);
        }
    }

    /// The first addition of another owner that a scan of the gap comes to.
    pub(super) fn addition_in(&self, owner: OwnerId, gap: Gap<'_>) -> Option<FullKey> {
        if self.additions.is_empty() || gap.low >= gap.high {
            return None;
        }
        let bounds = (Bound::Included(gap.low), Bound::Excluded(gap.high));
        let mut additions = self.additions.range::<[u8], _>(bounds);
        let of_another = |(_, adder): &(&FullKey, &OwnerId)| **adder != owner;
        let found = match gap.backward {
            false => additions.find(of_another),
            true => additions.rfind(of_another),
        };
        found.map(|(key, _)| Arc::clone(key))
    }

    /// Gives a range to an owner; says how many ranges it has more or less now.
    pub(super) fn cover(&mut self, owner: OwnerId, low: &[u8], high: &[u8]) -> i64 {
        let ranges = self.ranges.entry(owner).or_default();
        let before = ranges.len();
        ranges.add(low, high);
        ranges.len() as i64 - before as i64
    }

    /// Whether the owner holds no range here yet.
    pub(super) fn is_new_to(&self, owner: OwnerId) -> bool {
        !self.ranges.contains_key(&owner)
    }

    /// Takes all ranges of an owner away; says how many there were.
    pub(super) fn uncover(&mut self, owner: OwnerId) -> usize {
        self.ranges.remove(&owner).map_or(0, |ranges| ranges.len())
    }

    fn others_with(&self, owner: OwnerId, key: &[u8]) -> impl Iterator<Item = OwnerId> {
        self.ranges
            .iter()
            .filter(move |(holder, ranges)| **holder != owner && ranges.contains(key))
            .map(|(&holder, _)| holder)
    }

    /// For whom a wait has to wait.
    pub(super) fn blockers(&self, wait: &Wait) -> Vec<OwnerId> {
        match wait.wanted {
            Wanted::Row(_) => Vec::new(),
            Wanted::Addition => self.others_with(wait.owner, &wait.key).collect(),
            Wanted::Passage => {
                let adder = self.additions.get(&wait.key).copied();
                adder.into_iter().filter(|&adder| adder != wait.owner).collect()
            }
        }
    }

    fn is_blocked(&self, wait: &Wait) -> bool {
        match wait.wanted {
            Wanted::Row(_) => false,
            Wanted::Addition => self.others_with(wait.owner, &wait.key).next().is_some(),
            Wanted::Passage => self
                .additions
                .get(&wait.key)
                .is_some_and(|&adder| adder != wait.owner),
        }
    }

    /// Lets a request wait, if it must.
    pub(super) fn enqueue(&mut self, wait: &Arc<Wait>) -> bool {
        let blocked = self.is_blocked(wait);
        if blocked {
            self.waiting.push(Arc::clone(wait));
        }
        blocked
    }

    /// Takes a wait out; says whether it was there.
    pub(super) fn withdraw(&mut self, wait: &Arc<Wait>) -> bool {
        let place = self.waiting.iter().position(|other| Arc::ptr_eq(other, wait));
        place.map(|place| self.waiting.remove(place)).is_some()
    }

    /// Takes out the waits that nothing blocks any more, now that this addition
    /// is gone (or, without one, an owner's ranges).
    pub(super) fn advance(&mut self, gone: Option<&FullKey>) -> Vec<Arc<Wait>> {
        let concerned = |wait: &Wait| match gone {
            Some(key) => wait.wanted == Wanted::Passage && wait.key == *key,
            None => wait.wanted == Wanted::Addition,
        };
        let waiting = std::mem::take(&mut self.waiting);
        let (free, blocked) = waiting
            .into_iter()
            .partition(|wait| concerned(wait) && !self.is_blocked(wait));
        self.waiting = blocked;
        free
    }

    /// The range of an owner that has a key.
    pub(super) fn range_of(&self, owner: OwnerId, key: &[u8]) -> Option<(&[u8], &[u8])> {
        self.ranges.get(&owner)?.range_of(key)
    }

    /// All ranges.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (OwnerId, &[u8], &[u8])> {
        self.ranges
            .iter()
            .flat_map(|(&owner, ranges)| ranges.iter().map(move |(low, high)| (owner, low, high)))
    }
}
