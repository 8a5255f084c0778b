//! The table itself: queues by key, in shards.

use super::deadlines::{DeadlineId, Deadlines};
use super::deadlock::LastDeadlock;
use super::index::IndexLocks;
use super::owner::Owner;
use super::queue::{Grant, Mode, OwnerId, Queue, Waiter};
use super::ranges::{Ranges, index_number};
use super::registry::{Introduction, OwnerInfo, Registry};
use super::waits::{End, Graph, Wait, Wanted};
use crate::StoreError;
use crate::keys::FullKey;
use crate::latency::Latencies;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::Instant;

const SHARDS: usize = 64;

pub(super) type Shard = HashMap<FullKey, Queue>;

/// Counts since the table was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockCounts {
    pub(crate) held: u64,
    pub(crate) waiting: u64,
    pub(crate) waits: u64,
    pub(crate) timeouts: u64,
    pub(crate) deadlocks: u64,
}

/// All locks of a store.
///
/// Its mutexes are taken in this order: the graph, a shard of either kind.
#[derive(Debug)]
pub(crate) struct LockTable {
    pub(super) shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    pub(super) ranges: Ranges,
    pub(super) graph: Mutex<Graph>,
    pub(super) registry: Registry,
    pub(super) last_deadlock: LastDeadlock,
    deadlines: Deadlines,
    limit: AtomicU64,
    next_owner: AtomicU64,
    pub(super) held: AtomicU64,
    waits: AtomicU64,
    timeouts: AtomicU64,
    /// How long waits lasted, however they ended.
    pub(crate) wait_times: Latencies,
    deadlocks: AtomicU64,
}

