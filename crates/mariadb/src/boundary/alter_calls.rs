//! ALTER TABLE without a copy.

use super::guard::{bytes, guard, on_connection, on_handler, record_to_fill};
use super::table_calls::{VERSION, name};
use super::{describe, types};
use crate::codec::record::Record;
use crate::engine::alter::{self, Alteration, Change};
use crate::engine::{Connection, Error, Handler};
use std::ffi::{c_char, c_int};

/// Numbers of which `u32::MAX` means none.
///
/// # Safety
/// So many numbers must be valid there.
unsafe fn numbers(start: *const u32, count: u32) -> Vec<Option<usize>> {
    let numbers = match start.is_null() || count == 0 {
        true => &[],
        // SAFETY: the caller vouches for it.
        false => unsafe { std::slice::from_raw_parts(start, count as usize) },
    };
    let number = |&number: &u32| (number != u32::MAX).then_some(number as usize);
    numbers.iter().map(number).collect()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_alter_begin(
    handler: *mut Handler,
    connection: *mut Connection,
    what: *const types::Alter,
    out: *mut *mut Alteration,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, a description
    // whose fields and collations live until the alteration is used no more, a
    // record with the altered table's defaults, and a place for the result.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let (what, table) = (&*what, &*(*what).table);
            let shape = describe::shape(table);
            let change = Change {
                record: Record::new(bytes(what.record, shape.record_length)),
                shape,
                old_columns: numbers(what.old_columns, table.column_count),
                old_keys: numbers(what.old_keys, table.key_count),
                version: bytes(what.version, VERSION),
                image: bytes(what.image, what.image_length),
                partition: what.partition != 0,
            };
            let begun = handler.begin_alter(connection, change)?;
            out.write(Box::into_raw(Box::new(begun)));
            Ok(())
        })
    }
}

/// Puts the row of a duplicate into the altered table's record. The row's bytes,
/// into which the record may point, stay with the alteration.
///
/// # Safety
/// `record` must be a record buffer of the altered table.
unsafe fn show_in(record: *mut u8) -> impl FnMut(&Alteration, &[u8]) -> Result<(), Error> {
    move |alteration, row| {
        // SAFETY: the caller vouches for it.
        let record = unsafe { record_to_fill(alteration.record_length(), record) };
        alteration.unpack(row, record)
    }
}

/// Notes which key a duplicate was found in.
///
/// # Safety
/// `place` must be writable.
unsafe fn note_duplicate(result: &Result<(), Error>, place: *mut u32) {
    if let Err(Error::Duplicate { key }) = result {
        // SAFETY: the caller vouches for it.
        unsafe { place.write(*key) };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_alter_build(
    alteration: *mut Alteration,
    connection: *mut Connection,
    record: *mut u8,
    duplicate_key: *mut u32,
) -> c_int {
    // SAFETY: the shim passes what `vamos_alter_begin` gave, its connection, a
    // record of the altered table and a place for the key.
    unsafe {
        on_connection(connection, |connection| {
            let alteration = alteration.as_mut().ok_or(Error::WrongCommand)?;
            let result = alteration.build(connection, &mut show_in(record));
            note_duplicate(&result, duplicate_key);
            result
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_alter_commit(
    alterations: *const *mut Alteration,
    count: usize,
    connection: *mut Connection,
    partitioned: *const c_char,
    record: *mut u8,
    duplicate_key: *mut u32,
) -> c_int {
    // SAFETY: as for `vamos_alter_build`; the shim passes `count` different
    // alterations, and a text or null.
    unsafe {
        on_connection(connection, |connection| {
            let mut all = Vec::with_capacity(count);
            for place in 0..count {
                let alteration = *alterations.add(place);
                all.push(alteration.as_mut().ok_or(Error::WrongCommand)?);
            }
            let base = (!partitioned.is_null()).then(|| name(partitioned));
            let result = alter::commit(connection, &mut all, base.as_deref(), &mut show_in(record));
            note_duplicate(&result, duplicate_key);
            result
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_alter_end(alteration: *mut Alteration, connection: *mut Connection) {
    guard((), || {
        if !alteration.is_null() {
            // SAFETY: it came from `vamos_alter_begin` and is not used again.
            let alteration = unsafe { Box::from_raw(alteration) };
            // SAFETY: the shim passes the connection of the running thread.
            if let Some(connection) = unsafe { connection.as_mut() } {
                alteration.end(connection);
            }
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_is_version(
    connection: *mut Connection,
    table: *const c_char,
    version: *const u8,
    is: *mut u8,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread, a text, a
    // version and a place for the answer.
    unsafe {
        on_connection(connection, |connection| {
            let version = bytes(version, VERSION);
            is.write(alter::is_version(connection, &name(table), version)?.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_slots(handler: *const Handler) -> u32 {
    // SAFETY: the shim passes its own handler.
    guard(u32::MAX, || match unsafe { handler.as_ref() } {
        Some(handler) => u32::try_from(handler.slots()).unwrap_or(u32::MAX),
        None => u32::MAX,
    })
}
