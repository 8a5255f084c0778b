//! Walks over a column family's keys.

use crate::db::Shared;
use crate::error::checked;
use crate::options::non_null;
use crate::{ColumnFamily, Error, ReadOptions, ffi};
use std::ptr::NonNull;
use std::sync::Arc;

/// A place in a column family's keys that moves both ways. It sees the database
/// as it was when the cursor was made, or its options' snapshot.
///
/// It starts nowhere: seek first. When it has moved off the end,
/// [`Cursor::status`] tells whether that was the end or a failure.
#[derive(Debug)]
pub struct Cursor {
    raw: NonNull<ffi::rocksdb_iterator_t>,
    /// The key that it stands on, in RocksDB's memory; `None`: on no key. Learnt with
    /// each move: who reads a row asks for it several times.
    key: Option<(NonNull<u8>, usize)>,
    // In this order: dropped after `raw` is destroyed in `drop`.
    _options: ReadOptions,
    _shared: Arc<Shared>,
}

// SAFETY: an iterator is bound to no thread, nor are the bytes of its key; it may be used
// by one at a time.
unsafe impl Send for Cursor {}
// SAFETY: `&self` reaches const methods only, which "multiple threads can invoke
// without external synchronization" (rocksdb/iterator_base.h, rocksdb/iterator.h), and
// bytes that nobody writes.
unsafe impl Sync for Cursor {}

impl ColumnFamily {
    /// A cursor over its keys.
    pub fn cursor(&self, options: ReadOptions) -> Cursor {
        // SAFETY: database, family and options are alive, and the cursor keeps
        // the first (which keeps the second) and the last.
        let raw = unsafe { ffi::rocksdb_create_iterator_cf(self.db(), options.as_ptr(), self.as_ptr()) };
        Cursor {
            raw: non_null(raw),
            key: None,
            _options: options,
            _shared: Arc::clone(self.shared()),
        }
    }
}

impl Cursor {
    fn as_ptr(&self) -> *mut ffi::rocksdb_iterator_t {
        self.raw.as_ptr()
    }

    /// Looks where a move has led.
    fn moved(&mut self) {
        let mut length = 0;
        // SAFETY: alive, and asked for its key only if it stands on one.
        self.key = unsafe {
            match ffi::rocksdb_iter_valid(self.as_ptr()) {
                0 => None,
                _ => {
                    let start = ffi::rocksdb_iter_key(self.as_ptr(), &mut length);
                    let start = NonNull::new(start.cast_mut().cast()).unwrap_or(NonNull::dangling());
                    Some((start, length))
                }
            }
        };
    }

    /// Whether it stands on a key.
    pub fn is_valid(&self) -> bool {
        self.key.is_some()
    }

    /// Goes to the first key.
    pub fn seek_to_first(&mut self) {
        // SAFETY: alive.
        unsafe { ffi::rocksdb_iter_seek_to_first(self.as_ptr()) }
        self.moved();
    }

    /// Goes to the last key.
    pub fn seek_to_last(&mut self) {
        // SAFETY: alive.
        unsafe { ffi::rocksdb_iter_seek_to_last(self.as_ptr()) }
        self.moved();
    }

    /// Goes to the first key at or after `key`.
    pub fn seek(&mut self, key: &[u8]) {
        // SAFETY: alive; the key is for the call.
        unsafe { ffi::rocksdb_iter_seek(self.as_ptr(), key.as_ptr().cast(), key.len()) }
        self.moved();
    }

    /// Goes to the last key at or before `key`.
    pub fn seek_for_prev(&mut self, key: &[u8]) {
        // SAFETY: alive; the key is for the call.
        unsafe { ffi::rocksdb_iter_seek_for_prev(self.as_ptr(), key.as_ptr().cast(), key.len()) }
        self.moved();
    }

    /// Goes to the next key; stays off the end if it is there.
    pub fn step_forward(&mut self) {
        if self.is_valid() {
            // SAFETY: alive, and on a key as RocksDB demands.
            unsafe { ffi::rocksdb_iter_next(self.as_ptr()) }
            self.moved();
        }
    }

    /// Goes to the previous key; stays off the end if it is there.
    pub fn step_back(&mut self) {
        if self.is_valid() {
            // SAFETY: alive, and on a key as RocksDB demands.
            unsafe { ffi::rocksdb_iter_prev(self.as_ptr()) }
            self.moved();
        }
    }

    /// The key that it stands on.
    pub fn key(&self) -> Option<&[u8]> {
        let (start, length) = self.key?;
        // SAFETY: the bytes stay until the cursor moves, which needs `&mut self`.
        Some(unsafe { slice(start.as_ptr(), length) })
    }

    /// The value of the key that it stands on.
    pub fn value(&self) -> Option<&[u8]> {
        self.key?;
        let mut length = 0;
        // SAFETY: on a key; the bytes stay until the cursor moves, which needs
        // `&mut self`.
        unsafe {
            let start = ffi::rocksdb_iter_value(self.as_ptr(), &mut length);
            Some(slice(start.cast(), length))
        }
    }

    /// Whether the last move failed.
    ///
    /// # Errors
    /// RocksDB's.
    pub fn status(&self) -> Result<(), Error> {
        // SAFETY: alive.
        checked(|error| unsafe { ffi::rocksdb_iter_get_error(self.as_ptr(), error) })
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once, before its options and the database.
        unsafe { ffi::rocksdb_iter_destroy(self.as_ptr()) }
    }
}

/// # Safety
/// `start` has `length` bytes that nobody writes during `'a`; it may be null if
/// `length` is 0.
unsafe fn slice<'a>(start: *const u8, length: usize) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(start, length) }
}
