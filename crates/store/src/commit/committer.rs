//! Writes commits, many at once.

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
    submitted: Vec<Submitted>,
    stopped: bool,
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
        self.count(&result, work.bytes);
        work.finish(result.is_ok());
        if sync_soon && self.engine.note_unsynced() {
            // The lock orders this with the committer's look at the flag.
            drop(self.queue.lock());
            self.changed.notify_one();
        }
        result
    }

    /// Hands work over to be written and synced. It goes on whether or not the
    /// returned future is polled.
    pub(crate) fn submit(&self, work: Work) -> oneshot::Taker<Result<(), StoreError>> {
        let (done, taker) = oneshot::pair();
        self.queue.lock().submitted.push(Submitted { work, done });
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
        let mut sync_at = None;
        while let Some(submitted) = self.next(&mut sync_at) {
            if submitted.is_empty() {
                self.engine.sync();
            }
            for group in groups(submitted) {
                self.write_group(group);
            }
        }
        self.engine.sync();
    }

    /// Waits for work; gives none if it is only time to sync.
    fn next(&self, sync_at: &mut Option<Instant>) -> Option<Vec<Submitted>> {
        let mut queue = self.queue.lock();
        loop {
            if !queue.submitted.is_empty() {
                // Its sync takes the buffered commits along.
                *sync_at = None;
                return Some(std::mem::take(&mut queue.submitted));
            }
            if queue.stopped {
                return None;
            }
            if !self.engine.is_unsynced() {
                *sync_at = None;
                self.changed.wait(&mut queue);
                continue;
            }
            let at = *sync_at.get_or_insert_with(|| Instant::now() + SYNC_INTERVAL);
            if self.changed.wait_until(&mut queue, at).timed_out() {
                *sync_at = None;
                return Some(Vec::new());
            }
        }
    }

    fn write_group(&self, group: Vec<Submitted>) {
        let fence = self.catalogue.fence();
        let (mut group, gone): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|submitted| submitted.work.check_tables().is_ok());
        group.iter().for_each(|submitted| submitted.work.note());
        let result = match group.as_mut_slice() {
            [] => Ok(()),
            [one] => self.engine.write(&mut one.work.batch, WriteMode::Synced),
            many => {
                let mut batches: Vec<_> = many.iter_mut().map(|s| &mut s.work.batch).collect();
                self.engine
                    .write(&mut WriteBatch::concat(&mut batches), WriteMode::Synced)
            }
        };
        drop(fence);
        if !group.is_empty() {
            self.groups.fetch_add(1, Relaxed);
            self.largest_group.fetch_max(group.len() as u64, Relaxed);
        }
        for submitted in group {
            let result = copy(&result);
            self.count(&result, submitted.work.bytes);
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
            self.count(&result, 0);
            submitted.finish(result);
        }
    }

    fn count(&self, result: &Result<(), StoreError>, bytes: u64) {
        if result.is_ok() {
            self.commits.fetch_add(1, Relaxed);
            self.bytes.fetch_add(bytes, Relaxed);
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
