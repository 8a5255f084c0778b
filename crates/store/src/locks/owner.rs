//! An owner of locks: a transaction's side of the lock table.

use super::index::{Added, Gap};
use super::queue::{Grant, Mode, OwnerId};
use super::ranges::{Covered, index_number};
use super::registry::OwnerInfo;
use super::table::{LockTable, Waiting};
use super::waits::{End, Wanted};
use crate::StoreError;
use crate::keys::FullKey;
use smallvec::SmallVec;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use vamos_proto::LockWait;

/// Among so many locks one that was acquired lately is looked for.
const LATELY: usize = 1024;

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

/// How an entry is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adding {
    /// It was not there, and its own lock is acquired.
    Locked,
    /// It is locked by another entry's lock.
    Unlocked,
    /// Its own lock is acquired; it is there already if that was held before (a
    /// transaction locks what it reads before it changes it).
    Maybe,
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
    /// Entries that it has added, and whether their own locks came with that.
    added: Vec<(FullKey, bool)>,
    /// Indexes in which it holds ranges.
    ranged: SmallVec<[u32; 2]>,
    /// Another one goes on under this one's number.
    moved: bool,
}

impl Owner {
    pub(super) fn new(table: Arc<LockTable>, info: Arc<OwnerInfo>) -> Self {
        Self {
            table,
            info,
            held: Vec::new(),
            added: Vec::new(),
            ranged: SmallVec::new(),
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
                LockWait::Wait => self.wait(key, Wanted::Row(mode), patience).await?,
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
        wanted: Wanted,
        patience: &mut Patience,
    ) -> Result<Acquired, StoreError> {
        let waiting = match self.table.begin_wait(self.id(), key, wanted, patience.begin())? {
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

    /// Acquires what it takes to add an entry, and notes the addition for scans to
    /// meet. The entry's own lock is not kept while this waits for a range, so that
    /// whoever holds the range can take it.
    pub(crate) async fn acquire_addition(
        &mut self,
        key: &FullKey,
        adding: Adding,
        patience: &mut Patience,
    ) -> Result<(), StoreError> {
        loop {
            let held = self.held.len();
            if adding != Adding::Unlocked {
                self.acquire(key, Mode::Exclusive, LockWait::Wait, patience)
                    .await?;
            }
            if adding == Adding::Maybe && self.held.len() == held {
                return Ok(());
            }
            match self.table.add_entry(self.id(), key) {
                Added::Known => return Ok(()),
                Added::New => {
                    let locked = adding == Adding::Locked && self.held.len() > held;
                    self.added.push((Arc::clone(key), locked));
                    return Ok(());
                }
                Added::InRange => {}
            }
            if self.held.len() > held {
                self.release_newest(key);
            }
            self.wait(key, Wanted::Addition, patience).await?;
            patience.until = None;
        }
    }

    /// How many entries it has added.
    pub(crate) fn additions(&self) -> usize {
        self.added.len()
    }

    /// Forgets the entries that it added when it had added so many: they were there
    /// already. Their own locks stay.
    pub(crate) fn forget_additions(&mut self, before: usize) {
        for (key, _) in self.added.drain(before.min(self.added.len())..) {
            self.table.release_addition(self.info.id, &key);
        }
    }

    /// The same for entries that were undone. The locks that came with them go, too:
    /// what they locked is not there, and was not before.
    pub(crate) fn undo_additions(&mut self, before: usize) {
        let undone = self.added.split_off(before.min(self.added.len()));
        // The last ones first, as they are found among the locks.
        for (key, locked) in undone.into_iter().rev() {
            self.table.release_addition(self.id(), &key);
            if locked {
                self.release_newest(&key);
            }
        }
    }

    /// Says whether a lock was newly acquired since it held so many.
    pub(crate) fn holds_more_than(&self, locks: usize) -> bool {
        self.held.len() > locks
    }

    /// How many locks of rows it holds.
    pub(crate) fn row_locks(&self) -> usize {
        self.held.len()
    }

    /// Waits until no entry that others have added and not committed is in the
    /// gap. `None`: there was none. Otherwise the first one that a scan comes to,
    /// waited for (so others may have committed) or, if the scan is to skip such,
    /// not.
    pub(crate) async fn pass_additions(
        &mut self,
        gap: Gap<'_>,
        wait: LockWait,
        patience: &mut Patience,
    ) -> Result<Option<FullKey>, StoreError> {
        let Some(key) = self.table.addition_in(self.id(), gap) else {
            return Ok(None);
        };
        self.pass_addition(&key, wait, patience).await?;
        Ok(Some(key))
    }

    async fn pass_addition(
        &mut self,
        key: &FullKey,
        wait: LockWait,
        patience: &mut Patience,
    ) -> Result<(), StoreError> {
        match wait {
            LockWait::Fail => Err(StoreError::LockNotAvailable),
            LockWait::Skip => Ok(()),
            LockWait::Wait => {
                self.wait(key, Wanted::Passage, patience).await?;
                patience.until = None;
                Ok(())
            }
        }
    }

    /// Acquires a range, so that others add nothing to it. `None`: it is held.
    /// Otherwise as [`Owner::pass_additions`], and it is not held.
    pub(crate) async fn cover(
        &mut self,
        gap: Gap<'_>,
        wait: LockWait,
        patience: &mut Patience,
    ) -> Result<Option<FullKey>, StoreError> {
        let (covered, first) = self.table.cover(self.id(), gap)?;
        if first {
            self.ranged.push(index_number(gap.low));
            self.info.locks.fetch_add(1, Relaxed);
        }
        match covered {
            Covered::Held => Ok(None),
            Covered::Added(key) => {
                self.pass_addition(&key, wait, patience).await?;
                Ok(Some(key))
            }
        }
    }

    /// Releases a lock that was acquired last or not long before.
    pub(crate) fn release_newest(&mut self, key: &FullKey) {
        let newest = self.held.len().saturating_sub(LATELY);
        let place = self.held.iter().skip(newest).rposition(|held| held == key);
        if let Some(place) = place {
            self.held.remove(newest + place);
            self.info.locks.fetch_sub(1, Relaxed);
            self.table.release(self.id(), key);
        }
    }

    /// Releases the locks that were acquired since it held so many.
    pub(crate) fn release_since(&mut self, locks: usize) {
        for key in self.held.drain(locks.min(self.held.len())..) {
            self.info.locks.fetch_sub(1, Relaxed);
            self.table.release(self.info.id, &key);
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
            added: std::mem::take(&mut self.added),
            ranged: std::mem::take(&mut self.ranged),
            moved: std::mem::replace(&mut self.moved, true),
        }
    }

    /// Releases all locks.
    pub(crate) fn release_all(&mut self) {
        let id = self.id();
        // Additions first: whoever gets a row's lock may add the same entry at once,
        // which is noted only if it is nobody else's.
        for (key, _) in self.added.drain(..) {
            self.table.release_addition(id, &key);
        }
        for key in self.held.drain(..) {
            self.table.release(id, &key);
        }
        for index in self.ranged.drain(..) {
            self.table.release_ranges(id, index);
        }
        self.held.shrink_to_fit();
        self.added.shrink_to_fit();
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
