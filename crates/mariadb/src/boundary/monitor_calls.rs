//! The host's transactions and locks, as rows.

use super::guard::on_connection;
use super::types;
use crate::engine::Connection;
use crate::engine::lock_views::{Cell, View, rows};
use std::ffi::{c_int, c_void};
use std::ptr;

/// Hands each row of a view to the shim.
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_visit_rows(
    connection: *mut Connection,
    view: u8,
    place: *mut c_void,
    visit: unsafe extern "C" fn(*mut c_void, *const types::Cell, u32) -> c_int,
) -> c_int {
    let view = match view {
        0 => View::Transactions,
        1 => View::Locks,
        _ => View::LockWaits,
    };
    // SAFETY: the shim passes the connection of the running thread, and a
    // function with its place.
    unsafe {
        on_connection(connection, |connection| {
            for row in rows(connection, view)? {
                let cells: Vec<_> = row.iter().map(described).collect();
                if visit(place, cells.as_ptr(), cells.len() as u32) != 0 {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// A cell for the shim; it borrows the text.
fn described(cell: &Cell) -> types::Cell {
    let number = |kind, number| types::Cell {
        kind,
        number,
        text: ptr::null(),
        length: 0,
    };
    let text = |kind, text: &str| types::Cell {
        kind,
        number: 0,
        text: text.as_ptr().cast(),
        length: text.len(),
    };
    match cell {
        Cell::Null => number(0, 0),
        Cell::Number(value) => number(1, *value),
        Cell::Time(milliseconds) => number(2, *milliseconds),
        Cell::Text(value) => text(3, value),
        Cell::Table(name) => text(4, name),
        Cell::Index(position) => number(5, (*position).into()),
        Cell::Query(connection) => number(6, *connection),
    }
}
