//! Foreign keys.

use super::guard::{bytes, guard, on_connection, on_handler, record_to_fill, record_to_read};
use super::table_calls::{VERSION, name};
use super::types;
use crate::engine::foreign::{self, Children, ForeignKey, LinkParts, Other, OtherIndex, Side};
use crate::engine::{Connection, Handler};
use std::ffi::{CString, c_char, c_int, c_void};

/// Called with each key that was asked for.
type Visit = unsafe extern "C" fn(*mut c_void, *const types::ForeignKey);

/// # Safety
/// So many texts must be valid there.
unsafe fn names(start: *const *const c_char, count: u32) -> Vec<String> {
    // SAFETY: the caller vouches for it.
    let texts = unsafe { std::slice::from_raw_parts(start, count as usize) };
    let owned = |text: &*const c_char| {
        // SAFETY: the caller vouches for it.
        unsafe { name(*text) }.into_owned()
    };
    texts.iter().map(owned).collect()
}

/// Reads the shim's list of foreign keys.
///
/// # Safety
/// So many keys, with their texts, must be valid there; or it is null.
pub(super) unsafe fn foreign_keys(start: *const types::ForeignKey, count: usize) -> Vec<ForeignKey> {
    if start.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller vouches for it.
    let keys = unsafe { std::slice::from_raw_parts(start, count) };
    let owned = |key: &types::ForeignKey| {
        // SAFETY: the caller vouches for the texts.
        unsafe {
            ForeignKey {
                name: name(key.name).into_owned(),
                columns: names(key.columns, key.column_count),
                parent: name(key.parent).into_owned(),
                parent_id: 0,
                parent_columns: names(key.parent_columns, key.column_count),
                on_delete: key.on_delete,
                on_update: key.on_update,
            }
        }
    };
    keys.iter().map(owned).collect()
}

fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn show(child: &str, key: &ForeignKey, place: *mut c_void, visit: Visit) {
    let texts = |names: &[String]| names.iter().map(|name| text(name)).collect::<Vec<_>>();
    let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).collect::<Vec<_>>();
    let (name, child, parent) = (text(&key.name), text(child), text(&key.parent));
    let (columns, parent_columns) = (texts(&key.columns), texts(&key.parent_columns));
    let (first, second) = (pointers(&columns), pointers(&parent_columns));
    let shown = types::ForeignKey {
        name: name.as_ptr(),
        child: child.as_ptr(),
        parent: parent.as_ptr(),
        columns: first.as_ptr(),
        parent_columns: second.as_ptr(),
        column_count: first.len().min(second.len()) as u32,
        on_delete: key.on_delete,
        on_update: key.on_update,
    };
    // SAFETY: the shim's function, with its own place, and a key whose texts live
    // until it returns.
    unsafe { visit(place, &raw const shown) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_foreign_load(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::load_foreign_keys) }
}

