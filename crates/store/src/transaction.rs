//! A transaction: its own writes over a snapshot, and its locks.

use crate::{Cursor, StoreError};
use vamos_proto::{CommitId, Durability, IndexId, Lock, RowBlockBuilder, SavepointId, Scan, Write, Written};

/// A transaction. Dropping it rolls it back.
///
/// An async method's future may be dropped at any time: a lock wait ends, and
/// nothing of the request remains but locks that it already had.
///
/// After an error for which [`StoreError::rolls_back`] holds, the transaction
/// has been rolled back and its locks are free; further requests fail with
/// [`StoreError::RolledBack`].
#[derive(Debug)]
pub struct Transaction {}

#[allow(clippy::unimplemented, clippy::unused_async, unused_variables)]
impl Transaction {
    /// Whether it still takes requests.
    pub fn is_open(&self) -> bool {
        unimplemented!()
    }

    /// Takes the snapshot of its consistent reads now.
    pub fn take_snapshot(&mut self) {
        unimplemented!()
    }

    /// The next consistent read takes a new snapshot, if the isolation is
    /// `ReadCommitted`; otherwise nothing happens.
    pub fn new_snapshot(&mut self) {
        unimplemented!()
    }

    /// Reads one key and appends the row, if there is one, to `rows`; says
    /// whether there is one. With `fetch`, `index` is a secondary index and the
    /// row comes from that primary index. The lock is taken also if there is no
    /// such row.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Invalid`], and those of locks.
    pub async fn get(
        &mut self,
        index: IndexId,
        key: &[u8],
        lock: Lock,
        fetch: Option<IndexId>,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Reads many keys of one index and appends the rows found, in the order
    /// asked, to `rows`.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn multi_get(
        &mut self,
        index: IndexId,
        keys: &[&[u8]],
        lock: Lock,
        rows: &mut RowBlockBuilder,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Opens a cursor over a range. Reads nothing yet. The fields `cursor`,
    /// `batch_rows`, `max_batch_rows` and `credit` of `scan` are the caller's
    /// business and are ignored here.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Invalid`].
    pub fn scan(&mut self, scan: &Scan<'_>) -> Result<Cursor, StoreError> {
        unimplemented!()
    }

    /// Appends a cursor's next rows to `rows`: at most `max_rows`, and none more
    /// once `rows` holds `max_bytes` bytes. Says whether the scan is finished.
    /// The cursor continues behind the last row appended, also after an error or
    /// a dropped future.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`] if the table is gone, and those of locks.
    pub async fn next_batch(
        &mut self,
        cursor: &mut Cursor,
        rows: &mut RowBlockBuilder,
        max_rows: usize,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Makes the changes, all or none.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::NoSuchTableId`],
    /// [`StoreError::Invalid`], [`StoreError::TransactionTooLarge`], and those of
    /// locks.
    pub async fn apply(&mut self, write: &Write<'_>) -> Result<Written, StoreError> {
        unimplemented!()
    }

    /// Sets a savepoint; one with the same id moves.
    ///
    /// # Errors
    /// [`StoreError::TransactionTooLarge`], [`StoreError::RolledBack`].
    pub fn set_savepoint(&mut self, id: SavepointId) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Undoes all changes since a savepoint, which stays; those set after it are
    /// forgotten. Locks are kept.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSavepoint`], [`StoreError::RolledBack`].
    pub fn rollback_to(&mut self, id: SavepointId) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Forgets a savepoint and those set after it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSavepoint`], [`StoreError::RolledBack`].
    pub fn release_savepoint(&mut self, id: SavepointId) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Commits; done when this returns `Ok`. On an error the transaction has
    /// been rolled back. Dropping the future does not undo a commit that has
    /// begun; [`Store::outcome`](crate::Store::outcome) tells how it ended.
    ///
    /// # Errors
    /// [`StoreError::Storage`], [`StoreError::NoSuchIndex`] if a table that it
    /// changed is gone, [`StoreError::RolledBack`], [`StoreError::CommitGivenUp`].
    pub async fn commit(self, durability: Durability, id: CommitId) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Rolls back.
    pub fn rollback(self) {}
}
