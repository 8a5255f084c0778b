//! A transaction: its own writes over a snapshot, and its locks.

mod overtaken;
mod read;
mod unlock;
mod write;

pub(crate) use overtaken::{Overtaken, lookup_entry};
pub(crate) use read::{Fetched, Found, lock_request, lookup, lookup_many, missing_row, primary_key};

use crate::catalogue::Table;
use crate::commit::{Changes, InOrder, Raises, Work};
use crate::locks::{Introduction, Owner};
use crate::overlay::Overlay;
use crate::prepared::Record;
use crate::view::View;
use crate::{Store, StoreError, TransactionOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use unlock::Unlockable;
use vamos_proto::{CommitId, Durability, IndexId, Isolation, Lock, Prepare, SavepointId, TableId};

/// How many tables a transaction remembers to exist.
const RECENT: usize = 16;

/// A transaction. Dropping it rolls it back.
///
/// An async method's future may be dropped at any time: a lock wait ends, and
/// nothing of the request remains but locks that it already had.
///
/// After an error for which [`StoreError::rolls_back`] holds, the transaction
/// has been rolled back and its locks are free; further requests fail with
/// [`StoreError::RolledBack`].
#[derive(Debug)]
pub struct Transaction {
    pub(crate) store: Arc<Store>,
    options: TransactionOptions,
    open: bool,
    pub(crate) overlay: Overlay,
    pub(crate) locks: Owner,
    view: Option<Arc<View>>,
    pub(crate) overtaken: Overtaken,
    /// Indexes used lately: spares a look into the catalogue.
    recent: Vec<(IndexId, Arc<Table>)>,
    /// The tables that it changes.
    changed: BTreeMap<TableId, Arc<Table>>,
    raises: Raises,
    unlockable: Unlockable,
}

impl Transaction {
    pub(crate) fn new(store: Arc<Store>, options: TransactionOptions) -> Self {
        store.transactions.fetch_add(1, Relaxed);
        Self {
            locks: store.locks.owner(Introduction {
                client: options.client,
                isolation: options.isolation,
            }),
            store,
            options,
            open: true,
            overlay: Overlay::default(),
            view: None,
            overtaken: Overtaken::default(),
            recent: Vec::new(),
            changed: BTreeMap::new(),
            raises: Raises::new(),
            unlockable: Unlockable::default(),
        }
    }

    /// Its number; never reused.
    pub(crate) fn id(&self) -> u64 {
        self.locks.id()
    }

    /// Whether it still takes requests.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Bounds the lock waits to come.
    pub fn set_lock_wait(&mut self, lock_wait: Duration) {
        self.options.lock_wait = lock_wait;
    }

    /// Takes the snapshot of its consistent reads now.
    pub fn take_snapshot(&mut self) {
        self.view = Some(self.store.engine.newest_view());
        self.forget_overtaken();
    }

    /// The next consistent read takes a new snapshot, if the isolation is
    /// `ReadCommitted`; otherwise nothing happens.
    pub fn new_snapshot(&mut self) {
        if self.options.isolation == Isolation::ReadCommitted {
            self.view = None;
            self.forget_overtaken();
            self.unlockable.clear();
        }
    }

    /// Whether its locking reads keep others from adding to what they have read.
    pub(crate) fn locks_ranges(&self) -> bool {
        self.options.isolation != Isolation::ReadCommitted
    }

    /// What its consistent reads see.
    pub(crate) fn view(&mut self) -> Arc<View> {
        let engine = &self.store.engine;
        Arc::clone(self.view.get_or_insert_with(|| engine.newest_view()))
    }

    /// Sets a savepoint; one with the same id moves.
    ///
    /// # Errors
    /// [`StoreError::TransactionTooLarge`], [`StoreError::RolledBack`], and
    /// [`StoreError::Invalid`] if there are too many.
    pub fn set_savepoint(&mut self, id: SavepointId) -> Result<(), StoreError> {
        self.check_open()?;
        self.overlay.set_savepoint(id, self.locks.additions())?;
        let result = self.check_size();
        self.after(result)
    }

    /// Undoes all changes since a savepoint, which stays; those set after it are
    /// forgotten. Locks are kept, but those that rows got as they were inserted.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSavepoint`], [`StoreError::RolledBack`].
    pub fn rollback_to(&mut self, id: SavepointId) -> Result<(), StoreError> {
        self.check_open()?;
        let additions = self.overlay.rollback_to(id)?;
        self.locks.undo_additions(additions);
        self.forget_undone();
        Ok(())
    }

    /// Forgets a savepoint; those set after it stay.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSavepoint`], [`StoreError::RolledBack`].
    pub fn release_savepoint(&mut self, id: SavepointId) -> Result<(), StoreError> {
        self.check_open()?;
        self.overlay.release(id)
    }

    /// Commits; done when this returns `Ok`. On an error the transaction has
    /// been rolled back. Dropping the future does not undo a commit that has
    /// begun; [`Store::outcome`] tells how it ended. A commit without changes
    /// costs nothing and leaves no outcome.
    ///
    /// # Errors
    /// [`StoreError::Storage`], [`StoreError::NoSuchIndex`] if a table that it
    /// changed is gone, [`StoreError::RolledBack`], [`StoreError::CommitGivenUp`].
    pub async fn commit(self, durability: Durability, id: CommitId) -> Result<(), StoreError> {
        self.check_open()?;
        if self.overlay.is_empty() && self.raises.is_empty() {
            return Ok(());
        }
        let store = Arc::clone(&self.store);
        let work = self.into_work(id)?;
        match durability {
            Durability::Commit => store.committer.submit(work, true, InOrder::Any).await,
            Durability::Second => store.committer.write_now(work, true),
            Durability::Never => store.committer.write_now(work, false),
        }
    }

    /// Takes out what is to be written, and ends.
    fn into_work(self, id: CommitId) -> Result<Work, StoreError> {
        let in_flight = self.store.outcomes.begin(id)?;
        let store = Arc::clone(&self.store);
        Ok(Work::commit(&store.engine, self.into_changes(), id, in_flight))
    }

    fn into_changes(mut self) -> Changes {
        Changes::new(
            &self.store.engine,
            &self.overlay,
            std::mem::take(&mut self.changed),
            &self.raises,
            self.locks.take(),
        )
    }

    /// Prepares: when this returns `Ok`, the transaction survives whatever happens
    /// until it is committed or rolled back by its name
    /// ([`Store::commit_prepared`], [`Store::rollback_prepared`]), and so do the
    /// exclusive locks on the keys that it changes. On an error it has been rolled
    /// back. Dropping the future does not undo what has begun; `id` names the
    /// attempt.
    ///
    /// # Errors
    /// Those of [`commit`](Self::commit), and [`StoreError::XidTaken`],
    /// [`StoreError::TooManyPrepared`], [`StoreError::OtherServer`].
    pub async fn prepare(self, prepare: &Prepare<'_>) -> Result<(), StoreError> {
        self.check_open()?;
        let store = Arc::clone(&self.store);
        let in_flight = store.outcomes.begin(prepare.id)?;
        let record = Record::new(prepare.xid.format, &self.overlay, &self.changed, &self.raises);
        let record = record.encode(prepare.id)?;
        let place = store.prepared.reserve(prepare, record.len() as u64)?;
        let changes = self.into_changes();
        let work = Work::prepare(&store.engine, changes, &record, place, in_flight);
        drop(record);
        match prepare.durability {
            Durability::Commit => store.committer.submit(work, true, InOrder::Any).await,
            Durability::Second => store.committer.write_now(work, true),
            Durability::Never => store.committer.write_now(work, false),
        }
    }

    /// Rolls back.
    pub fn rollback(self) {}

    pub(crate) fn check_open(&self) -> Result<(), StoreError> {
        if self.open {
            Ok(())
        } else {
            Err(StoreError::RolledBack)
        }
    }

    /// Finishes a request: rolls back if its error says so.
    pub(crate) fn after<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.as_ref().is_err_and(StoreError::rolls_back) {
            self.open = false;
            self.overlay = Overlay::default();
            self.view = None;
            self.forget_overtaken();
            self.changed.clear();
            self.raises.clear();
            self.locks.release_all();
        }
        result
    }

    fn check_size(&self) -> Result<(), StoreError> {
        let limit = self.store.max_transaction_bytes;
        if self.overlay.bytes() > limit {
            return Err(StoreError::TransactionTooLarge { limit });
        }
        Ok(())
    }

    /// The table of an index that a request names; fails if there is none.
    pub(crate) fn table_of(&mut self, index: IndexId) -> Result<&Arc<Table>, StoreError> {
        let place = self.recent.iter().position(|(other, _)| *other == index);
        let place = match place {
            Some(place) if self.recent[place].1.is_live() => place,
            Some(_) => return Err(StoreError::NoSuchIndex { id: index }),
            None => {
                let table = self.store.catalogue.with_index(index)?;
                if self.recent.len() == RECENT {
                    self.recent.remove(0);
                }
                self.recent.push((index, table));
                self.recent.len() - 1
            }
        };
        Ok(&self.recent[place].1)
    }

    /// Fails if there is no such index, or if a consistent read of it would not
    /// find what it should: it is newer than the transaction's snapshot.
    pub(crate) fn check_readable(&mut self, index: IndexId, lock: Lock) -> Result<(), StoreError> {
        let shown = self.view.as_ref().map(|view| view.version);
        let since = self.table_of(index)?.since(index);
        if lock == Lock::None && (since == u64::MAX || shown.is_some_and(|shown| shown < since)) {
            return Err(StoreError::TableChanged {
                what: "it was created or altered after the transaction's snapshot was taken; \
                       begin a new transaction",
            });
        }
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.store.transactions.fetch_sub(1, Relaxed);
    }
}
