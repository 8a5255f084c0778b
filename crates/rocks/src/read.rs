//! Point reads, their options, and snapshots.

use crate::db::Shared;
use crate::error::{checked, take_message};
use crate::options::non_null;
use crate::{ColumnFamily, Error, ErrorKind, ffi};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// The database as it was at one moment.
#[derive(Debug)]
pub struct Snapshot {
    shared: Arc<Shared>,
    raw: *const ffi::rocksdb_snapshot_t,
}

// SAFETY: a snapshot is a number in a list that the database guards by its mutex;
// any thread may read it and release it.
unsafe impl Send for Snapshot {}
// SAFETY: as above.
unsafe impl Sync for Snapshot {}

impl Snapshot {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        // SAFETY: the database is alive.
        let raw = unsafe { ffi::rocksdb_create_snapshot(shared.db()) };
        Self { shared, raw }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // SAFETY: taken from this database, which is alive, and released once.
        // Read options that name it hold it by an `Arc`.
        unsafe { ffi::rocksdb_release_snapshot(self.shared.db(), self.raw) }
    }
}

/// How to read.
#[derive(Debug)]
pub struct ReadOptions {
    raw: NonNull<ffi::rocksdb_readoptions_t>,
    /// The same for a first look into memory, and what to call before the disk is read.
    first: Option<(NonNull<ffi::rocksdb_readoptions_t>, fn())>,
    // RocksDB's objects point to these three.
    snapshot: Option<Arc<Snapshot>>,
    lower: Vec<u8>,
    upper: Vec<u8>,
}

// SAFETY: the object is plain data that changes by `&mut` only; what it points to
// it owns, or it may be shared (`Snapshot`).
unsafe impl Send for ReadOptions {}
// SAFETY: as above; `&ReadOptions` only reads.
unsafe impl Sync for ReadOptions {}

impl Default for ReadOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ReadOptions {
    /// Reads what is committed now.
    pub fn new() -> Self {
        Self {
            // SAFETY: takes nothing.
            raw: non_null(unsafe { ffi::rocksdb_readoptions_create() }),
            first: None,
            snapshot: None,
            lower: Vec::new(),
            upper: Vec::new(),
        }
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::rocksdb_readoptions_t {
        self.raw.as_ptr()
    }

    /// Reads what a snapshot shows.
    #[must_use]
    pub fn snapshot(mut self, snapshot: Arc<Snapshot>) -> Self {
        for options in self.objects() {
            // SAFETY: the object is ours; the snapshot lives as long, being kept.
            unsafe { ffi::rocksdb_readoptions_set_snapshot(options, snapshot.raw) };
        }
        self.snapshot = Some(snapshot);
        self
    }

    /// Has [`ColumnFamily::get`] look into memory first, and call this before it goes to
    /// the disk: the calling thread will wait then.
    #[must_use]
    pub fn before_disk(mut self, call: fn()) -> Self {
        // SAFETY: takes nothing; the object becomes ours, and the snapshot that it may
        // name is kept.
        let first = unsafe {
            let first = non_null(ffi::rocksdb_readoptions_create());
            ffi::rocksdb_readoptions_set_read_tier(first.as_ptr(), ffi::BLOCK_CACHE_TIER);
            if let Some(snapshot) = &self.snapshot {
                ffi::rocksdb_readoptions_set_snapshot(first.as_ptr(), snapshot.raw);
            }
            first
        };
        if let Some((before, _)) = self.first.replace((first, call)) {
            // SAFETY: ours, and nobody else knows it.
            unsafe { ffi::rocksdb_readoptions_destroy(before.as_ptr()) }
        }
        self
    }

    /// RocksDB's objects of these options.
    fn objects(&self) -> impl Iterator<Item = *mut ffi::rocksdb_readoptions_t> + use<> {
        let first = self.first.map(|(first, _)| first.as_ptr());
        std::iter::once(self.raw.as_ptr()).chain(first)
    }

    /// Limits iterators to keys from `lower` to before `upper`; an empty one is
    /// no bound.
    #[must_use]
    pub fn bounds(mut self, lower: Vec<u8>, upper: Vec<u8>) -> Self {
        self.lower = lower;
        self.upper = upper;
        let raw = self.raw.as_ptr();
        // SAFETY: the object is ours; it keeps pointers into the two vectors,
        // whose bytes stay where they are until it is destroyed.
        unsafe {
            if !self.lower.is_empty() {
                let (start, length) = (self.lower.as_ptr().cast(), self.lower.len());
                ffi::rocksdb_readoptions_set_iterate_lower_bound(raw, start, length);
            }
            if !self.upper.is_empty() {
                let (start, length) = (self.upper.as_ptr().cast(), self.upper.len());
                ffi::rocksdb_readoptions_set_iterate_upper_bound(raw, start, length);
            }
        }
        self
    }

    /// Whether blocks that are read stay in the cache.
    #[must_use]
    pub fn fill_cache(self, fill: bool) -> Self {
        // SAFETY: the object is ours.
        unsafe { ffi::rocksdb_readoptions_set_fill_cache(self.raw.as_ptr(), fill.into()) };
        self
    }

    /// Reads memory only: what needs the disk fails with
    /// [`ErrorKind::NotCached`](crate::ErrorKind::NotCached).
    #[must_use]
    pub fn cached_only(self) -> Self {
        // SAFETY: the object is ours.
        unsafe { ffi::rocksdb_readoptions_set_read_tier(self.raw.as_ptr(), ffi::BLOCK_CACHE_TIER) };
        self
    }
}

impl Drop for ReadOptions {
    fn drop(&mut self) {
        for options in self.objects() {
            // SAFETY: ours, and destroyed once, before what it points to.
            unsafe { ffi::rocksdb_readoptions_destroy(options) }
        }
    }
}

/// A value where RocksDB has it: in its cache or its memory, not copied.
#[derive(Debug)]
pub struct Pinned<'f> {
    raw: NonNull<ffi::rocksdb_pinnableslice_t>,
    // The family keeps the database, and so the cache, alive.
    family: PhantomData<&'f ColumnFamily>,
}

