//! A small safe binding of RocksDB's own C interface (`rocksdb/c.h`).
//!
//! It has what the store module needs and no more: column families, write
//! batches, snapshots, point and batched reads, iterators in both directions,
//! merge operators, range deletion, sizes, compaction, checkpoints, and the
//! checksums of table files (by a few lines of C++, see `shim/`). It is not a
//! general binding: there are no RocksDB transactions, TTLs or backups here.
//!
//! All `unsafe` of the store is in this crate. Whatever borrows from RocksDB
//! (a snapshot, an iterator, a pinned value) keeps the database open.
//!
//! By default the system's librocksdb is linked (Debian: `librocksdb-dev`, 7.8);
//! the feature `bundled` compiles the newest one. The declarations in `ffi.rs`
//! hold for both.
//!
//! ```
//! use vamos_rocks::{ColumnFamilyOptions, Db, DbOptions, ReadOptions, WriteBatch, WriteMode};
//!
//! let directory = tempfile::tempdir()?;
//! let families = [ColumnFamilyOptions::new("default"), ColumnFamilyOptions::new("data")];
//! let (db, families) = Db::open(directory.path(), &DbOptions::default(), &families)?;
//! let data = &families[1];
//!
//! let mut batch = WriteBatch::new();
//! batch.put(data, b"key", b"value");
//! db.write(&mut batch, WriteMode::Synced)?;
//!
//! let value = data.get(b"key", &ReadOptions::new())?;
//! assert_eq!(value.as_deref(), Some(&b"value"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod blocks;
mod db;
mod error;
mod family;
mod ffi;
mod files;
mod iterator;
mod maintenance;
mod merge;
mod options;
mod read;

#[cfg(feature = "bundled")]
use librocksdb_sys as _;

pub use batch::WriteBatch;
pub use blocks::blocks_read;
pub use db::{Db, Tickers, WriteMode};
pub use error::{Error, ErrorKind};
pub use family::ColumnFamily;
pub use files::{LiveFile, verify_table_file};
pub use iterator::Cursor;
pub use maintenance::Checkpoint;
pub use merge::{MergeFn, MergeOperator};
pub use options::{ColumnFamilyOptions, Compression, DbOptions};
pub use read::{Pinned, ReadOptions, Snapshot};
