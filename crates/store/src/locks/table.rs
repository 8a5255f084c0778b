//! The table itself: queues by key, in shards.

use super::deadlines::{DeadlineId, Deadlines};
use super::owner::Owner;
use super::queue::{Grant, Mode, OwnerId, Queue, Waiter};
use super::waits::{End, Graph, Wait};
use crate::StoreError;
use crate::keys::FullKey;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::Instant;

const SHARDS: usize = 64;

type Shard = HashMap<FullKey, Queue>;

/// Counts since the table was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockCounts {
    pub(crate) held: u64,
    pub(crate) waiting: u64,
    pub(crate) waits: u64,
    pub(crate) timeouts: u64,
    pub(crate) deadlocks: u64,
}

/// All row locks of a store.
#[derive(Debug)]
pub(crate) struct LockTable {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    graph: Mutex<Graph>,
    deadlines: Deadlines,
    limit: u64,
    next_owner: AtomicU64,
    held: AtomicU64,
    waits: AtomicU64,
    timeouts: AtomicU64,
    deadlocks: AtomicU64,
}

impl LockTable {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            graph: Mutex::default(),
            deadlines: Deadlines::default(),
            limit,
            next_owner: AtomicU64::new(1),
            held: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            deadlocks: AtomicU64::new(0),
        })
    }

    /// A new owner, which holds nothing.
    pub(crate) fn owner(self: &Arc<Self>) -> Owner {
        Owner::new(Arc::clone(self), self.next_owner.fetch_add(1, Relaxed))
    }

    /// Ends waits whose time is over, until [`LockTable::stop`]: the work of one
    /// thread.
    pub(crate) fn run_timeouts(&self) {
        while let Some(wait) = self.deadlines.next_passed() {
            if self.withdraw(&wait, Some(End::TimedOut)) {
                self.timeouts.fetch_add(1, Relaxed);
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.deadlines.stop();
    }

    pub(crate) fn counts(&self) -> LockCounts {
        LockCounts {
            held: self.held.load(Relaxed),
            waiting: self.graph.lock().len() as u64,
            waits: self.waits.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            deadlocks: self.deadlocks.load(Relaxed),
        }
    }

    fn shard(&self, key: &[u8]) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(key) as usize;
        &self.shards[hash % SHARDS]
    }

    /// Grants a lock if that can be done at once.
    pub(super) fn try_acquire(&self, owner: OwnerId, key: &FullKey, mode: Mode) -> Result<Grant, StoreError> {
        let mut shard = self.shard(key).lock();
        let grant = match shard.get_mut(key) {
            Some(queue) => queue.try_grant(owner, mode),
            None => {
                self.check_limit()?;
                shard.entry(Arc::clone(key)).or_default().try_grant(owner, mode)
            }
        };
        if grant == Grant::New {
            self.held.fetch_add(1, Relaxed);
        }
        Ok(grant)
    }

    fn check_limit(&self) -> Result<(), StoreError> {
        if self.held.load(Relaxed) >= self.limit {
            return Err(StoreError::TooManyLocks { limit: self.limit });
        }
        Ok(())
    }

    /// Begins a wait, or grants the lock if that can be done now after all
    /// (`None`).
    pub(super) fn begin_wait(
        &self,
        owner: OwnerId,
        key: &FullKey,
        mode: Mode,
        deadline: Option<Instant>,
    ) -> Result<Result<Waiting, Grant>, StoreError> {
        let wait = Arc::new(Wait::new(owner, Arc::clone(key)));
        let mut graph = self.graph.lock();
        {
            let mut shard = self.shard(key).lock();
            let queue = shard.entry(Arc::clone(key)).or_default();
            let grant = queue.try_grant(owner, mode);
            if grant != Grant::Blocked {
                self.held.fetch_add(u64::from(grant == Grant::New), Relaxed);
                return Ok(Err(grant));
            }
            queue.enqueue(Waiter {
                owner,
                mode,
                wait: Arc::clone(&wait),
            });
        }
        graph.insert(owner, Arc::clone(key));
        self.waits.fetch_add(1, Relaxed);
        if graph.has_circle(owner, |owner, key| self.blockers(owner, key)) {
            graph.remove(owner);
            drop(graph);
            if self.withdraw(&wait, None) {
                self.deadlocks.fetch_add(1, Relaxed);
                return Err(StoreError::Deadlock);
            }
            // Granted in the meantime: what closed the circle has gone.
            return Ok(Err(granted(&wait)));
        }
        drop(graph);
        let deadline = deadline.map(|at| self.deadlines.add(at, Arc::clone(&wait)));
        Ok(Ok(Waiting { wait, deadline }))
    }

    fn blockers(&self, owner: OwnerId, key: &FullKey) -> Vec<OwnerId> {
        let shard = self.shard(key).lock();
        shard
            .get(key)
            .map(|queue| queue.blockers(owner))
            .unwrap_or_default()
    }

    /// Ends the bookkeeping of a wait whose owner has noticed its end or gives it
    /// up. Returns how it ended; if it had not, it does now (`None`).
    pub(super) fn end_wait(&self, waiting: &Waiting) -> Option<End> {
        if let Some(deadline) = waiting.deadline {
            self.deadlines.remove(deadline);
        }
        self.graph.lock().remove(waiting.wait.owner);
        if self.withdraw(&waiting.wait, None) {
            return None;
        }
        waiting.wait.ended()
    }

    /// Takes a wait out of its queue, if it is still there, and serves those
    /// behind it. Says whether it was there.
    fn withdraw(&self, wait: &Arc<Wait>, end: Option<End>) -> bool {
        self.with_queue(&wait.key, |queue, wakers| {
            let withdrawn = queue.withdraw(wait);
            if withdrawn {
                wakers.extend(end.and_then(|end| wait.end(end)));
            }
            withdrawn
        })
    }

    /// Takes a lock away and serves those who wait for it.
    pub(super) fn release(&self, owner: OwnerId, key: &FullKey) {
        self.with_queue(key, |queue, _| {
            if queue.release(owner) {
                self.held.fetch_sub(1, Relaxed);
            }
        });
    }

    /// Changes a key's queue, grants what can be granted then, and removes the
    /// queue if nobody is left. Wakes after the shard is free again.
    fn with_queue<T: Default>(
        &self,
        key: &FullKey,
        change: impl FnOnce(&mut Queue, &mut Vec<Waker>) -> T,
    ) -> T {
        let mut wakers = Vec::new();
        let result = {
            let mut shard = self.shard(key).lock();
            let Some(queue) = shard.get_mut(key) else {
                return T::default();
            };
            let result = change(queue, &mut wakers);
            queue.advance(|wait, grant| {
                self.held.fetch_add(u64::from(grant == Grant::New), Relaxed);
                wakers.extend(wait.end(End::Granted(grant)));
            });
            if queue.is_idle() {
                shard.remove(key);
            }
            result
        };
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

fn granted(wait: &Wait) -> Grant {
    match wait.ended() {
        Some(End::Granted(grant)) => grant,
        // A wait without deadline that left its queue was granted.
        _ => Grant::Blocked,
    }
}

/// A wait that has begun.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) wait: Arc<Wait>,
    deadline: Option<DeadlineId>,
}
