//! An owner of locks: a transaction's side of the lock table.

use super::queue::{Grant, Mode, OwnerId};
use super::registry::OwnerInfo;
use super::table::{LockTable, Waiting};
use super::waits::End;
use crate::StoreError;
use crate::keys::FullKey;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use vamos_proto::LockWait;

/// What became of a lock request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// The lock is held, and was free.
    AtOnce,
    /// The lock is held; meanwhile others may have committed.
    AfterWait,
    /// Another one holds it, and the request said to skip such rows.
    Skipped,
}

/// How long a wait may last. One that is given up before its end and begun anew
/// with the same patience (a scan's, which makes way for other requests of its
/// lane) goes on with what was left.
#[derive(Debug)]
pub(crate) struct Patience {
    timeout: Duration,
    until: Option<Instant>,
}

impl Patience {
    /// So long for each wait.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, until: None }
    }

    fn begin(&mut self) -> Option<Instant> {
        if self.until.is_none() {
            self.until = Instant::now().checked_add(self.timeout);
        }
        self.until
    }
}

/// Holds locks until it is dropped.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(super) table: Arc<LockTable>,
    pub(super) info: Arc<OwnerInfo>,
    held: Vec<FullKey>,
    /// Another one goes on under this one's number.
    moved: bool,
}

impl Owner {
    pub(super) fn new(table: Arc<LockTable>, info: Arc<OwnerInfo>) -> Self {
        Self {
            table,
            info,
            held: Vec::new(),
            moved: false,
        }
    }

    /// Its number; never reused.
    pub(crate) fn id(&self) -> OwnerId {
        self.info.id
    }

    /// Notes how many entries its transaction has changed.
    pub(crate) fn note_changes(&self, changes: usize) {
        self.info.changes.store(changes as u64, Relaxed);
    }

    /// Acquires a lock. Dropping the future ends the wait; locks held before stay.
    pub(crate) async fn acquire(
        &mut self,
        key: &FullKey,
        mode: Mode,
        wait: LockWait,
        patience: &mut Patience,
    ) -> Result<Acquired, StoreError> {
        let acquired = match self.table.try_acquire(self.id(), key, mode)? {
            Grant::Blocked => match wait {
                LockWait::Fail => return Err(StoreError::LockNotAvailable),
                LockWait::Skip => return Ok(Acquired::Skipped),
                LockWait::Wait => self.wait(key, mode, patience).await?,
            },
            grant => {
                self.note(key, grant);
                Acquired::AtOnce
            }
        };
        patience.until = None;
        Ok(acquired)
    }

    async fn wait(
        &mut self,
        key: &FullKey,
        mode: Mode,
        patience: &mut Patience,
    ) -> Result<Acquired, StoreError> {
        let waiting = match self.table.begin_wait(self.id(), key, mode, patience.begin())? {
            Ok(waiting) => waiting,
            Err(grant) => {
                self.note(key, grant);
                return Ok(Acquired::AfterWait);
            }
        };
        let mut pending = Pending {
            owner: self,
            key,
            waiting: Some(waiting),
        };
        poll_fn(|context| match &pending.waiting {
            Some(waiting) => waiting.wait.poll(context).map(|_| ()),
            None => std::task::Poll::Ready(()),
        })
        .await;
        match pending.end() {
            Some(End::Granted(_)) => Ok(Acquired::AfterWait),
            Some(End::Deadlock) => Err(StoreError::Deadlock),
            Some(End::TimedOut) | None => {
                patience.until = None;
                Err(StoreError::LockWaitTimeout {
                    waited_ms: u64::try_from(patience.timeout.as_millis()).unwrap_or(u64::MAX),
                })
            }
        }
    }

    fn note(&mut self, key: &FullKey, grant: Grant) {
        if grant == Grant::New {
            self.held.push(Arc::clone(key));
            self.info.locks.fetch_add(1, Relaxed);
        }
    }

    /// Moves the locks to an owner that outlives this one's transaction: its
    /// commit.
    pub(crate) fn take(&mut self) -> Self {
        self.info.committing.store(true, Relaxed);
        Self {
            table: Arc::clone(&self.table),
            info: Arc::clone(&self.info),
            held: std::mem::take(&mut self.held),
            moved: std::mem::replace(&mut self.moved, true),
        }
    }

    /// Releases all locks.
    pub(crate) fn release_all(&mut self) {
        let id = self.id();
        for key in self.held.drain(..) {
            self.table.release(id, &key);
        }
        self.held.shrink_to_fit();
        self.info.locks.store(0, Relaxed);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if !self.moved {
            self.release_all();
            self.table.forget(self.id());
        }
    }
}

/// A wait under way; dropped before its end, it leaves the queue.
struct Pending<'o> {
    owner: &'o mut Owner,
    key: &'o FullKey,
    waiting: Option<Waiting>,
}

impl Pending<'_> {
    /// A lock granted is noted whether or not anybody still waits for it: a
    /// cancelled request may keep its locks.
    fn end(&mut self) -> Option<End> {
        let waiting = self.waiting.take()?;
        let end = self.owner.table.end_wait(&waiting);
        if let Some(End::Granted(grant)) = end {
            self.owner.note(self.key, grant);
        }
        end
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
