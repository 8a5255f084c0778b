//! The store: opening, tables, statistics.

use crate::{StoreError, StoreOptions, StoreStatus, TableInfo, Transaction, TransactionOptions};
use std::sync::Arc;
use vamos_proto::{CommitId, CommitOutcome, CounterRaise, KeyRange, TableId, TableStats};

/// An open store. It closes when the last reference (each transaction has one)
/// is gone.
#[derive(Debug)]
pub struct Store {}

#[allow(clippy::unimplemented, clippy::unused_async, unused_variables, missing_docs)]
impl Store {
    /// Opens the store in a directory, recovers it if it was not closed, and
    /// makes it if it does not exist. Blocks.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Format`] or [`StoreError::Open`].
    pub fn open(options: StoreOptions) -> Result<Arc<Self>, StoreError> {
        unimplemented!()
    }

    /// Begins a transaction. Costs next to nothing.
    pub fn begin(self: &Arc<Self>, options: TransactionOptions) -> Transaction {
        unimplemented!()
    }

    /// Creates a table; durable when this returns. `indexes` counts its indexes,
    /// the first of which is the primary one. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::TableExists`], [`StoreError::Invalid`], [`StoreError::Storage`].
    pub fn create_table(
        &self,
        name: &str,
        definition: &[u8],
        indexes: u16,
        counters: [u64; 2],
    ) -> Result<TableInfo, StoreError> {
        unimplemented!()
    }

    /// Looks a table up by its name.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`].
    pub fn open_table(&self, name: &str) -> Result<TableInfo, StoreError> {
        unimplemented!()
    }

    /// Drops a table; durable when this returns. Its space is reclaimed in the
    /// background. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::Storage`].
    pub fn drop_table(&self, name: &str) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Renames a table; durable when this returns. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::TableExists`],
    /// [`StoreError::Invalid`], [`StoreError::Storage`].
    pub fn rename_table(&self, from: &str, to: &str) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Empties a table by giving its indexes new ids, and sets its counters to 1.
    /// Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::Storage`].
    pub fn truncate_table(&self, name: &str) -> Result<TableInfo, StoreError> {
        unimplemented!()
    }

    /// All tables, ordered by name.
    pub fn tables(&self) -> Vec<TableInfo> {
        unimplemented!()
    }

    /// Sets a counter, also to a lower value; durable when this returns. Blocks
    /// for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`].
    pub fn set_counter(&self, counter: CounterRaise) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Approximate sizes of a table.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`].
    pub fn table_stats(&self, table: TableId) -> Result<TableStats, StoreError> {
        unimplemented!()
    }

    /// The number of committed entries in each range: exact if small, estimated
    /// if not.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Storage`].
    pub fn range_sizes(&self, ranges: &[KeyRange<'_>]) -> Result<Vec<u64>, StoreError> {
        unimplemented!()
    }

    /// How a commit ended. Waits for it if it is under way; a commit that is
    /// answered "not committed" is refused if it comes later.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub async fn outcome(&self, commit: CommitId) -> Result<CommitOutcome, StoreError> {
        unimplemented!()
    }

    /// Forgets the outcomes of a session's commits.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub fn forget_session(&self, session: [u8; 16]) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Its state and counters.
    pub fn status(&self) -> StoreStatus {
        unimplemented!()
    }
}
