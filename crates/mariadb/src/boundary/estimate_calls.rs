//! What the optimizer asks.

use super::guard::{bytes, guard, on_handler};
use super::types;
use crate::engine::{Connection, Handler, Wish};
use std::ffi::c_int;

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_table_stats(
    handler: *mut Handler,
    connection: *mut Connection,
    wish: u8,
    out: *mut types::Stats,
) -> c_int {
    let wish = match wish {
        0 => Wish::Known,
        1 => Wish::Recent,
        2 => Wish::Fresh,
        _ => Wish::Analyzed,
    };
    // SAFETY: the shim passes its own handler, its connection and a place for
    // the answer.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let sizes = handler.table_sizes(connection, wish)?;
            out.write(types::Stats {
                rows: sizes.rows,
                entry_bytes: sizes.entry_bytes,
                secondary_bytes: sizes.secondary_bytes,
            });
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rows_per_value(handler: *const Handler, key: u32, parts: u32, rows: u64) -> f64 {
    guard(1.0, || {
        // SAFETY: the shim passes its own handler.
        let handler = unsafe { handler.as_ref() };
        handler.map_or(1.0, |handler| {
            handler.rows_per_value(key as usize, parts as usize, rows)
        })
    })
}

/// # Safety
/// So many bytes must be valid at `key` for `'a`, unless it is null.
unsafe fn end<'a>(key: *const u8, length: u32, find: u32) -> Option<(&'a [u8], u32)> {
    // SAFETY: the caller vouches for it.
    (!key.is_null()).then(|| (unsafe { bytes(key, length as usize) }, find))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_expect_range(
    handler: *mut Handler,
    connection: *mut Connection,
    key: u32,
    min: *const u8,
    min_length: u32,
    min_find: u32,
    max: *const u8,
    max_length: u32,
    max_find: u32,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection and key images of
    // these lengths.
    unsafe {
        on_handler(handler, connection, |handler, _| {
            let (min, max) = (end(min, min_length, min_find), end(max, max_length, max_find));
            handler.expect_range(key as usize, min, max)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_forget_expected(handler: *mut Handler) {
    // SAFETY: the shim passes its own handler.
    if let Some(handler) = unsafe { handler.as_mut() } {
        guard((), || handler.forget_expected());
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_range_rows(
    handler: *mut Handler,
    connection: *mut Connection,
    key: u32,
    min: *const u8,
    min_length: u32,
    min_find: u32,
    max: *const u8,
    max_length: u32,
    max_find: u32,
) -> u64 {
    /// `HA_POS_ERROR`: the server then guesses.
    const UNKNOWN: u64 = u64::MAX;
    let mut rows = UNKNOWN;
    // SAFETY: as for `vamos_expect_range`.
    let result = unsafe {
        on_handler(handler, connection, |handler, connection| {
            let (min, max) = (end(min, min_length, min_find), end(max, max_length, max_find));
            rows = handler.range_rows(connection, key as usize, min, max)?;
            Ok(())
        })
    };
    if result == 0 { rows } else { UNKNOWN }
}
