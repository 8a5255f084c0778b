//! DDL, and opening and closing tables.

use super::describe;
use super::foreign_calls::foreign_keys;
use super::guard::{bytes, guard, on_connection, on_handler};
use super::types;
use crate::codec::row::Plan;
use crate::engine::catalogue::{self, NewTable};
use crate::engine::{Connection, Handler, LockUse, Share};
use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;
use vamos_guest::{Lock, LockWait};

/// Bytes by which the server names its description of a table.
pub(super) const VERSION: usize = 16;

/// A table's name, which the shim makes of a path.
pub(super) unsafe fn name<'a>(start: *const c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: the shim passes a text with a zero byte behind it.
    unsafe { CStr::from_ptr(start) }.to_string_lossy()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_create_table(
    connection: *mut Connection,
    table: *const c_char,
    indexes: u32,
    auto_increment: u64,
    image: *const u8,
    image_length: usize,
    version: *const u8,
    temporary: u8,
    keys: *const types::ForeignKey,
    key_count: usize,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text, an
    // image of this length, a version or null, and so many foreign keys.
    unsafe {
        on_connection(connection, |connection| {
            let table = NewTable {
                name: &name(table),
                indexes,
                auto_increment,
                image: bytes(image, image_length),
                version: bytes(version, VERSION),
                temporary: temporary != 0,
                foreign_keys: foreign_keys(keys, key_count),
            };
            catalogue::create(connection, table)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_drop_table(
    connection: *mut Connection,
    table: *const c_char,
    undoes: u8,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread and a text.
    unsafe {
        on_connection(connection, |connection| {
            catalogue::drop(connection, &name(table), undoes != 0)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rename_table(
    connection: *mut Connection,
    from: *const c_char,
    to: *const c_char,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread and two texts.
    unsafe {
        on_connection(connection, |connection| {
            catalogue::rename(connection, &name(from), &name(to))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_share_open(
    connection: *mut Connection,
    table: *const c_char,
    indexes: u32,
    version: *const u8,
    out: *mut *const Share,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text, the
    // version's bytes, or null, and a place for the share.
    unsafe {
        on_connection(connection, |connection| {
            let share = catalogue::open(connection, &name(table), indexes, bytes(version, VERSION))?;
            out.write(Arc::into_raw(share));
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_share_free(share: *const Share) {
    guard((), || {
        if !share.is_null() {
            // SAFETY: it came from `vamos_share_open` and is not used again.
            drop(unsafe { Arc::from_raw(share) });
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_open(
    connection: *mut Connection,
    share: *const Share,
    table: *const types::Table,
    out: *mut *mut Handler,
) -> c_int {
    let open = |_: &mut Connection| {
        // SAFETY: the share came from `vamos_share_open` and is alive; one more
        // reference is counted for the handler. The description is valid, and
        // its fields live until the handler is closed.
        let (share, shape) = unsafe {
            Arc::increment_strong_count(share);
            (Arc::from_raw(share), describe::shape(&*table))
        };
        let handler = Box::into_raw(Box::new(Handler::new(share, shape)?));
        // SAFETY: the shim passes a place for the handler.
        unsafe { out.write(handler) };
        Ok(())
    };
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, open) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_close(handler: *mut Handler) {
    guard((), || {
        if !handler.is_null() {
            // SAFETY: it came from `vamos_handler_open` and is not used again.
            drop(unsafe { Box::from_raw(handler) });
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_use(handler: *mut Handler, what: *const types::Use) {
    // SAFETY: the shim passes its own handler and a valid structure.
    let (Some(handler), what) = (unsafe { (handler.as_mut(), *what) }) else {
        return;
    };
    let wait = match what.wait {
        0 => LockWait::Wait,
        1 => LockWait::Fail,
        _ => LockWait::Skip,
    };
    handler.lock = LockUse {
        lock: match what.lock {
            0 => Lock::None,
            1 => Lock::Shared(wait),
            _ => Lock::Exclusive(wait),
        },
        ahead: what.lock_ahead,
        unlock: what.unlock != 0,
    };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_first_rows(handler: *mut Handler, rows: u32) {
    // SAFETY: the shim passes its own handler.
    if let Some(handler) = unsafe { handler.as_mut() } {
        handler.first_rows = rows;
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_columns(handler: *mut Handler, words: *const u32, count: usize, all: u8) {
    guard((), || {
        // SAFETY: the shim passes its own handler and `count` words.
        let (Some(handler), words) =
            (unsafe { (handler.as_mut(), std::slice::from_raw_parts(words, count)) })
        else {
            return;
        };
        let wanted = |column: usize| {
            all != 0
                || words
                    .get(column / 32)
                    .is_some_and(|word| word & 1 << (column % 32) != 0)
        };
        handler.plan = Some(Plan::new(handler.shape(), wanted));
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_columns_changed(handler: *mut Handler) {
    // SAFETY: the shim passes its own handler, or null before it is open.
    if let Some(handler) = unsafe { handler.as_mut() } {
        handler.plan = None;
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_reset(handler: *mut Handler) {
    // SAFETY: the shim passes its own handler.
    if let Some(handler) = unsafe { handler.as_mut() } {
        guard((), || handler.reset());
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_columns_known(handler: *mut Handler) -> u8 {
    // SAFETY: the shim passes its own handler.
    unsafe { handler.as_ref() }
        .is_some_and(|handler| handler.plan.is_some())
        .into()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_truncate(handler: *mut Handler, connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes its own handler and its connection.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            handler.share().truncate(connection)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_auto_increment_next(handler: *mut Handler) -> u64 {
    // SAFETY: the shim passes its own handler.
    unsafe { handler.as_ref() }.map_or(0, |handler| handler.share().auto_increment.next())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_auto_increment_reset(
    handler: *mut Handler,
    connection: *mut Connection,
    next: u64,
) -> c_int {
    // SAFETY: the shim passes its own handler and its connection.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            handler.share().set_auto_increment(connection, next)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_auto_increment_reserve(
    handler: *mut Handler,
    offset: u64,
    increment: u64,
    count: u64,
    at_least: u64,
) -> u64 {
    // SAFETY: the shim passes its own handler.
    let handler = unsafe { handler.as_ref() };
    handler.map_or(u64::MAX, |handler| {
        let counter = &handler.share().auto_increment;
        counter.reserve(offset, increment, count, at_least)
    })
}
