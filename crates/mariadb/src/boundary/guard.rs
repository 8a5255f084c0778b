//! What every call of the shim's goes through: no panic leaves Rust, and every
//! error becomes a code of the server's with its sentence kept for the user.

use crate::codec::record::Record;
use crate::engine::{Connection, Error, Handler};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `HA_ERR_INTERNAL_ERROR`: what a panic becomes.
const INTERNAL: c_int = 122;

/// Runs `call`; a panic becomes `otherwise`.
pub(super) fn guard<T>(otherwise: T, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(otherwise)
}

/// Runs `call` on a connection.
///
/// # Safety
/// `connection` must come from `vamos_connection_new` and be used by no other
/// call at the same time.
pub(super) unsafe fn on_connection(
    connection: *mut Connection,
    call: impl FnOnce(&mut Connection) -> Result<(), Error>,
) -> c_int {
    // SAFETY: the caller vouches for it.
    let Some(connection) = (unsafe { connection.as_mut() }) else {
        return INTERNAL;
    };
    guard(INTERNAL, || {
        let result = call(connection);
        connection.report(result)
    })
}

/// Runs `call` on a handler and the connection that uses it.
///
/// # Safety
/// As [`on_connection`], and `handler` must come from `vamos_handler_open`.
pub(super) unsafe fn on_handler(
    handler: *mut Handler,
    connection: *mut Connection,
    call: impl FnOnce(&mut Handler, &mut Connection) -> Result<(), Error>,
) -> c_int {
    // SAFETY: the caller vouches for it.
    let Some(handler) = (unsafe { handler.as_mut() }) else {
        return INTERNAL;
    };
    // SAFETY: the caller vouches for it.
    unsafe { on_connection(connection, |connection| call(handler, connection)) }
}

/// Runs a call for rows, of whose failure the client must hear: see `engine::untold`.
///
/// # Safety
/// As [`on_handler`].
pub(super) unsafe fn on_rows(
    handler: *mut Handler,
    connection: *mut Connection,
    call: impl FnOnce(&mut Handler, &mut Connection) -> Result<(), Error>,
) -> c_int {
    // SAFETY: the caller vouches for it.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            connection.check_not_over()?;
            let result = call(handler, connection);
            if let Err(error) = &result {
                connection.expect_told(error);
            }
            result
        })
    }
}

/// The bytes at `start`; none if it is null.
///
/// # Safety
/// So many bytes must be valid there for `'a`.
pub(super) unsafe fn bytes<'a>(start: *const u8, length: usize) -> &'a [u8] {
    match start.is_null() || length == 0 {
        true => &[],
        // SAFETY: the caller vouches for it.
        false => unsafe { std::slice::from_raw_parts(start, length) },
    }
}

/// A record buffer to fill.
///
/// # Safety
/// `start` must be a record buffer of `length` bytes that nothing else uses
/// during `'a`.
pub(super) unsafe fn record_to_fill<'a>(length: usize, start: *mut u8) -> &'a mut [u8] {
    // SAFETY: the caller vouches for it.
    unsafe { std::slice::from_raw_parts_mut(start, length) }
}

/// A record buffer to read.
///
/// # Safety
/// `start` must be a record buffer of the handler's table, filled by the server
/// or by this engine, that does not change during `'a`.
pub(super) unsafe fn record_to_read<'a>(handler: &Handler, start: *const u8) -> Record<'a> {
    // SAFETY: the caller vouches for it; blobs in the server's records are valid.
    unsafe { Record::new(bytes(start, handler.record_length())) }
}

/// Copies a text, cut to the buffer's size, with a zero byte behind it. Returns
/// its length.
///
/// # Safety
/// `size` bytes must be writable at `place`.
pub(super) unsafe fn put_text(text: &str, place: *mut u8, size: usize) -> usize {
    if size == 0 || place.is_null() {
        return 0;
    }
    let mut length = text.len().min(size - 1);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    // SAFETY: the caller vouches for `size` bytes, and `length` is less.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), place, length);
        place.add(length).write(0);
    }
    length
}
