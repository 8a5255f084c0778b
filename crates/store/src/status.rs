//! What an operator wants to know of a running store.

use crate::Store;
use serde::Serialize;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A store's state and counters. Counters count from its opening.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Tables in the catalogue.
    pub tables: u64,
    /// Transactions begun and not ended.
    pub transactions: u64,
    /// Prepared transactions: those that a commit with the binary log has under
    /// way, and those that XA RECOVER lists.
    pub prepared: u64,
    /// Bytes of their records.
    pub prepared_bytes: u64,
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
    /// Microseconds of a write with a sync of the log: half of them took no longer.
    pub sync_p50_us: u64,
    /// 99 of 100 took no longer.
    pub sync_p99_us: u64,
    /// The longest.
    pub sync_max_us: u64,
    /// Microseconds of a wait for a row lock: half of them took no longer.
    pub lock_wait_p50_us: u64,
    /// 99 of 100 took no longer.
    pub lock_wait_p99_us: u64,
    /// The longest that has ended.
    pub lock_wait_max_us: u64,
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
    /// Microseconds for which writes were held back, all together.
    pub write_stall_us: u64,
    /// To how many bytes a second writes are slowed now; 0: they are not.
    pub write_delay_bytes: u64,
    /// Buffers of changes that wait to be written out as files. Writes are held
    /// back when they are all full.
    pub full_memtables: u64,
    /// Files of level 0. Writes are slowed from 20 on, and stopped from 36 on.
    pub level_0_files: u64,
    /// Bytes that compactions have to write to be up to date. Writes are slowed
    /// from 64 GiB on.
    pub pending_compaction_bytes: u64,
    /// Why writes are held back, if they are.
    pub stall_cause: Option<&'static str>,
    /// A write failed and RocksDB takes no more: the store must be opened anew.
    pub failed: bool,
}

/// In sections, for `SHOW ENGINE VAMOS STATUS`.
impl fmt::Display for StoreStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lookups = (self.cache_hits + self.cache_misses).max(1);
        writeln!(f, "TRANSACTIONS")?;
        writeln!(f, "  open                  {}", self.transactions)?;
        writeln!(
            f,
            "  commits               {} in {} synced groups, the largest of {}; {} failed",
            self.commits, self.commit_groups, self.largest_commit_group, self.commits_failed
        )?;
        writeln!(f, "LOCKS")?;
        writeln!(
            f,
            "  rows locked           {}, {} requests wait",
            self.locks_held, self.locks_waiting
        )?;
        writeln!(
            f,
            "  waits since start     {}, {} timed out, {} deadlocks",
            self.lock_waits, self.lock_timeouts, self.deadlocks
        )?;
        writeln!(f, "STORE I/O")?;
        writeln!(f, "  tables                {}", self.tables)?;
        writeln!(
            f,
            "  bytes                 {} in files, {} in memory only, {} committed since start",
            self.file_bytes, self.memtable_bytes, self.bytes_committed
        )?;
        writeln!(
            f,
            "  block cache           {} of {} bytes used, {:.1} % of {} lookups hit",
            self.cache_used_bytes,
            self.cache_capacity_bytes,
            100.0 * self.cache_hits as f64 / lookups as f64,
            self.cache_hits + self.cache_misses
        )?;
        writeln!(f, "  log syncs             {}", self.log_syncs)?;
        writeln!(f, "COMPACTION")?;
        writeln!(f, "  running jobs          {}", self.running_jobs)?;
        writeln!(f, "  dropped indexes left  {}", self.reclaiming)?;
        let writes = match (self.failed, self.stalled) {
            (true, _) => "refused: a write failed, the store must be opened anew",
            (_, true) => "held back until compactions have caught up",
            _ => "go on",
        };
        writeln!(f, "  writes                {writes}")?;
        if let Some(cause) = self.stall_cause {
            writeln!(f, "  held back because     {cause}")?;
        }
        writeln!(
            f,
            "  held back since start {} us; {} full memtables, {} level 0 files, {} bytes to compact",
            self.write_stall_us, self.full_memtables, self.level_0_files, self.pending_compaction_bytes
        )?;
        writeln!(f, "TIMES (us: half, 99 of 100, longest)")?;
        writeln!(
            f,
            "  synced write          {}, {}, {}",
            self.sync_p50_us, self.sync_p99_us, self.sync_max_us
        )?;
        write!(
            f,
            "  row lock wait         {}, {}, {}",
            self.lock_wait_p50_us, self.lock_wait_p99_us, self.lock_wait_max_us
        )
    }
}

