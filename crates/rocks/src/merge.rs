//! Merge operators: changes that commute, which RocksDB applies when it reads or
//! compacts.

use crate::ffi;
use std::ffi::{CStr, c_char, c_int, c_void};

/// Joins values, oldest first (at least one), to one value of the same form. It
/// must be associative and must not panic. `None` marks the key as damaged.
pub type MergeFn = fn(values: &mut dyn Iterator<Item = &[u8]>) -> Option<Vec<u8>>;

/// An associative merge operator of a column family.
#[derive(Clone, Copy, Debug)]
pub struct MergeOperator {
    /// Its name, recorded in the database's files.
    pub name: &'static CStr,
    /// What it does.
    pub merge: MergeFn,
}

impl MergeOperator {
    /// RocksDB's form of it; whoever gets it owns it.
    pub(crate) fn into_raw(self) -> *mut ffi::rocksdb_mergeoperator_t {
        let state = Box::into_raw(Box::new(self)).cast::<c_void>();
        // SAFETY: the five functions below take `state` for what it is, and
        // `destroy` frees it once, when RocksDB is done with the operator.
        unsafe {
            ffi::rocksdb_mergeoperator_create(state, destroy, full_merge, partial_merge, free_value, name)
        }
    }
}

/// # Safety
/// `state` comes from `into_raw` and is not used again.
unsafe extern "C" fn destroy(state: *mut c_void) {
    // SAFETY: `into_raw` made it with Box::into_raw.
    drop(unsafe { Box::from_raw(state.cast::<MergeOperator>()) });
}

/// # Safety
/// `state` comes from `into_raw` and is alive.
unsafe extern "C" fn name(state: *mut c_void) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { &*state.cast::<MergeOperator>() }.name.as_ptr()
}

/// # Safety
/// `value` and `length` come from `give` and are not used again.
unsafe extern "C" fn free_value(_state: *mut c_void, value: *const c_char, length: usize) {
    let bytes = std::ptr::slice_from_raw_parts_mut(value.cast::<u8>().cast_mut(), length);
    // SAFETY: `give` made it from a boxed slice of this length.
    drop(unsafe { Box::from_raw(bytes) });
}

/// # Safety
/// The arguments are as `rocksdb/c.h` describes them.
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn full_merge(
    state: *mut c_void,
    _key: *const c_char,
    _key_length: usize,
    existing: *const c_char,
    existing_length: usize,
    operands: *const *const c_char,
    lengths: *const usize,
    count: c_int,
    success: *mut u8,
    new_length: *mut usize,
) -> *mut c_char {
    // SAFETY: `existing` is null or has so many bytes for the time of this call.
    let existing = (!existing.is_null()).then(|| unsafe { bytes(existing, existing_length) });
    // SAFETY: handed through as they came.
    unsafe { merge(state, existing, operands, lengths, count, success, new_length) }
}

/// # Safety
/// The arguments are as `rocksdb/c.h` describes them.
unsafe extern "C" fn partial_merge(
    state: *mut c_void,
    _key: *const c_char,
    _key_length: usize,
    operands: *const *const c_char,
    lengths: *const usize,
    count: c_int,
    success: *mut u8,
    new_length: *mut usize,
) -> *mut c_char {
    // SAFETY: handed through as they came.
    unsafe { merge(state, None, operands, lengths, count, success, new_length) }
}

/// # Safety
/// As [`full_merge`].
unsafe fn merge(
    state: *mut c_void,
    existing: Option<&[u8]>,
    operands: *const *const c_char,
    lengths: *const usize,
    count: c_int,
    success: *mut u8,
    new_length: *mut usize,
) -> *mut c_char {
    // SAFETY: `state` comes from `into_raw` and lives as long as the operator.
    let operator = unsafe { &*state.cast::<MergeOperator>() };
    let operands = (0..usize::try_from(count).unwrap_or(0)).map(|i| {
        // SAFETY: both arrays have `count` elements, each pair one operand.
        unsafe { bytes(*operands.add(i), *lengths.add(i)) }
    });
    let merged = (operator.merge)(&mut existing.into_iter().chain(operands));
    // SAFETY: both point to variables of RocksDB's that await our answer.
    unsafe {
        *success = u8::from(merged.is_some());
        give(merged.unwrap_or_default(), new_length)
    }
}

/// # Safety
/// `length` may be written.
unsafe fn give(value: Vec<u8>, length: *mut usize) -> *mut c_char {
    let value = value.into_boxed_slice();
    // SAFETY: the caller's promise.
    unsafe { *length = value.len() };
    Box::into_raw(value).cast::<c_char>()
}

/// # Safety
/// `start` is null only if `length` is 0; otherwise it has so many bytes, which
/// nobody writes during `'a`.
unsafe fn bytes<'a>(start: *const c_char, length: usize) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}