impl Deref for Pinned<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let mut length = 0;
        // SAFETY: the slice is alive and so are its bytes, which nobody writes.
        // Its start is null only if it is empty.
        unsafe {
            let start = ffi::rocksdb_pinnableslice_value(self.raw.as_ptr(), &mut length);
            if length == 0 {
                return &[];
            }
            std::slice::from_raw_parts(start.cast(), length)
        }
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once, while the database is open.
        unsafe { ffi::rocksdb_pinnableslice_destroy(self.raw.as_ptr()) }
    }
}

impl ColumnFamily {
    /// Reads a key.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn get(&self, key: &[u8], options: &ReadOptions) -> Result<Option<Pinned<'_>>, Error> {
        if let Some((memory, before_disk)) = options.first {
            match self.get_by(key, memory.as_ptr()) {
                Err(error) if error.kind() == ErrorKind::NotCached => before_disk(),
                // Where it has not opened the key's file, RocksDB gives an empty value and
                // no error (`TableCache::Get` in db/table_cache.cc, for the sake of
                // `KeyMayExist`): one is never believed.
                Ok(Some(value)) if value.is_empty() => before_disk(),
                found => return found,
            }
        }
        self.get_by(key, options.as_ptr())
    }

    fn get_by(
        &self,
        key: &[u8],
        options: *const ffi::rocksdb_readoptions_t,
    ) -> Result<Option<Pinned<'_>>, Error> {
        let raw = checked(|error| {
            // SAFETY: database, family and options (the caller's, or what they own) are
            // alive; the key is for the call; the slice becomes ours.
            unsafe {
                ffi::rocksdb_get_pinned_cf(
                    self.db(),
                    options,
                    self.as_ptr(),
                    key.as_ptr().cast(),
                    key.len(),
                    error,
                )
            }
        })?;
        Ok(NonNull::new(raw).map(|raw| self.pinned(raw)))
    }

    /// Reads many keys at once, cheaper than one by one; gives their values in
    /// the keys' order.
    ///
    /// # Errors
    /// The first of RocksDB's.
    pub fn multi_get<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Pinned<'_>>>, Error> {
        let starts: Vec<_> = keys.iter().map(|key| key.as_ref().as_ptr().cast()).collect();
        let lengths: Vec<_> = keys.iter().map(|key| key.as_ref().len()).collect();
        let mut values = vec![std::ptr::null_mut(); keys.len()];
        let mut errors = vec![std::ptr::null_mut(); keys.len()];
        // SAFETY: all arrays have as many elements as there are keys; database,
        // family and options are alive; values and errors become ours.
        unsafe {
            ffi::rocksdb_batched_multi_get_cf(
                self.db(),
                options.as_ptr(),
                self.as_ptr(),
                keys.len(),
                starts.as_ptr(),
                lengths.as_ptr(),
                values.as_mut_ptr(),
                errors.as_mut_ptr(),
                false,
            );
        }
        let values: Vec<_> = values
            .into_iter()
            .map(|raw| NonNull::new(raw).map(|raw| self.pinned(raw)))
            .collect();
        // All messages are taken over, so that none is lost to the allocator.
        let mut errors: Vec<_> = errors.into_iter().filter_map(take_message).collect();
        if errors.is_empty() {
            Ok(values)
        } else {
            Err(errors.swap_remove(0))
        }
    }

    fn pinned(&self, raw: NonNull<ffi::rocksdb_pinnableslice_t>) -> Pinned<'_> {
        Pinned {
            raw,
            family: PhantomData,
        }
    }
}
