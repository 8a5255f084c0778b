//! Reading rows.

use super::guard::{bytes, guard, on_handler, on_rows, record_to_fill};
use super::types;
use crate::engine::{Connection, EndOfRange, Handler, ServerRange};
use std::ffi::c_int;
use vamos_guest::Direction;

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_begin_copy(handler: *mut Handler, connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes its own handler and its connection.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            handler.begin_copy(connection)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rnd_init(handler: *mut Handler, connection: *mut Connection, scan: u8) -> c_int {
    // SAFETY: the shim passes its own handler and its connection.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            handler.begin_table_scan(connection, scan != 0)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rnd_next(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
) -> c_int {
    // SAFETY: as above, and a record buffer of the table's.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let record = record_to_fill(handler.record_length(), record);
            handler.step(connection, record, false, Direction::Forward, true)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rnd_pos(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
    position: *const u8,
) -> c_int {
    // SAFETY: as above, and a position that this engine gave.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let record = record_to_fill(handler.record_length(), record);
            let position = bytes(position, handler.position_length());
            handler.read_position(connection, record, position)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_scan_end(handler: *mut Handler, connection: *mut Connection) {
    guard((), || {
        // SAFETY: the shim passes its own handler and its connection.
        if let (Some(handler), Some(connection)) = unsafe { (handler.as_mut(), connection.as_mut()) } {
            handler.end_scan(connection);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_note_position(handler: *mut Handler, position: *const u8) {
    guard((), || {
        // SAFETY: the shim passes its own handler.
        if let Some(handler) = unsafe { handler.as_mut() } {
            // SAFETY: and a position that it made.
            let position = unsafe { bytes(position, handler.position_length()) };
            handler.note_position(position);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_gather_changes(handler: *mut Handler) {
    // SAFETY: the shim passes its own handler.
    if let Some(handler) = unsafe { handler.as_mut() } {
        handler.gathers = true;
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_unlock_row(handler: *mut Handler, connection: *mut Connection) {
    // SAFETY: the shim passes its own handler and its connection. A failure is
    // one of the lane's, which the next call meets too.
    unsafe {
        on_handler(handler, connection, Handler::unlock_row);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_hidden_position(handler: *mut Handler, position: *mut u8) {
    guard((), || {
        // SAFETY: the shim passes its own handler and eight bytes for the row id.
        unsafe {
            if let Some(handler) = handler.as_ref() {
                let id = handler.row_id();
                std::ptr::copy_nonoverlapping(id.as_ptr(), position, id.len());
            }
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_index_init(handler: *mut Handler, connection: *mut Connection, key: u32) -> c_int {
    // SAFETY: the shim passes its own handler and its connection.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            handler.begin_index_scan(connection, key as usize);
            Ok(())
        })
    }
}

/// # Safety
/// So many bytes must be valid at `key` for `'a`, unless it is null.
unsafe fn end_of_range<'a>(key: *const u8, length: u32, find: u32) -> Option<EndOfRange<'a>> {
    (!key.is_null()).then(|| EndOfRange {
        // SAFETY: the caller vouches for it.
        image: unsafe { bytes(key, length as usize) },
        find,
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_read_ahead(
    handler: *mut Handler,
    connection: *mut Connection,
    keyread: u8,
    ranges: *const types::Range,
    count: usize,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection and so many ranges
    // with key images of the lengths that they tell.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let ranges = match ranges.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(ranges, count),
            };
            let ranges: Vec<_> = ranges
                .iter()
                .map(|range| ServerRange {
                    start: end_of_range(range.min_key, range.min_length, range.min_find),
                    end: end_of_range(range.max_key, range.max_length, range.max_find),
                })
                .collect();
            handler.read_ahead(connection, keyread != 0, &ranges)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_index_read(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
    keyread: u8,
    key: *const u8,
    key_length: u32,
    find: u32,
    end_key: *const u8,
    end_key_length: u32,
    end_find: u32,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, a record buffer
    // and key images of these lengths.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let record = record_to_fill(handler.record_length(), record);
            let image = bytes(key, key_length as usize);
            let end = end_of_range(end_key, end_key_length, end_find);
            handler.read_key(connection, record, keyread != 0, image, find, end)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_index_edge(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
    keyread: u8,
    last: u8,
    end_key: *const u8,
    end_key_length: u32,
    end_find: u32,
) -> c_int {
    // SAFETY: as for `vamos_index_read`.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let record = record_to_fill(handler.record_length(), record);
            let direction = if last != 0 {
                Direction::Backward
            } else {
                Direction::Forward
            };
            let end = end_of_range(end_key, end_key_length, end_find);
            handler.read_edge(connection, record, keyread != 0, direction, end)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_index_step(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
    keyread: u8,
    backward: u8,
    within: u8,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection and a record buffer.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let record = record_to_fill(handler.record_length(), record);
            let direction = if backward != 0 {
                Direction::Backward
            } else {
                Direction::Forward
            };
            handler.step(connection, record, keyread != 0, direction, within != 0)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_index_next_same(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
    keyread: u8,
    key: *const u8,
    key_length: u32,
) -> c_int {
    // SAFETY: as for `vamos_index_read`.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let record = record_to_fill(handler.record_length(), record);
            let image = bytes(key, key_length as usize);
            handler.read_next_same(connection, record, keyread != 0, image)
        })
    }
}