impl LockTable {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            ranges: Ranges::default(),
            graph: Mutex::default(),
            registry: Registry::default(),
            last_deadlock: LastDeadlock::default(),
            deadlines: Deadlines::default(),
            limit: AtomicU64::new(limit),
            next_owner: AtomicU64::new(1),
            held: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            wait_times: Latencies::default(),
            deadlocks: AtomicU64::new(0),
        })
    }

    /// From now on so many locks may be held.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Relaxed);
    }

    /// A new owner, which holds nothing.
    pub(crate) fn owner(self: &Arc<Self>, introduction: Introduction) -> Owner {
        let id = self.next_owner.fetch_add(1, Relaxed);
        let info = Arc::new(OwnerInfo::new(id, introduction));
        self.registry.add(Arc::clone(&info));
        Owner::new(Arc::clone(self), info)
    }

    /// An owner is gone.
    pub(super) fn forget(&self, owner: OwnerId) {
        self.registry.remove(owner);
    }

    /// Ends waits whose time is over, until [`LockTable::stop`]: the work of one
    /// thread.
    pub(crate) fn run_timeouts(&self) {
        while let Some(wait) = self.deadlines.next_passed() {
            if self.withdraw(&wait, Some(End::TimedOut)).wake() {
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

    pub(super) fn shard(&self, key: &[u8]) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(key) as usize;
        &self.shards[hash % SHARDS]
    }

    /// Grants a lock if that can be done at once.
    pub(super) fn try_acquire(&self, owner: OwnerId, key: &FullKey, mode: Mode) -> Result<Grant, StoreError> {
        let mut shard = self.shard(key).lock();
        let grant = match shard.get_mut(key) {
            Some(queue) => queue.try_grant(owner, mode),
            None => {
                self.check_limit(0)?;
                shard.entry(Arc::clone(key)).or_default().try_grant(owner, mode)
            }
        };
        if grant == Grant::New {
            self.held.fetch_add(1, Relaxed);
        }
        Ok(grant)
    }

    /// Fails if the limit, and so many locks more, are held.
    pub(super) fn check_limit(&self, more: u64) -> Result<(), StoreError> {
        let limit = self.limit.load(Relaxed);
        if self.held.load(Relaxed) >= limit.saturating_add(more) {
            return Err(StoreError::TooManyLocks { limit });
        }
        Ok(())
    }

    /// Begins a wait, or says how what is wanted was granted now after all.
    pub(super) fn begin_wait(
        &self,
        owner: OwnerId,
        key: &FullKey,
        wanted: Wanted,
        deadline: Option<Instant>,
    ) -> Result<Result<Waiting, Grant>, StoreError> {
        let wait = Arc::new(Wait::new(owner, Arc::clone(key), wanted));
        let mut graph = self.graph.lock();
        if let Some(grant) = self.enqueue(&wait) {
            return Ok(Err(grant));
        }
        graph.insert(&wait);
        self.waits.fetch_add(1, Relaxed);
        let (victims, own) = self.break_circles(&mut graph, owner);
        drop(graph);
        for victim in victims {
            victim.wake();
        }
        if let Some(own) = own {
            return match own.wake() {
                true => Err(StoreError::Deadlock),
                // Granted in the meantime: what closed the circle has gone.
                false => Ok(Err(granted(&wait))),
            };
        }
        let deadline = deadline.map(|at| self.deadlines.add(at, Arc::clone(&wait)));
        Ok(Ok(Waiting { wait, deadline }))
    }

    /// Puts a wait where it belongs, unless what it wants is granted at once.
    fn enqueue(&self, wait: &Arc<Wait>) -> Option<Grant> {
        let Wanted::Row(mode) = wait.wanted else {
            return (!self.enqueue_in_index(wait)).then_some(Grant::Held);
        };
        let mut shard = self.shard(&wait.key).lock();
        let queue = shard.entry(Arc::clone(&wait.key)).or_default();
        let grant = queue.try_grant(wait.owner, mode);
        if grant != Grant::Blocked {
            self.held.fetch_add(u64::from(grant == Grant::New), Relaxed);
            return Some(grant);
        }
        queue.enqueue(Waiter {
            owner: wait.owner,
            mode,
            wait: Arc::clone(wait),
        });
        None
    }

    /// Ends waits until an owner's wait is in no circle. Gives what is to be woken
    /// when the graph is free again: the other owners' waits that were ended, and
    /// its own if it had to give way itself.
    fn break_circles(&self, graph: &mut Graph, owner: OwnerId) -> (Vec<Withdrawn>, Option<Withdrawn>) {
        let mut victims = Vec::new();
        while let Some(circle) = graph.circle(owner, |wait| self.blockers(wait)) {
            let victim = self.lightest(&circle);
            let report = self.describe_deadlock(graph, &circle, victim);
            let withdrawn = graph
                .remove(victim)
                .map(|wait| self.withdraw(&wait, Some(End::Deadlock)));
            if let Some(withdrawn) = withdrawn {
                if withdrawn.was_there {
                    self.deadlocks.fetch_add(1, Relaxed);
                    self.last_deadlock.set(report);
                }
                if victim == owner {
                    return (victims, Some(withdrawn));
                }
                victims.push(withdrawn);
            }
        }
        (victims, None)
    }

    /// The owner of a circle that has the least to lose; in doubt the first.
    fn lightest(&self, circle: &[OwnerId]) -> OwnerId {
        let weight = |owner: OwnerId| self.registry.get(owner).map_or(0, |info| info.weight());
        let lightest = circle.iter().copied().min_by_key(|&owner| weight(owner));
        lightest.unwrap_or_default()
    }

    /// For whom a wait waits.
    pub(super) fn blockers(&self, wait: &Wait) -> Vec<OwnerId> {
        if !matches!(wait.wanted, Wanted::Row(_)) {
            let blockers = |locks: &IndexLocks| locks.blockers(wait);
            return self
                .ranges
                .look(index_number(&wait.key), blockers)
                .unwrap_or_default();
        }
        let shard = self.shard(&wait.key).lock();
        shard
            .get(&wait.key)
            .map(|queue| queue.blockers(wait.owner))
            .unwrap_or_default()
    }

    /// Ends the bookkeeping of a wait whose owner has noticed its end or gives it
    /// up. Returns how it ended; if it had not, it does now (`None`).
    pub(super) fn end_wait(&self, waiting: &Waiting) -> Option<End> {
        if let Some(deadline) = waiting.deadline {
            self.deadlines.remove(deadline);
        }
        self.graph.lock().remove(waiting.wait.owner);
        self.wait_times.record(waiting.wait.since.elapsed());
        if self.withdraw(&waiting.wait, None).wake() {
            return None;
        }
        waiting.wait.ended()
    }

    /// Takes a wait out of its queue, if it is still there, and serves those
    /// behind it.
    fn withdraw(&self, wait: &Arc<Wait>, end: Option<End>) -> Withdrawn {
        if !matches!(wait.wanted, Wanted::Row(_)) {
            let (was_there, waker) = self.withdraw_from_index(wait, end);
            let wakers = waker.into_iter().collect();
            return Withdrawn { was_there, wakers };
        }
        let mut wakers = Vec::new();
        let was_there = self.with_queue(&wait.key, &mut wakers, |queue, wakers| {
            let withdrawn = queue.withdraw(wait);
            if withdrawn {
                wakers.extend(end.and_then(|end| wait.end(end)));
            }
            withdrawn
        });
        Withdrawn { was_there, wakers }
    }

    /// Takes a lock away and serves those who wait for it.
    pub(super) fn release(&self, owner: OwnerId, key: &FullKey) {
        let mut wakers = Vec::new();
        self.with_queue(key, &mut wakers, |queue, _| {
            if queue.release(owner) {
                self.held.fetch_sub(1, Relaxed);
            }
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Changes a key's queue, grants what can be granted then, and removes the
    /// queue if nobody is left. Whom to wake when no mutex is held any more goes
    /// into `wakers`: waking may drop a task, and with it an owner.
    fn with_queue<T: Default>(
        &self,
        key: &FullKey,
        wakers: &mut Vec<Waker>,
        change: impl FnOnce(&mut Queue, &mut Vec<Waker>) -> T,
    ) -> T {
        let mut shard = self.shard(key).lock();
        let Some(queue) = shard.get_mut(key) else {
            return T::default();
        };
        let result = change(queue, wakers);
        queue.advance(|wait, grant| {
            self.held.fetch_add(u64::from(grant == Grant::New), Relaxed);
            wakers.extend(wait.end(End::Granted(grant)));
        });
        if queue.is_idle() {
            shard.remove(key);
        }
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

/// A wait that was taken out of its queue, or had left it before.
#[must_use]
#[derive(Debug)]
struct Withdrawn {
    was_there: bool,
    wakers: Vec<Waker>,
}

impl Withdrawn {
    /// Wakes whom it concerns; says whether the wait was still there.
    fn wake(self) -> bool {
        self.wakers.into_iter().for_each(Waker::wake);
        self.was_there
    }
}

/// A wait that has begun.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) wait: Arc<Wait>,
    deadline: Option<DeadlineId>,
}
