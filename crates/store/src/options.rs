//! Settings of a store and of a transaction.

use std::path::PathBuf;
use std::time::Duration;
use vamos_proto::Isolation;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The store's directory; made if it is missing.
    pub path: PathBuf,
    /// The size of the block cache, in bytes.
    pub cache_bytes: u64,
    /// How many bytes of changes RocksDB gathers in memory before it writes them
    /// out as a sorted file.
    pub write_buffer_bytes: u64,
    /// The largest transaction, in bytes of its changes. At most 2 GiB.
    pub max_transaction_bytes: u64,
    /// How many row locks all transactions together may hold. What is prepared when
    /// the store is opened has its locks in any case.
    pub max_locks: u64,
    /// How many prepared transactions there may be.
    pub max_prepared: u64,
    /// How many bytes prepared transactions may have together.
    pub max_prepared_bytes: u64,
    /// How many bytes the catalogue's names and definitions may have together.
    pub max_catalogue_bytes: u64,
    /// Threads that RocksDB uses to flush and to compact.
    pub background_threads: u16,
    /// Files that RocksDB keeps open.
    pub max_open_files: u32,
    /// Keep table files out of the operating system's page cache: memory holds of them
    /// what the block cache holds, and no more. Opening fails where the file system
    /// cannot.
    pub direct_io: bool,
    /// Called when the disk has refused a write for another reason than that it is
    /// full, before anybody is told. The store writes no more then, and whether its
    /// log has what was to be written is known only when it is opened anew: ending
    /// the process keeps anybody from being told too much. Without it the write's
    /// failure is reported, and the store can be read until it is closed.
    pub when_broken: Option<fn()>,
    /// Called by a thread before a read of it waits for the disk, or probably does: it
    /// may let another one do meanwhile what it has to do besides.
    pub before_disk: Option<fn()>,
}

impl StoreOptions {
    /// The defaults, for a store in `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            cache_bytes: 256 << 20,
            write_buffer_bytes: 64 << 20,
            max_transaction_bytes: 1 << 30,
            max_locks: 4 << 20,
            max_prepared: 16 * 1024,
            max_prepared_bytes: 2 << 30,
            max_catalogue_bytes: 256 << 20,
            background_threads: 2,
            max_open_files: 1024,
            direct_io: false,
            when_broken: None,
            before_disk: None,
        }
    }
}

/// How to begin a transaction.
#[derive(Clone, Copy, Debug)]
pub struct TransactionOptions {
    /// What its consistent reads see.
    pub isolation: Isolation,
    /// How long one lock wait may last.
    pub lock_wait: Duration,
    /// The client's own number for whoever it belongs to, for lists.
    pub client: u64,
}

impl Default for TransactionOptions {
    /// Repeatable read, 50 seconds: InnoDB's defaults.
    fn default() -> Self {
        Self {
            isolation: Isolation::default(),
            lock_wait: Duration::from_secs(50),
            client: 0,
        }
    }
}
