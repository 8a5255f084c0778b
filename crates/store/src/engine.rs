//! RocksDB as the store uses it: its families, and what is known of its log.

use crate::disk::Disk;
use crate::latency::Latencies;
use crate::view::{View, Views};
use crate::{StoreError, StoreOptions, keys, numbers};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::time::Instant;
use vamos_rocks::{
    ColumnFamily, ColumnFamilyOptions, Db, DbOptions, ErrorKind, LiveFile, MergeOperator, ReadOptions,
    WriteBatch, WriteMode,
};

/// The version of what this crate writes to disk.
const FORMAT: u32 = 1;

/// The name of the family of entries.
const DATA: &str = "data";

/// The families other than data hold little that is written often.
const SMALL_WRITE_BUFFER: usize = 4 << 20;

/// What is prepared is soon committed and its record removed: in a buffer that is
/// large enough, most records never reach a file.
const PREPARED_WRITE_BUFFER: usize = 16 << 20;

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) db: Db,
    /// Where it lies.
    pub(crate) directory: PathBuf,
    /// Tables.
    pub(crate) catalogue: ColumnFamily,
    /// Row counts, counters, commit marks.
    pub(crate) system: ColumnFamily,
    /// Records of prepared transactions.
    pub(crate) prepared: ColumnFamily,
    /// Entries of all indexes.
    pub(crate) data: ColumnFamily,
    /// Reads what is committed now.
    pub(crate) newest: ReadOptions,
    /// Raised by each write, before its locks are released and it is answered.
    version: AtomicU64,
    views: Views,
    pub(crate) disk: Disk,
    unsynced: AtomicBool,
    failed: AtomicBool,
    /// Since the last write that succeeded the disk was full.
    full: AtomicBool,
    /// See [`StoreOptions::when_broken`].
    when_broken: Option<fn()>,
    syncs: AtomicU64,
    /// How long writes with a sync of the log took.
    pub(crate) sync_times: Latencies,
}

