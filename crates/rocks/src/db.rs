//! The database.

use crate::error::{checked, take_string};
use crate::options::{Cache, RawOptions};
use crate::{ColumnFamily, ColumnFamilyOptions, DbOptions, Error, Snapshot, WriteBatch, ffi};
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

/// An open database. Clones are the same database; it closes when all of them,
/// and all that was made from them, are gone.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) shared: Arc<Shared>,
}

/// When a write is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// When the operating system has it.
    Buffered,
    /// When the log has been synced to disk.
    Synced,
}

#[derive(Debug)]
pub(crate) struct Shared {
    db: NonNull<ffi::rocksdb_t>,
    families: Vec<NonNull<ffi::rocksdb_column_family_handle_t>>,
    options: RawOptions,
    cache: Cache,
    synced: WriteOptions,
    buffered: WriteOptions,
}

// SAFETY: RocksDB's DB and column family handles are made for many threads.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn db(&self) -> *mut ffi::rocksdb_t {
        self.db.as_ptr()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: nothing that was made from the database exists any more, since
        // each such thing holds an `Arc` of this; background work is ended first,
        // then the handles, then the database, as `rocksdb/db.h` asks.
        unsafe {
            ffi::rocksdb_cancel_all_background_work(self.db(), 1);
            for family in &self.families {
                ffi::rocksdb_column_family_handle_destroy(family.as_ptr());
            }
            ffi::rocksdb_close(self.db());
        }
    }
}

impl Db {
    /// Opens a database with exactly these column families, which are returned in
    /// the same order.
    ///
    /// # Errors
    /// RocksDB's, for instance [`ErrorKind::Locked`](crate::ErrorKind::Locked).
    pub fn open(
        path: &Path,
        options: &DbOptions,
        families: &[ColumnFamilyOptions],
    ) -> Result<(Self, Vec<ColumnFamily>), Error> {
        let path = c_string(path.as_os_str().as_bytes())?;
        let names = families
            .iter()
            .map(|family| c_string(family.name.as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        let cache = Cache::new(options.cache_bytes);
        let family_options: Vec<_> = families
            .iter()
            .map(|family| RawOptions::of_family(family, &cache))
            .collect();
        let options = RawOptions::of_db(options);
        let name_pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        let option_pointers: Vec<_> = family_options
            .iter()
            .map(|options| options.as_ptr().cast_const())
            .collect();
        let count = i32::try_from(families.len()).map_err(|e| Error::new(e.to_string()))?;
        let mut handles = vec![std::ptr::null_mut(); families.len()];
        let db = checked(|error| {
            // SAFETY: every array has `count` elements; all strings and options
            // live to the end of this function, and RocksDB copies them.
            unsafe {
                ffi::rocksdb_open_column_families(
                    options.as_ptr(),
                    path.as_ptr(),
                    count,
                    name_pointers.as_ptr(),
                    option_pointers.as_ptr(),
                    handles.as_mut_ptr(),
                    error,
                )
            }
        })?;
        let null = || Error::new("RocksDB opened, but gave no database".to_owned());
        let shared = Arc::new(Shared {
            db: NonNull::new(db).ok_or_else(null)?,
            families: handles.into_iter().filter_map(NonNull::new).collect(),
            options,
            cache,
            synced: WriteOptions::new(WriteMode::Synced),
            buffered: WriteOptions::new(WriteMode::Buffered),
        });
        let families = shared
            .families
            .iter()
            .map(|&raw| ColumnFamily::new(Arc::clone(&shared), raw))
            .collect();
        Ok((Self { shared }, families))
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// RocksDB's. After a failed write to the log RocksDB refuses all later ones.
    pub fn write(&self, batch: &mut WriteBatch, mode: WriteMode) -> Result<(), Error> {
        let options = match mode {
            WriteMode::Synced => &self.shared.synced,
            WriteMode::Buffered => &self.shared.buffered,
        };
        // SAFETY: all three are alive.
        checked(|error| unsafe {
            ffi::rocksdb_write(self.shared.db(), options.0.as_ptr(), batch.as_ptr(), error);
        })
    }

    /// Syncs the log: all earlier buffered writes are durable then.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn sync_log(&self) -> Result<(), Error> {
        // SAFETY: the database is alive.
        checked(|error| unsafe { ffi::rocksdb_flush_wal(self.shared.db(), 1, error) })
    }

    /// Takes a snapshot of the whole database as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(Arc::clone(&self.shared))
    }

    /// A property with a number (see `DB::Properties` in `rocksdb/db.h`), of the
    /// default column family where it is one of a family's.
    pub fn property(&self, name: &CStr) -> Option<u64> {
        let mut value = 0;
        // SAFETY: the database is alive; name and value are for the call.
        let result = unsafe { ffi::rocksdb_property_int(self.shared.db(), name.as_ptr(), &mut value) };
        (result == 0).then_some(value)
    }

    /// A property with a text.
    pub fn property_text(&self, name: &CStr) -> Option<String> {
        // SAFETY: the database is alive; the string becomes ours.
        take_string(unsafe { ffi::rocksdb_property_value(self.shared.db(), name.as_ptr()) })
    }

    /// RocksDB's counters since opening; empty if
    /// [`DbOptions::statistics`] is off.
    pub fn tickers(&self) -> Tickers {
        // SAFETY: the options are alive; the string becomes ours.
        let text = unsafe { ffi::rocksdb_options_statistics_get_string(self.shared.options.as_ptr()) };
        Tickers(take_string(text).unwrap_or_default())
    }

    /// The block cache's capacity, in bytes.
    pub fn cache_capacity(&self) -> usize {
        self.shared.cache.capacity()
    }

    /// How much of the block cache is in use, in bytes.
    pub fn cache_usage(&self) -> usize {
        self.shared.cache.usage()
    }
}

/// RocksDB's counters at one moment.
#[derive(Clone, Debug)]
pub struct Tickers(String);

impl Tickers {
    /// A counter by its name, for instance `rocksdb.block.cache.hit`.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.0.lines().find_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(" COUNT : ")?;
            value.trim().parse().ok()
        })
    }
}

/// An owned `rocksdb_writeoptions_t`; only read once it is made.
#[derive(Debug)]
struct WriteOptions(NonNull<ffi::rocksdb_writeoptions_t>);

impl WriteOptions {
    fn new(mode: WriteMode) -> Self {
        // SAFETY: takes nothing; then sets a value of our own object.
        unsafe {
            let raw = crate::options::non_null(ffi::rocksdb_writeoptions_create());
            ffi::rocksdb_writeoptions_set_sync(raw.as_ptr(), u8::from(mode == WriteMode::Synced));
            Self(raw)
        }
    }
}

impl Drop for WriteOptions {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once.
        unsafe { ffi::rocksdb_writeoptions_destroy(self.0.as_ptr()) }
    }
}

pub(crate) fn c_string(bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| Error::new("Invalid argument: a name has a zero byte".to_owned()))
}
