//! Changes that are written together.

use crate::options::non_null;
use crate::{ColumnFamily, ffi};
use std::ptr::NonNull;

/// Changes that are written together: all of them or none.
#[derive(Debug)]
pub struct WriteBatch(NonNull<ffi::rocksdb_writebatch_t>);

// SAFETY: a batch is a byte string that it owns; nothing of it is bound to a
// thread, and writing needs `&mut`.
unsafe impl Send for WriteBatch {}

/// A batch's bytes start with a sequence number (8) and the number of its
/// records (4, little-endian); the records follow. This is the log's format.
const HEADER: usize = 12;

impl Default for WriteBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        // SAFETY: takes nothing.
        Self(non_null(unsafe { ffi::rocksdb_writebatch_create() }))
    }

    /// One batch that holds the changes of all these, in this order.
    pub fn concat(batches: &mut [&mut Self]) -> Self {
        let mut bytes = vec![0; HEADER];
        let mut count = 0u32;
        for batch in batches {
            count += batch.len();
            bytes.extend_from_slice(batch.as_bytes().get(HEADER..).unwrap_or_default());
        }
        bytes[8..HEADER].copy_from_slice(&count.to_le_bytes());
        // SAFETY: the bytes are copied; they are a batch's, since each part is.
        let raw = unsafe { ffi::rocksdb_writebatch_create_from(bytes.as_ptr().cast(), bytes.len()) };
        Self(non_null(raw))
    }

    pub(crate) fn as_ptr(&mut self) -> *mut ffi::rocksdb_writebatch_t {
        self.0.as_ptr()
    }

    /// Its bytes, as they will stand in the log.
    pub fn as_bytes(&mut self) -> &[u8] {
        let mut length = 0;
        // SAFETY: the batch is alive; the bytes stay until it is changed, which
        // the borrow of `self` forbids.
        unsafe {
            let start = ffi::rocksdb_writebatch_data(self.as_ptr(), &mut length);
            std::slice::from_raw_parts(start.cast(), length)
        }
    }

    /// How many changes it holds.
    pub fn len(&mut self) -> u32 {
        // SAFETY: the batch is alive.
        let count = unsafe { ffi::rocksdb_writebatch_count(self.as_ptr()) };
        count.cast_unsigned()
    }

    /// Whether it holds no change.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Empties it.
    pub fn clear(&mut self) {
        // SAFETY: the batch is alive.
        unsafe { ffi::rocksdb_writebatch_clear(self.as_ptr()) }
    }

    /// Sets a key's value.
    pub fn put(&mut self, family: &ColumnFamily, key: &[u8], value: &[u8]) {
        // SAFETY: batch and family are alive; key and value are copied.
        unsafe {
            ffi::rocksdb_writebatch_put_cf(
                self.as_ptr(),
                family.as_ptr(),
                key.as_ptr().cast(),
                key.len(),
                value.as_ptr().cast(),
                value.len(),
            );
        }
    }

    /// Merges an operand into a key's value. The family needs a
    /// [merge operator](crate::MergeOperator); without one the write fails.
    pub fn merge(&mut self, family: &ColumnFamily, key: &[u8], operand: &[u8]) {
        // SAFETY: batch and family are alive; key and operand are copied.
        unsafe {
            ffi::rocksdb_writebatch_merge_cf(
                self.as_ptr(),
                family.as_ptr(),
                key.as_ptr().cast(),
                key.len(),
                operand.as_ptr().cast(),
                operand.len(),
            );
        }
    }

    /// Removes a key.
    pub fn delete(&mut self, family: &ColumnFamily, key: &[u8]) {
        // SAFETY: batch and family are alive; the key is copied.
        unsafe {
            ffi::rocksdb_writebatch_delete_cf(self.as_ptr(), family.as_ptr(), key.as_ptr().cast(), key.len());
        }
    }

    /// Removes the keys from `start` to before `end`.
    pub fn delete_range(&mut self, family: &ColumnFamily, start: &[u8], end: &[u8]) {
        // SAFETY: batch and family are alive; the keys are copied.
        unsafe {
            ffi::rocksdb_writebatch_delete_range_cf(
                self.as_ptr(),
                family.as_ptr(),
                start.as_ptr().cast(),
                start.len(),
                end.as_ptr().cast(),
                end.len(),
            );
        }
    }
}

impl Drop for WriteBatch {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once.
        unsafe { ffi::rocksdb_writebatch_destroy(self.as_ptr()) }
    }
}
