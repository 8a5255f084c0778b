//! Sizes, compaction, flushing, and consistent copies.

use crate::db::c_string;
use crate::error::checked;
use crate::{ColumnFamily, Db, Error, ffi};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

impl ColumnFamily {
    /// About how many bytes the ranges take up in the files; what is still in
    /// memory is not counted.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn approximate_sizes(&self, ranges: &[Range<&[u8]>]) -> Result<Vec<u64>, Error> {
        let starts: Vec<_> = ranges.iter().map(|r| r.start.as_ptr().cast()).collect();
        let start_lengths: Vec<_> = ranges.iter().map(|r| r.start.len()).collect();
        let ends: Vec<_> = ranges.iter().map(|r| r.end.as_ptr().cast()).collect();
        let end_lengths: Vec<_> = ranges.iter().map(|r| r.end.len()).collect();
        let count = i32::try_from(ranges.len()).map_err(|e| Error::new(e.to_string()))?;
        let mut sizes = vec![0; ranges.len()];
        checked(|error| {
            // SAFETY: every array has `count` elements; database and family are
            // alive.
            unsafe {
                ffi::rocksdb_approximate_sizes_cf(
                    self.db(),
                    self.as_ptr(),
                    count,
                    starts.as_ptr(),
                    start_lengths.as_ptr(),
                    ends.as_ptr(),
                    end_lengths.as_ptr(),
                    sizes.as_mut_ptr(),
                    error,
                );
            }
        })?;
        Ok(sizes)
    }

    /// Deletes the files that hold keys of this range only, whatever snapshots
    /// exist: for keys that nobody will read again.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn delete_files_in_range(&self, range: Range<&[u8]>) -> Result<(), Error> {
        let (start, end) = (range.start, range.end);
        checked(|error| {
            // SAFETY: database and family are alive; the keys are for the call.
            unsafe {
                ffi::rocksdb_delete_file_in_range_cf(
                    self.db(),
                    self.as_ptr(),
                    start.as_ptr().cast(),
                    start.len(),
                    end.as_ptr().cast(),
                    end.len(),
                    error,
                );
            }
        })
    }

    /// Compacts a range, beside the automatic compactions. Blocks until it is
    /// done, or until [`Db::end_manual_compactions`].
    pub fn compact_range(&self, range: Range<&[u8]>) {
        // SAFETY: database and family are alive; the keys are for the call; the
        // options are ours, and destroyed once.
        unsafe {
            let options = ffi::rocksdb_compactoptions_create();
            ffi::rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0);
            ffi::rocksdb_compact_range_cf_opt(
                self.db(),
                self.as_ptr(),
                options,
                range.start.as_ptr().cast(),
                range.start.len(),
                range.end.as_ptr().cast(),
                range.end.len(),
            );
            ffi::rocksdb_compactoptions_destroy(options);
        }
    }

    /// Writes what is in memory to files. Blocks until it is done.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn flush(&self) -> Result<(), Error> {
        checked(|error| {
            // SAFETY: database and family are alive; the options are ours, and
            // destroyed once.
            unsafe {
                let options = ffi::rocksdb_flushoptions_create();
                ffi::rocksdb_flushoptions_set_wait(options, 1);
                ffi::rocksdb_flush_cf(self.db(), options, self.as_ptr(), error);
                ffi::rocksdb_flushoptions_destroy(options);
            }
        })
    }
}

impl Db {
    /// Ends calls of [`ColumnFamily::compact_range`] early, and lets no more
    /// begin: for closing.
    pub fn end_manual_compactions(&self) {
        // SAFETY: the database is alive.
        unsafe { ffi::rocksdb_disable_manual_compaction(self.shared.db()) }
    }

    /// Prepares a consistent copy.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        // SAFETY: the database is alive, and the checkpoint keeps it.
        let raw = checked(|error| unsafe { ffi::rocksdb_checkpoint_object_create(self.shared.db(), error) })?;
        let raw = NonNull::new(raw).ok_or_else(|| Error::new("RocksDB gave no checkpoint".to_owned()))?;
        Ok(Checkpoint {
            raw,
            _shared: Arc::clone(&self.shared),
        })
    }
}

/// Makes consistent copies of an open database.
#[derive(Debug)]
pub struct Checkpoint {
    raw: NonNull<ffi::rocksdb_checkpoint_t>,
    _shared: Arc<crate::db::Shared>,
}

// SAFETY: the object is a pointer to the database, which is made for many threads.
unsafe impl Send for Checkpoint {}

impl Checkpoint {
    /// Makes a copy in a directory that must not exist, by hard links where the
    /// file system allows them. Writes go on meanwhile.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn create(&mut self, directory: &Path) -> Result<(), Error> {
        let directory = c_string(directory.as_os_str().as_bytes())?;
        // SAFETY: the checkpoint is alive; the name is for the call. 0 bytes of
        // log: memory is flushed, so that the copy needs no log.
        checked(|error| unsafe {
            ffi::rocksdb_checkpoint_create(self.raw.as_ptr(), directory.as_ptr(), 0, error);
        })
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once, while the database is open.
        unsafe { ffi::rocksdb_checkpoint_object_destroy(self.raw.as_ptr()) }
    }
}
