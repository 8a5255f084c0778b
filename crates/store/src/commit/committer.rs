//! Writes commits, many at once.

use super::order::{InOrder, Order};
use super::work::{Submitted, Work};
use crate::catalogue::Catalogue;
use crate::engine::Engine;
use crate::{StoreError, oneshot};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use vamos_rocks::{WriteBatch, WriteMode};

/// How much is written as one batch, unless a single commit is larger. RocksDB's
/// batches end at 4 GiB.
const MAX_GROUP_BYTES: u64 = 32 << 20;

/// After how long buffered commits are synced.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Queue {
    submitted: Vec<(Submitted, InOrder)>,
    stopped: bool,
}

/// What there is to do.
enum Next {
    Write(Vec<Submitted>),
    Sync,
    Stop,
}

/// Writes commits, many at once.
#[derive(Debug)]
pub(crate) struct Committer {
    engine: Arc<Engine>,
    catalogue: Arc<Catalogue>,
    queue: Mutex<Queue>,
    changed: Condvar,
    pub(crate) commits: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) largest_group: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Committer {
    pub(crate) fn new(engine: Arc<Engine>, catalogue: Arc<Catalogue>) -> Self {
        Self {
            engine,
            catalogue,
            queue: Mutex::default(),
            changed: Condvar::new(),
            commits: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            groups: AtomicU64::new(0),
            largest_group: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Writes now, without a sync; `sync_soon` has the log synced within a second.
    pub(crate) fn write_now(&self, mut work: Work, sync_soon: bool) -> Result<(), StoreError> {
        let result = {
            let _fence = self.catalogue.fence();
            work.check_tables().and_then(|()| {
                work.note();
                self.engine.write(&mut work.batch, WriteMode::Buffered)
            })
        };
        self.count(&result, &work);
        work.finish(result.is_ok());
        if sync_soon && self.engine.note_unsynced() {
            // The lock orders this with the committer's look at the flag.
            drop(self.queue.lock());
            self.changed.notify_one();
        }
        result
    }

    /// Hands work over to be written in its place, and synced if `sync` says so;
    /// otherwise the log is synced within a second. It goes on whether or not the
    /// returned future is polled.
    pub(crate) fn submit(
        &self,
        work: Work,
        sync: bool,
        place: InOrder,
    ) -> oneshot::Taker<Result<(), StoreError>> {
        let (done, taker) = oneshot::pair();
        let submitted = Submitted { work, sync, done };
        self.queue.lock().submitted.push((submitted, place));
        self.changed.notify_one();
        taker
    }

    /// Writes what is left, then ends [`Committer::run`].
    pub(crate) fn stop(&self) {
        self.queue.lock().stopped = true;
        self.changed.notify_one();
    }

    /// Writes what is submitted, until stopped: the work of one thread.
    pub(crate) fn run(&self) {
        let mut order = Order::default();
        let mut sync_at = None;
        loop {
            match self.next(&mut order, &mut sync_at) {
                Next::Write(submitted) => {
                    for group in groups(submitted) {
                        self.write_group(group);
                    }
                }
                Next::Sync => {
                    // It is logged, and the next commit finds it too.
                    let _ = self.engine.sync();
                }
                Next::Stop => break,
            }
        }
        let _ = self.engine.sync();
    }

    /// Waits for something to do.
    fn next(&self, order: &mut Order<Submitted>, sync_at: &mut Option<Instant>) -> Next {
        let mut queue = self.queue.lock();
        loop {
            let now = Instant::now();
            let mut ready = Vec::new();
            for (submitted, place) in queue.submitted.drain(..) {
                order.admit(submitted, place, now, &mut ready);
            }
            match queue.stopped {
                true => order.release_all(&mut ready),
                false => order.expire(now, &mut ready),
            }
            if !ready.is_empty() {
                return Next::Write(ready);
            }
            if queue.stopped {
                return Next::Stop;
            }
            if !self.engine.is_unsynced() {
                *sync_at = None;
            } else if *sync_at.get_or_insert_with(|| now + SYNC_INTERVAL) <= now {
                *sync_at = None;
                return Next::Sync;
            }
            match sync_at.iter().copied().chain(order.deadline()).min() {
                Some(at) => drop(self.changed.wait_until(&mut queue, at)),
                None => self.changed.wait(&mut queue),
            }
        }
    }

    fn write_group(&self, group: Vec<Submitted>) {
        let fence = self.catalogue.fence();
        let (mut group, gone): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|submitted| submitted.work.check_tables().is_ok());
        group.iter().for_each(|submitted| submitted.work.note());
        let result = self.write(&mut group);
        drop(fence);
        if !group.is_empty() {
            self.groups.fetch_add(1, Relaxed);
            self.largest_group.fetch_max(group.len() as u64, Relaxed);
        }
        for submitted in group {
            let result = copy(&result);
            self.count(&result, &submitted.work);
            submitted.finish(result);
        }
        for submitted in gone {
            let result = match submitted.work.check_tables() {
                // What it collided with is over by now.
                Ok(()) => Err(StoreError::TableChanged {
                    what: "the building of an index began while the transaction was committed",
                }),
                gone => gone,
            };
            self.count(&result, &submitted.work);
            submitted.finish(result);
        }
    }

    /// Writes the batches of a group as one, with a sync if one of them wants it.
    fn write(&self, group: &mut [Submitted]) -> Result<(), StoreError> {
        let sync = group.iter().any(|submitted| submitted.sync);
        let mode = match sync {
            true => WriteMode::Synced,
            false => WriteMode::Buffered,
        };
        let mut batches: Vec<_> = group
            .iter_mut()
            .map(|submitted| &mut submitted.work.batch)
            .collect();
        batches.retain_mut(|batch| !batch.is_empty());
        let written = match batches.as_mut_slice() {
            [] if sync => return self.engine.sync(),
            [] => return Ok(()),
            [one] => self.engine.write(one, mode),
            many => self.engine.write(&mut WriteBatch::concat(many), mode),
        };
        if !sync {
            self.engine.note_unsynced();
        }
        written
    }

    fn count(&self, result: &Result<(), StoreError>, work: &Work) {
        if !work.commits() {
            return;
        }
        if result.is_ok() {
            self.commits.fetch_add(1, Relaxed);
            self.bytes.fetch_add(work.bytes, Relaxed);
        } else {
            self.failed.fetch_add(1, Relaxed);
        }
    }
}

/// Splits work so that no group is much larger than the limit.
fn groups(submitted: Vec<Submitted>) -> Vec<Vec<Submitted>> {
    let mut groups: Vec<Vec<Submitted>> = Vec::new();
    let mut bytes = 0;
    for submitted in submitted {
        bytes += submitted.work.bytes;
        match groups.last_mut() {
            Some(group) if bytes <= MAX_GROUP_BYTES => group.push(submitted),
            _ => {
                bytes = submitted.work.bytes;
                groups.push(vec![submitted]);
            }
        }
    }
    groups
}

/// The same result for each of a group.
fn copy(result: &Result<(), StoreError>) -> Result<(), StoreError> {
    result.as_ref().copied().map_err(|error| StoreError::Storage {
        reason: match error {
            StoreError::Storage { reason } => reason.clone(),
            other => other.to_string(),
        },
    })
}