/// What RocksDB waits for when it holds writes back, by its thresholds
/// (`rocksdb/advanced_options.h`, defaults, and 3 memtables).
fn stall_cause(memtables: u64, level_0_files: u64, pending_bytes: u64) -> &'static str {
    if pending_bytes >= 64 << 30 {
        "much is to be compacted: the disk is too slow for the writes"
    } else if level_0_files >= 20 {
        "level 0 has many files: compactions do not keep up with the writes"
    } else if memtables >= 2 {
        "memtables are full: the disk is too slow to write them out"
    } else {
        "compactions have fallen behind"
    }
}

impl Store {
    /// Its state and counters.
    pub fn status(&self) -> StoreStatus {
        let engine = &self.engine;
        let locks = self.locks.counts();
        let (prepared, prepared_bytes) = self.prepared.sizes();
        let tickers = engine.db.tickers();
        let property = |name| engine.data.property(name).unwrap_or(0);
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        let syncs = engine.sync_times.percentiles();
        let waits = self.locks.wait_times.percentiles();
        let stopped = property(c"rocksdb.is-write-stopped") != 0;
        let delay = property(c"rocksdb.actual-delayed-write-rate");
        let memtables = property(c"rocksdb.num-immutable-mem-table");
        let level_0 = engine.data_files().iter().filter(|file| file.level == 0).count() as u64;
        let pending = property(c"rocksdb.estimate-pending-compaction-bytes");
        let stalled = stopped || delay != 0;
        StoreStatus {
            tables: self.catalogue.len() as u64,
            transactions: count(&self.transactions),
            prepared,
            prepared_bytes,
            locks_held: locks.held,
            locks_waiting: locks.waiting,
            lock_waits: locks.waits,
            lock_timeouts: locks.timeouts,
            deadlocks: locks.deadlocks,
            commits: count(&self.committer.commits),
            commits_failed: count(&self.committer.failed),
            commit_groups: count(&self.committer.groups),
            largest_commit_group: count(&self.committer.largest_group),
            log_syncs: engine.syncs(),
            bytes_committed: count(&self.committer.bytes),
            cache_capacity_bytes: engine.db.cache_capacity() as u64,
            cache_used_bytes: engine.db.cache_usage() as u64,
            cache_hits: tickers.count("rocksdb.block.cache.hit").unwrap_or(0),
            cache_misses: tickers.count("rocksdb.block.cache.miss").unwrap_or(0),
            memtable_bytes: property(c"rocksdb.cur-size-all-mem-tables"),
            file_bytes: property(c"rocksdb.total-sst-files-size"),
            snapshots: property(c"rocksdb.num-snapshots"),
            running_jobs: property(c"rocksdb.num-running-compactions")
                + property(c"rocksdb.num-running-flushes"),
            reclaiming: self.reclaimer.len() as u64,
            sync_p50_us: syncs.p50,
            sync_p99_us: syncs.p99,
            sync_max_us: syncs.longest,
            lock_wait_p50_us: waits.p50,
            lock_wait_p99_us: waits.p99,
            lock_wait_max_us: waits.longest,
            write_stall_us: tickers.count("rocksdb.stall.micros").unwrap_or(0),
            write_delay_bytes: delay,
            full_memtables: memtables,
            level_0_files: level_0,
            pending_compaction_bytes: pending,
            stall_cause: stalled.then(|| stall_cause(memtables, level_0, pending)),
            stalled,
            failed: engine.has_failed(),
        }
    }
}
