//! What an operator wants to know of a running store.

use serde::Serialize;

/// A store's state and counters. Counters count from its opening.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Tables in the catalogue.
    pub tables: u64,
    /// Transactions begun and not ended.
    pub transactions: u64,
    /// Row locks held.
    pub locks_held: u64,
    /// Requests that wait for a row lock.
    pub locks_waiting: u64,
    /// Lock waits begun.
    pub lock_waits: u64,
    /// Lock waits that ended by their timeout.
    pub lock_timeouts: u64,
    /// Lock waits refused because they would have closed a circle.
    pub deadlocks: u64,
    /// Commits that wrote something.
    pub commits: u64,
    /// Commits that failed.
    pub commits_failed: u64,
    /// Groups in which synced commits were written.
    pub commit_groups: u64,
    /// Commits in the largest group.
    pub largest_commit_group: u64,
    /// Syncs of the log.
    pub log_syncs: u64,
    /// Bytes of keys and values committed.
    pub bytes_committed: u64,
    /// Block cache: its size in bytes.
    pub cache_capacity_bytes: u64,
    /// Block cache: bytes in use.
    pub cache_used_bytes: u64,
    /// Block cache: reads that found their block.
    pub cache_hits: u64,
    /// Block cache: reads that had to go to the files.
    pub cache_misses: u64,
    /// Bytes of changes that are in memory (and in the log) only.
    pub memtable_bytes: u64,
    /// Bytes of the sorted files.
    pub file_bytes: u64,
    /// Snapshots that transactions and cursors hold.
    pub snapshots: u64,
    /// Compactions and flushes that run now.
    pub running_jobs: u64,
    /// Dropped indexes whose space is still to be reclaimed.
    pub reclaiming: u64,
    /// RocksDB slows or stops writes until compactions have caught up.
    pub stalled: bool,
    /// A write failed and RocksDB takes no more: the store must be opened anew.
    pub failed: bool,
}
