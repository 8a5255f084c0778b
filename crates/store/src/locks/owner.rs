//! An owner of locks: a transaction's side of the lock table.

use super::queue::{Grant, Mode, OwnerId};
use super::table::{LockTable, Waiting};
use super::waits::End;
use crate::StoreError;
use crate::keys::FullKey;
use std::future::poll_fn;
use std::sync::Arc;
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

/// Holds locks until it is dropped.
#[derive(Debug)]
pub(crate) struct Owner {
    table: Arc<LockTable>,
    id: OwnerId,
    held: Vec<FullKey>,
}

impl Owner {
    pub(super) fn new(table: Arc<LockTable>, id: OwnerId) -> Self {
        Self {
            table,
            id,
            held: Vec::new(),
        }
    }

    /// Its number; never reused.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Acquires a lock. Dropping the future ends the wait; locks held before stay.
    pub(crate) async fn acquire(
        &mut self,
        key: &FullKey,
        mode: Mode,
        wait: LockWait,
        timeout: Duration,
    ) -> Result<Acquired, StoreError> {
        match self.table.try_acquire(self.id, key, mode)? {
            Grant::Blocked => {}
            grant => {
                self.note(key, grant);
                return Ok(Acquired::AtOnce);
            }
        }
        match wait {
            LockWait::Fail => Err(StoreError::LockNotAvailable),
            LockWait::Skip => Ok(Acquired::Skipped),
            LockWait::Wait => self.wait(key, mode, timeout).await,
        }
    }

    async fn wait(&mut self, key: &FullKey, mode: Mode, timeout: Duration) -> Result<Acquired, StoreError> {
        let deadline = Instant::now().checked_add(timeout);
        let waiting = match self.table.begin_wait(self.id, key, mode, deadline)? {
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
            _ => Err(StoreError::LockWaitTimeout {
                waited_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    fn note(&mut self, key: &FullKey, grant: Grant) {
        if grant == Grant::New {
            self.held.push(Arc::clone(key));
        }
    }

    /// Moves the locks to an owner that outlives this one's transaction.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            id: self.id,
            held: std::mem::take(&mut self.held),
        }
    }

    /// Releases all locks.
    pub(crate) fn release_all(&mut self) {
        for key in self.held.drain(..) {
            self.table.release(self.id, &key);
        }
        self.held.shrink_to_fit();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.release_all();
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
