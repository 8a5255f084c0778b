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
//! the polling thread for the time of the disk's answer, and so does a write for
//! a commit without sync while RocksDB holds writers back.
//!
//! ```
//! use vamos_proto::{CommitId, Durability, Lock, RowBlockBuilder, Write, WriteOp};
//! use vamos_store::{Store, StoreOptions, TransactionOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let store = Store::open(StoreOptions::new(directory.path()))?;
//! let table = store.create_table("test/t", b"the client's own description", 1, [1, 1])?;
//! let index = table.indexes[0];
//!
//! # pollster::block_on(async {
//! let mut transaction = store.begin(TransactionOptions::default());
//! let ops = vec![WriteOp::Insert { index, key: b"k", value: b"v" }];
//! let write = Write { ops, raise: vec![], row_delta: 1, table: table.table, answer: true };
//! transaction.apply(&write).await?;
//!
//! let mut rows = RowBlockBuilder::new();
//! assert!(transaction.get(index, b"k", Lock::None, None, &mut rows).await?);
//! transaction.commit(Durability::Commit, CommitId { session: [7; 16], number: 1 }).await?;
//! # Ok::<(), vamos_store::StoreError>(())
//! # })?;
//! assert_eq!(store.table_stats(table.table)?.rows, 1);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod build;
mod catalogue;
mod commit;
mod cursor;
mod disk;
mod engine;
mod error;
mod keys;
mod latency;
mod locks;
mod monitor;
mod numbers;
mod oneshot;
mod options;
mod overlay;
mod prepared;
mod reclaim;
mod sizes;
mod status;
mod store;
mod survey;
mod table;
mod transaction;
mod two_phase;
mod upkeep;
mod view;

pub use build::Build;
pub use cursor::{Cursor, Sieve};
pub use error::StoreError;
pub use options::{StoreOptions, TransactionOptions};
pub use prepared::{PreparedTransaction, XidName};
pub use status::StoreStatus;
pub use store::Store;
pub use survey::Survey;
pub use table::{TableChange, TableInfo};
pub use transaction::Transaction;
pub use upkeep::{CompactedPiece, CountedEntries, EntryCount, TableSizes};
