//! The store module: tables and indexes as key ranges, transactions and
//! recovery, on RocksDB.
//!
//! What surrounds RocksDB here: a durable [catalogue](Store::create_table), a
//! lock table whose waits are futures, [transactions](Transaction) that merge
//! their own writes over a snapshot, and a commit pipeline that syncs the log
//! once for many commits. The crate knows no channel and no message loop; a
//! caller in the same process reaches everything that a guest reaches.
//!
//! Futures of this crate need no runtime: any executor can poll them. They wait
//! for locks and for the log's sync only. A read that misses the cache blocks
//! the polling thread for the time of the disk's answer.

#![forbid(unsafe_code)]

mod cursor;
mod error;
mod options;
mod status;
mod store;
mod table;
mod transaction;

pub use cursor::Cursor;
pub use error::StoreError;
pub use options::{StoreOptions, TransactionOptions};
pub use status::StoreStatus;
pub use store::Store;
pub use table::TableInfo;
pub use transaction::Transaction;
