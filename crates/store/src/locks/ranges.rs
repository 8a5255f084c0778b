//! Locks on ranges, and what they exclude: entries that are added.
//!
//! An entry that is not committed stands in no index that a scan could read: it
//! is in its transaction's overlay. So that a locking scan meets it all the same,
//! each index has its uncommitted additions here, in the order of their keys,
//! beside the ranges that scans hold. Deletions and changes need no place here: what
//! they concern is in the index, and its row is locked.

use super::index::{Added, Gap, IndexLocks};
use super::queue::{Grant, OwnerId};
use super::table::LockTable;
use super::waits::{End, Wait};
use crate::StoreError;
use crate::keys::FullKey;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;

const SHARDS: usize = 64;

/// Indexes by their number.
pub(super) type Indexes = HashMap<u32, IndexLocks>;

/// The ranges and additions of all indexes, in shards.
#[derive(Debug)]
pub(super) struct Ranges {
    pub(super) shards: Box<[Mutex<Indexes>]>,
}

impl Default for Ranges {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

/// What became of a scan's wish to have a range.
#[derive(Debug)]
pub(crate) enum Covered {
    /// The owner holds it.
    Held,
    /// Another owner has added this entry to it.
    Added(FullKey),
}

/// The index of a full key.
pub(super) fn index_number(key: &[u8]) -> u32 {
    key.first_chunk().map_or(0, |id| u32::from_be_bytes(*id))
}

impl Ranges {
    pub(super) fn shard(&self, index: u32) -> &Mutex<Indexes> {
        &self.shards[index as usize % SHARDS]
    }

    /// Looks at an index, if there is anything to see.
    pub(super) fn look<T>(&self, index: u32, look: impl FnOnce(&IndexLocks) -> T) -> Option<T> {
        self.shard(index).lock().get(&index).map(look)
    }

    /// Changes an index, which need not be there yet and is forgotten if nothing
    /// is left of it.
    fn change<T>(&self, index: u32, change: impl FnOnce(&mut IndexLocks) -> T) -> T {
        let mut indexes = self.shard(index).lock();
        let locks = indexes.entry(index).or_default();
        let result = change(locks);
        if locks.is_idle() {
            indexes.remove(&index);
        }
        result
    }
}

impl LockTable {
    /// Notes that an owner adds an entry.
    pub(super) fn add_entry(&self, owner: OwnerId, key: &FullKey) -> Added {
        self.ranges
            .change(index_number(key), |locks| locks.add(owner, key))
    }

    /// The first entry that another owner has added to a gap and that a scan of
    /// it comes to.
    pub(super) fn addition_in(&self, owner: OwnerId, gap: Gap<'_>) -> Option<FullKey> {
        let look = |locks: &IndexLocks| locks.addition_in(owner, gap);
        self.ranges.look(index_number(gap.low), look).flatten()
    }

    /// Gives a range to an owner, unless another one has added something to it.
    /// The second part says whether it is the owner's first range in this index.
    pub(super) fn cover(&self, owner: OwnerId, gap: Gap<'_>) -> Result<(Covered, bool), StoreError> {
        self.ranges.change(index_number(gap.low), |locks| {
            if let Some(key) = locks.addition_in(owner, gap) {
                return Ok((Covered::Added(key), false));
            }
            // One more than for rows: the lock of a missing row's key becomes a range.
            self.check_limit(1)?;
            let first = locks.is_new_to(owner);
            let more = locks.cover(owner, gap.low, gap.high);
            // Counts up or down: adding a negative number wraps around to that.
            self.held.fetch_add(more.cast_unsigned(), Relaxed);
            Ok((Covered::Held, first))
        })
    }

    /// Forgets an addition and lets those pass who wait for that.
    pub(super) fn release_addition(&self, owner: OwnerId, key: &FullKey) {
        self.change_and_wake(index_number(key), |locks| {
            locks.remove(owner, key);
            match locks.has_waiters() {
                true => locks.advance(Some(key)),
                false => Vec::new(),
            }
        });
    }

    /// Takes an owner's ranges in an index away, and lets those add who wait for
    /// that.
    pub(super) fn release_ranges(&self, owner: OwnerId, index: u32) {
        self.change_and_wake(index, |locks| {
            let ranges = locks.uncover(owner);
            self.held.fetch_sub(ranges as u64, Relaxed);
            match locks.has_waiters() {
                true => locks.advance(None),
                false => Vec::new(),
            }
        });
    }

    fn change_and_wake(&self, index: u32, change: impl FnOnce(&mut IndexLocks) -> Vec<Arc<Wait>>) {
        let wakers: Vec<Waker> = self.ranges.change(index, |locks| {
            let free = change(locks);
            // Nothing is noted of such a wait: whoever waited looks again.
            free.iter()
                .filter_map(|wait| wait.end(End::Granted(Grant::Held)))
                .collect()
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets a request wait in its index, if it must.
    pub(super) fn enqueue_in_index(&self, wait: &Arc<Wait>) -> bool {
        self.ranges
            .change(index_number(&wait.key), |locks| locks.enqueue(wait))
    }

    /// Takes a wait out of its index; says whether it was there.
    pub(super) fn withdraw_from_index(&self, wait: &Arc<Wait>, end: Option<End>) -> (bool, Option<Waker>) {
        self.ranges.change(index_number(&wait.key), |locks| {
            let withdrawn = locks.withdraw(wait);
            let waker = end.filter(|_| withdrawn).and_then(|end| wait.end(end));
            (withdrawn, waker)
        })
    }
}