impl Engine {
    pub(crate) fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let open_failed = |reason: String| StoreError::Open {
            path: options.path.clone(),
            reason,
        };
        std::fs::create_dir_all(&options.path).map_err(|error| open_failed(error.to_string()))?;
        // A worker that was killed during a backup could not remove it.
        crate::upkeep::remove_checkpoint(&options.path)?;
        let opened = Db::open(&options.path, &db_options(options), &families(options));
        let (db, families) = opened.map_err(|error| match error.kind() {
            ErrorKind::Locked => StoreError::InUse {
                path: options.path.clone(),
            },
            ErrorKind::NoDirectIo => open_failed(
                "its file system has no direct I/O; set direct_io = false, or put the store on another"
                    .to_owned(),
            ),
            _ => open_failed(error.to_string()),
        })?;
        let [_default, catalogue, system, data, prepared] = <[ColumnFamily; 5]>::try_from(families)
            .map_err(|_| open_failed("RocksDB did not open all column families".to_owned()))?;
        let disk = Disk::new(options.before_disk);
        let engine = Self {
            db,
            directory: options.path.clone(),
            catalogue,
            system,
            data,
            prepared,
            newest: disk.announced_by(ReadOptions::new()),
            version: AtomicU64::new(0),
            views: Views::default(),
            disk,
            unsynced: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            full: AtomicBool::new(false),
            when_broken: options.when_broken,
            syncs: AtomicU64::new(0),
            sync_times: Latencies::default(),
        };
        engine.check_format(options)?;
        Ok(engine)
    }

    fn check_format(&self, options: &StoreOptions) -> Result<(), StoreError> {
        let Some(found) = self.catalogue.get(keys::FORMAT, &self.newest)? else {
            let mut batch = WriteBatch::new();
            batch.put(&self.catalogue, keys::FORMAT, &FORMAT.to_le_bytes());
            return self.write(&mut batch, WriteMode::Synced);
        };
        let found = found.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        if found == FORMAT {
            return Ok(());
        }
        Err(StoreError::Format {
            path: options.path.clone(),
            found,
            expected: FORMAT,
        })
    }

    /// Writes a batch.
    pub(crate) fn write(&self, batch: &mut WriteBatch, mode: WriteMode) -> Result<(), StoreError> {
        if mode == WriteMode::Synced {
            // Cleared before the write: a buffered write that comes meanwhile
            // sets it again and is synced later, perhaps once too often.
            self.unsynced.store(false, Relaxed);
            self.syncs.fetch_add(1, Relaxed);
        }
        let begin = Instant::now();
        let result = self.db.write(batch, mode);
        if mode == WriteMode::Synced {
            self.sync_times.record(begin.elapsed());
        }
        self.version.fetch_add(1, Release);
        self.views.forget();
        self.failed.store(result.is_err(), Relaxed);
        if result.is_ok() && self.full.load(Relaxed) {
            self.full.store(false, Relaxed);
        }
        result.map_err(|error| {
            tracing::error!(%error, "a write to the store failed");
            self.end_if_broken(&error);
            StoreError::Storage {
                reason: format!("{error}; if this lasts, the store must be opened anew"),
            }
        })
    }

    /// Whoever finds the same version before it read something and after it knows
    /// of a transaction that it has ended (has its locks, or its answer) has read
    /// what that transaction wrote.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    /// A snapshot that shows every commit that has been answered.
    pub(crate) fn newest_view(&self) -> Arc<View> {
        self.views.newest(&self.db, &self.disk, self.version())
    }

    /// Notes that the log has something to be synced within a second. Says
    /// whether that is news.
    pub(crate) fn note_unsynced(&self) -> bool {
        !self.unsynced.swap(true, Relaxed)
    }

    pub(crate) fn is_unsynced(&self) -> bool {
        self.unsynced.load(Relaxed)
    }

    /// Syncs the log.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.unsynced.store(false, Relaxed);
        self.syncs.fetch_add(1, Relaxed);
        self.db.sync_log().map_err(|error| {
            self.failed.store(true, Relaxed);
            tracing::error!(%error, "the store's log could not be synced");
            self.end_if_broken(&error);
            StoreError::Storage {
                reason: error.to_string(),
            }
        })
    }

    fn end_if_broken(&self, error: &vamos_rocks::Error) {
        // After a full disk RocksDB's syncs say no more than that the log has failed
        // before.
        if error.kind() == ErrorKind::OutOfSpace {
            self.full.store(true, Relaxed);
        }
        if let Some(when_broken) = self.when_broken
            && error.kind() == ErrorKind::Io
            && !self.full.load(Relaxed)
        {
            when_broken();
        }
    }

    /// The files in which entries of indexes lie.
    pub(crate) fn data_files(&self) -> Vec<LiveFile> {
        let mut files = self.db.live_files();
        files.retain(|file| file.family == DATA);
        files
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Relaxed)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }
}

fn db_options(options: &StoreOptions) -> DbOptions {
    DbOptions {
        create: true,
        cache_bytes: usize::try_from(options.cache_bytes).unwrap_or(usize::MAX),
        background_jobs: options.background_threads,
        open_files: options.max_open_files,
        log_bytes: (options.write_buffer_bytes.saturating_mul(4)).max(64 << 20),
        statistics: true,
        direct_io: options.direct_io,
    }
}

fn families(options: &StoreOptions) -> [ColumnFamilyOptions; 5] {
    let small = |name: &str| {
        let mut family = ColumnFamilyOptions::new(name);
        family.write_buffer_bytes = SMALL_WRITE_BUFFER;
        family
    };
    let mut system = small("system");
    system.merge = Some(MergeOperator {
        name: c"vamos.number",
        merge: numbers::merge,
    });
    let mut data = ColumnFamilyOptions::new(DATA);
    data.write_buffer_bytes = usize::try_from(options.write_buffer_bytes).unwrap_or(64 << 20);
    let mut prepared = ColumnFamilyOptions::new("prepared");
    prepared.write_buffer_bytes = PREPARED_WRITE_BUFFER;
    [small("default"), small("catalogue"), system, data, prepared]
}

impl From<vamos_rocks::Error> for StoreError {
    fn from(error: vamos_rocks::Error) -> Self {
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::Corruption => Self::Corruption { reason },
            _ => Self::Storage { reason },
        }
    }
}
