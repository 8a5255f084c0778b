//! What can go wrong in the store.

use crate::XidName;
use std::path::PathBuf;
use vamos_proto::{ErrorCode, IndexId, SavepointId, TableId};

/// A failure of the store, as a sentence. [`StoreError::code`] is what a client
/// can act on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be opened as a store.
    #[error("the store in {} cannot be opened: {reason}", path.display())]
    Open {
        /// The store's directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has the store open.
    #[error("the store in {} is in use by another process; a store has one owner at a time", path.display())]
    InUse {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store was written by a version with another format.
    #[error("the store in {} has format {found}, this version reads format {expected}", path.display())]
    Format {
        /// The store's directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// There is no table of this name.
    #[error("there is no table named {name:?}")]
    NoSuchTable {
        /// The name.
        name: String,
    },
    /// There is no table with this number.
    #[error("there is no table with number {}; it may have been dropped", id.0)]
    NoSuchTableId {
        /// The number.
        id: TableId,
    },
    /// There is no index with this number.
    #[error("there is no index with number {}; its table may have been dropped or truncated", id.0)]
    NoSuchIndex {
        /// The number.
        id: IndexId,
    },
    /// An index is newer than the transaction's snapshot, or the table was
    /// changed while it was built.
    #[error("the table's definition has changed: {what}")]
    TableChanged {
        /// What, and what to do.
        what: &'static str,
    },
    /// A table of this name exists.
    #[error("a table named {name:?} exists already")]
    TableExists {
        /// The name.
        name: String,
    },
    /// The lock wait timeout passed.
    #[error("waited {waited_ms} ms for the lock of a row that another transaction holds")]
    LockWaitTimeout {
        /// The timeout.
        waited_ms: u64,
    },
    /// The wait would have closed a circle of waiting transactions.
    #[error(
        "the lock wait would never end: the transaction that holds the row waits for this one (rolled back)"
    )]
    Deadlock,
    /// The row is locked and the read said not to wait.
    #[error("another transaction has locked the row, and the read was told not to wait")]
    LockNotAvailable,
    /// The transaction's writes exceed the limit.
    #[error("the transaction holds more than {limit} bytes of changes, the host's limit (rolled back)")]
    TransactionTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The store's locks exceed the limit.
    #[error("the store's transactions hold {limit} row locks, the host's limit (rolled back)")]
    TooManyLocks {
        /// The limit.
        limit: u64,
    },
    /// The request makes no sense.
    #[error("the request is invalid: {reason}")]
    Invalid {
        /// Why.
        reason: String,
    },
    /// The transaction has no such savepoint.
    #[error("the transaction has no savepoint {}", id.0)]
    NoSuchSavepoint {
        /// The savepoint.
        id: SavepointId,
    },
    /// The transaction was rolled back by an earlier failure.
    #[error("the transaction was rolled back by an earlier failure and takes no more requests")]
    RolledBack,
    /// The commit's outcome was asked for and answered "not committed" before.
    #[error("commit {number} was given up: its session has been told that it did not happen (rolled back)")]
    CommitGivenUp {
        /// The commit's number.
        number: u64,
    },
    /// A prepared transaction changes the table.
    #[error(
        "a prepared transaction changes table {name}; commit it or roll it back first (XA RECOVER lists it)"
    )]
    TableInUse {
        /// The table.
        name: String,
    },
    /// There is no prepared transaction of this name.
    #[error("there is no prepared transaction {name}")]
    NoSuchPrepared {
        /// The name.
        name: XidName,
    },
    /// A transaction of this name is prepared already.
    #[error("a transaction {name} is prepared already (rolled back)")]
    XidTaken {
        /// The name.
        name: XidName,
    },
    /// Another server has taken over.
    #[error("another server has begun to use the store, so this one prepares no more (rolled back)")]
    OtherServer,
    /// The prepared transactions exceed the limit.
    #[error(
        "the store holds {limit} prepared transactions or {limit_bytes} bytes of them, the host's limit: \
         commit some or roll them back (rolled back)"
    )]
    TooManyPrepared {
        /// The limit of their number.
        limit: u64,
        /// The limit of their bytes.
        limit_bytes: u64,
    },
    /// RocksDB or the disk failed.
    #[error("the host's storage failed: {reason}")]
    Storage {
        /// RocksDB's own words.
        reason: String,
    },
    /// Damaged data.
    #[error("the store found damaged data: {reason}")]
    Corruption {
        /// Where, and what is wrong.
        reason: String,
    },
}

impl StoreError {
    /// The kind of failure that a client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Open { .. } | Self::InUse { .. } | Self::Format { .. } | Self::Storage { .. } => {
                ErrorCode::Storage
            }
            Self::NoSuchTable { .. } | Self::NoSuchTableId { .. } | Self::NoSuchIndex { .. } => {
                ErrorCode::NoSuchTable
            }
            Self::TableChanged { .. } => ErrorCode::TableChanged,
            Self::TableExists { .. } => ErrorCode::TableExists,
            Self::LockWaitTimeout { .. } => ErrorCode::LockWaitTimeout,
            Self::Deadlock => ErrorCode::Deadlock,
            Self::LockNotAvailable | Self::TableInUse { .. } => ErrorCode::LockNotAvailable,
            Self::TransactionTooLarge { .. } | Self::TooManyLocks { .. } | Self::TooManyPrepared { .. } => {
                ErrorCode::TransactionTooLarge
            }
            Self::Invalid { .. }
            | Self::RolledBack
            | Self::CommitGivenUp { .. }
            | Self::XidTaken { .. }
            | Self::OtherServer => ErrorCode::Invalid,
            Self::NoSuchSavepoint { .. } | Self::NoSuchPrepared { .. } => ErrorCode::NotFound,
            Self::Corruption { .. } => ErrorCode::Corruption,
        }
    }

    /// Whether a transaction that fails with this has been rolled back.
    pub fn rolls_back(&self) -> bool {
        matches!(
            self,
            Self::Deadlock
                | Self::TransactionTooLarge { .. }
                | Self::TooManyLocks { .. }
                | Self::RolledBack
                | Self::CommitGivenUp { .. }
                | Self::XidTaken { .. }
                | Self::OtherServer
                | Self::TooManyPrepared { .. }
                | Self::Storage { .. }
        )
    }
}