#[unsafe(no_mangle)]
extern "C" fn vamos_foreign_version() -> u64 {
    foreign::registry_version()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_foreign_visit(
    table: *const c_char,
    referring: u8,
    place: *mut c_void,
    visit: Visit,
) {
    guard((), || {
        // SAFETY: the shim passes a text.
        let table = unsafe { name(table) };
        if referring == 0 {
            for key in foreign::keys_of(&table).iter() {
                show(&table, key, place, visit);
            }
            return;
        }
        for (child, key) in foreign::referring_to(&table) {
            show(&child, &key, place, visit);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_handler_keys(handler: *const Handler, place: *mut c_void, visit: Visit) {
    guard((), || {
        // SAFETY: the shim passes its own handler.
        if let Some(handler) = unsafe { handler.as_ref() } {
            for key in &handler.share().definition().foreign_keys {
                show(handler.share().name(), key, place, visit);
            }
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_children_empty(children: *const Children) -> u8 {
    // SAFETY: the shim passes a list from `vamos_children_list`.
    unsafe { children.as_ref() }.is_none_or(Children::is_empty).into()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_foreign_has_children(table: *const c_char) -> u8 {
    // SAFETY: the shim passes a text.
    guard(0, || foreign::has_children(&unsafe { name(table) }).into())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_foreign_name_taken(
    database: *const c_char,
    constraint: *const c_char,
    except: *const c_char,
) -> u8 {
    guard(0, || {
        // SAFETY: the shim passes three texts.
        let (database, constraint, except) = unsafe { (name(database), name(constraint), name(except)) };
        foreign::name_taken(&database, &constraint, &except).into()
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_links_clear(handler: *mut Handler) {
    // SAFETY: the shim passes its own handler.
    if let Some(handler) = unsafe { handler.as_mut() } {
        guard((), || handler.clear_links());
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_link_add(
    handler: *mut Handler,
    connection: *mut Connection,
    link: *const types::Link,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection and a link with so
    // many parts.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let link = &*link;
            let parts: Vec<_> = std::slice::from_raw_parts(link.parts, link.part_count as usize)
                .iter()
                .map(|part| LinkParts {
                    column: part.column as usize,
                    other_column: part.other_column as usize,
                    nullable: part.nullable != 0,
                    reverse: part.reverse != 0,
                })
                .collect();
            let side = match link.to_child {
                0 => Side::Parent,
                _ => Side::Child,
            };
            let index = OtherIndex {
                position: link.index as usize,
                count: link.index_count as usize,
                unique: link.unique != 0,
            };
            let other = Other {
                name: &name(link.other),
                version: bytes(link.version, VERSION),
                index,
            };
            handler.add_link(connection, side, other, &parts)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_has_parent(
    handler: *mut Handler,
    connection: *mut Connection,
    link: u32,
    old: *const u8,
    new: *const u8,
    has: *mut u8,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, two record buffers
    // (the first may be null), and a place for the answer.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let old = (!old.is_null()).then(|| record_to_read(handler, old));
            let new = record_to_read(handler, new);
            let found = handler.has_parent(connection, link as usize, old, new)?;
            has.write(found.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_has_children(
    handler: *mut Handler,
    connection: *mut Connection,
    link: u32,
    record: *const u8,
    has: *mut u8,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, a record buffer and
    // a place for the answer.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let record = record_to_read(handler, record);
            let found = handler.has_children(connection, link as usize, record)?;
            has.write(found.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_children_list(
    handler: *mut Handler,
    connection: *mut Connection,
    link: u32,
    index: u32,
    record: *const u8,
    out: *mut *mut Children,
) -> c_int {
    // SAFETY: the shim passes its own handler, its connection, a record buffer and
    // a place for the list.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            let record = record_to_read(handler, record);
            let children = handler.list_children(connection, link as usize, index as usize, record)?;
            out.write(Box::into_raw(Box::new(children)));
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_children_next(
    children: *mut Children,
    handler: *mut Handler,
    connection: *mut Connection,
    record: *mut u8,
    found: *mut u8,
) -> c_int {
    // SAFETY: the shim passes a list from `vamos_children_list`, the child's
    // handler, its connection, a record buffer and a place for the answer.
    unsafe {
        on_handler(handler, connection, |handler, connection| {
            found.write(0);
            let Some(children) = children.as_mut() else {
                return Ok(());
            };
            let length = handler.record_length();
            while handler.read_child(connection, children, record_to_fill(length, record))? {
                let row = record_to_read(handler, record);
                if handler.is_child(children, row)? {
                    found.write(1);
                    break;
                }
            }
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_children_free(children: *mut Children) {
    guard((), || {
        if !children.is_null() {
            // SAFETY: it came from `vamos_children_list` and is not used again.
            drop(unsafe { Box::from_raw(children) });
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_row_mark(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::mark_row) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_row_undo(connection: *mut Connection) -> c_int {
    // SAFETY: the shim passes the connection of the running thread.
    unsafe { on_connection(connection, Connection::undo_row) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_keep_error(
    connection: *mut Connection,
    code: c_int,
    text: *const u8,
    length: usize,
) {
    // SAFETY: the shim passes the connection of the running thread and a text of
    // this length.
    unsafe {
        on_connection(connection, |connection| {
            let text = String::from_utf8_lossy(bytes(text, length));
            connection.keep_error(code, text.into_owned());
            Ok(())
        });
    }
}
