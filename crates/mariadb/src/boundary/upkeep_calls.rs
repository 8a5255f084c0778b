//! CHECK and OPTIMIZE TABLE, and the host's catalogue.

use super::guard::{on_connection, on_handler};
use super::open_table::OpenTable;
use super::types;
use crate::engine::check::{Thoroughness, check};
use crate::engine::discovery;
use crate::engine::{Connection, Handler, optimize::optimize};
use std::ffi::{c_int, c_void};

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_check_table(
    handler: *mut Handler,
    connection: *mut Connection,
    table: *mut c_void,
    record: *mut u8,
    thoroughness: u8,
    whole: *mut u8,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, the table that
    // both serve with its record buffer, and a place for the answer.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let table = OpenTable::new(table, record, handler.record_length());
            let thoroughness = match thoroughness {
                0 => Thoroughness::Quick,
                1 => Thoroughness::Medium,
                _ => Thoroughness::Extended,
            };
            whole.write(check(handler, connection, table, thoroughness)?.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_optimize_table(
    handler: *mut Handler,
    connection: *mut Connection,
    table: *mut c_void,
    record: *mut u8,
) -> c_int {
    // SAFETY: as for `vamos_check_table`.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let table = OpenTable::new(table, record, handler.record_length());
            optimize(handler, connection, &table)
        })
    }
}

/// Hands each table of the host's catalogue to the shim.
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_visit_tables(
    connection: *mut Connection,
    place: *mut c_void,
    visit: unsafe extern "C" fn(*mut c_void, *const types::TableSizes) -> c_int,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, and a
    // function with its place.
    unsafe {
        on_connection(connection, |connection| {
            for table in connection.session.tables()? {
                if discovery::is_description(&table.name) {
                    continue;
                }
                let indexes: Vec<_> = table
                    .indexes
                    .iter()
                    .map(|index| types::IndexSizes {
                        id: index.index.0.into(),
                        bytes: index.bytes,
                    })
                    .collect();
                let sizes = types::TableSizes {
                    name: table.name.as_ptr().cast(),
                    name_length: table.name.len(),
                    table: table.table.0.into(),
                    rows: table.rows,
                    auto_increment: table.counters[0],
                    row_id: table.counters[1],
                    indexes: indexes.as_ptr(),
                    index_count: indexes.len() as u32,
                };
                if visit(place, &raw const sizes) != 0 {
                    break;
                }
            }
            Ok(())
        })
    }
}
