//! A connection's life and its transaction.

use super::Thd;
use super::guard::{guard, on_connection, put_text};
use super::types::Context;
use crate::engine::{Connection, StatementContext};
use std::ffi::{c_int, c_void};
use std::ptr;
use vamos_guest::Isolation;

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_connection_new(thd: *mut c_void) -> *mut Connection {
    guard(ptr::null_mut(), || {
        // SAFETY: the server closes the connection, and this with it, before it
        // frees the THD.
        let thd = unsafe { Thd::new(thd) };
        Box::into_raw(Box::new(Connection::new(thd)))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_connection_free(connection: *mut Connection) {
    guard((), || {
        if !connection.is_null() {
            // SAFETY: it came from `vamos_connection_new` and is not used again.
            drop(unsafe { Box::from_raw(connection) });
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_connection_aside(connection: *mut Connection) -> *mut Connection {
    guard(ptr::null_mut(), || {
        // SAFETY: the shim passes the connection of the running thread. What is
        // returned lies in a box of its own and lives as long; the two are used
        // by turns.
        unsafe { connection.as_mut() }.map_or(ptr::null_mut(), |connection| connection.aside())
    })
}

/// The server's `ISO_` numbers. READ UNCOMMITTED is read as READ COMMITTED, and
/// SERIALIZABLE is REPEATABLE READ with locks, which the handler asks for.
fn isolation(number: u8) -> Isolation {
    match number {
        0 | 1 => Isolation::ReadCommitted,
        _ => Isolation::RepeatableRead,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_statement_begin(connection: *mut Connection, context: *const Context) -> c_int {
    // SAFETY: the shim passes a valid structure.
    let context = unsafe { *context };
    let context = StatementContext {
        isolation: isolation(context.isolation),
        multi_statement: context.multi_statement != 0,
        lock_wait_seconds: context.lock_wait_seconds,
        applies: context.applies != 0,
        writes_durably: context.writes_durably != 0,
    };
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, |connection| connection.begin_statement(context)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_take_snapshot(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::take_snapshot) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_statement_end(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::end_statement) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_commit(connection: *mut Connection, durability: u8) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe {
        on_connection(connection, |connection| {
            connection.commit(super::durability(durability))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rollback(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::rollback) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_statement_rollback(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::rollback_statement) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_savepoint_set(connection: *mut Connection, id: *mut u64) -> c_int {
    // SAFETY: as above; the server reserved the place for the id.
    unsafe {
        on_connection(connection, |connection| {
            id.write_unaligned(connection.set_savepoint()?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_savepoint_rollback(connection: *mut Connection, id: u64) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, |connection| connection.rollback_to_savepoint(id)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_savepoint_release(connection: *mut Connection, id: u64) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, |connection| connection.release_savepoint(id)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_duplicate_key(connection: *const Connection) -> u32 {
    guard(u32::MAX, || {
        // SAFETY: the shim passes the connection of the running thread.
        unsafe { connection.as_ref() }.map_or(u32::MAX, Connection::duplicate_key)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_tell_end(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::tell_end) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_error_told(connection: *mut Connection, error: c_int) {
    guard((), || {
        // SAFETY: the shim passes the connection of the running thread.
        if let Some(connection) = unsafe { connection.as_mut() } {
            connection.told(error);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_error_text(
    connection: *mut Connection,
    error: c_int,
    place: *mut u8,
    size: usize,
) -> usize {
    guard(0, || {
        // SAFETY: the shim passes the connection of the running thread and a
        // buffer of `size` bytes.
        unsafe {
            match connection
                .as_ref()
                .and_then(|connection| connection.error_text(error))
            {
                Some(text) => put_text(text, place, size),
                None => 0,
            }
        }
    })
}
