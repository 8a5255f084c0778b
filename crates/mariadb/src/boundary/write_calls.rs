//! Changing rows.

use super::guard::{on_connection, on_handler, on_rows, record_to_fill, record_to_read};
use super::types::Write;
use crate::engine::{Connection, Handler};
use std::ffi::c_int;

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_write_row(
    handler: *mut Handler,
    connection: *mut Connection,
    record0: *mut u8,
    record: *const u8,
    how: *const Write,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, two record buffers
    // (maybe the same: the first is filled when the second is no longer looked at),
    // and a description that it has filled.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let row = record_to_read(handler, record);
            let result = handler.write_row(connection, row, (*how).into());
            let length = handler.record_length();
            handler.show_duplicate(connection, result, || record_to_fill(length, record0))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_bulk_end(
    handler: *mut Handler,
    connection: *mut Connection,
    record0: *mut u8,
) -> c_int {
    // SAFETY: as for `vamos_write_row`.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let result = connection.finish_writes();
            let length = handler.record_length();
            handler.show_duplicate(connection, result, || record_to_fill(length, record0))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_update_row(
    handler: *mut Handler,
    connection: *mut Connection,
    old_record: *const u8,
    new_record: *const u8,
    auto_increment_next: u64,
) -> c_int {
    // SAFETY: as for `vamos_write_row`; both records are only read.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let old = record_to_read(handler, old_record);
            let new = record_to_read(handler, new_record);
            handler.update_row(connection, old, new, auto_increment_next)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_delete_row(
    handler: *mut Handler,
    connection: *mut Connection,
    record: *const u8,
) -> c_int {
    // SAFETY: as for `vamos_write_row`; the record is only read.
    unsafe {
        on_rows(handler, connection, |handler, connection| {
            let row = record_to_read(handler, record);
            handler.delete_row(connection, row)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_copy_begin(handler: *mut Handler, connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes its own handler and its connection.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            connection.begin_copy(handler.share().ids().table);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_copy_end(connection: *mut Connection, filled: u8) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe {
        on_connection(connection, |connection| {
            let ended = connection.end_copy(filled != 0);
            if let Err(error) = &ended {
                connection.keep_untold(error);
            }
            ended
        })
    }
}
