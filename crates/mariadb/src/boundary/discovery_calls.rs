//! Finding tables that the server has no file of, and keeping what they are found by.

use super::guard::{bytes, on_connection};
use super::table_calls::name;
use crate::engine::{Connection, Error, catalogue, discovery};
use std::ffi::{CString, c_char, c_int, c_void};
use vamos_guest::ErrorCode;

/// Called with a table's image and its list of partitions.
type Found = unsafe extern "C" fn(
    place: *mut c_void,
    image: *const u8,
    image_length: usize,
    partitions: *const u8,
    partitions_length: usize,
);

/// Called with a table's name; not 0 ends the list.
type Add = unsafe extern "C" fn(place: *mut c_void, name: *const c_char) -> c_int;

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_discover(
    connection: *mut Connection,
    table: *const c_char,
    place: *mut c_void,
    found: Found,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text and
    // its own function with what that wants.
    unsafe {
        on_connection(connection, |connection| {
            let definition = connection.discover(&name(table))?;
            let (image, partitions) = (&definition.image, &definition.partitions);
            found(
                place,
                image.as_ptr(),
                image.len(),
                partitions.as_ptr(),
                partitions.len(),
            );
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_table_exists(
    connection: *mut Connection,
    table: *const c_char,
    exists: *mut u8,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text and
    // a place for the answer.
    unsafe {
        on_connection(connection, |connection| {
            exists.write(connection.exists(&name(table))?.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_drop_database(
    connection: *mut Connection,
    database: *const c_char,
    dropped: *mut usize,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text and
    // a place for the number.
    unsafe {
        on_connection(connection, |connection| {
            dropped.write(connection.drop_database(&name(database))?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_list_tables(
    connection: *mut Connection,
    database: *const c_char,
    place: *mut c_void,
    add: Add,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text and
    // its own function with what that wants.
    unsafe {
        on_connection(connection, |connection| {
            connection.list(&name(database), |table| match CString::new(table) {
                Ok(table) => add(place, table.as_ptr()) == 0,
                // The server has no such name.
                Err(_) => true,
            })
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_define(
    connection: *mut Connection,
    table: *const c_char,
    image: *const u8,
    image_length: usize,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text and
    // an image of this length.
    unsafe {
        on_connection(connection, |connection| {
            connection.define(&name(table), bytes(image, image_length))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_define_partitioned(
    connection: *mut Connection,
    table: *const c_char,
    image: *const u8,
    image_length: usize,
    partitions: *const u8,
    partitions_length: usize,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text and
    // two ranges of these lengths.
    unsafe {
        on_connection(connection, |connection| {
            let partitions = bytes(partitions, partitions_length);
            connection.define_partitioned(&name(table), bytes(image, image_length), partitions)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_drop_partitioned(connection: *mut Connection, table: *const c_char) -> c_int {
    // SAFETY: the shim passes the connection of the running thread and a text.
    unsafe {
        on_connection(connection, |connection| {
            catalogue::drop_if_there(connection, &discovery::partitioned(&name(table)))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_rename_partitioned(
    connection: *mut Connection,
    from: *const c_char,
    to: *const c_char,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread and two texts.
    unsafe {
        on_connection(connection, |connection| {
            let [from, to] = [from, to].map(|table| discovery::partitioned(&name(table)));
            match catalogue::rename(connection, &from, &to) {
                // What an ALTER TABLE left behind under a name of its own.
                Err(Error::Guest(vamos_guest::Error::Failed {
                    code: ErrorCode::TableExists,
                    ..
                })) => {
                    catalogue::drop_if_there(connection, &to)?;
                    catalogue::rename(connection, &from, &to)
                }
                renamed => renamed,
            }
        })
    }
}
