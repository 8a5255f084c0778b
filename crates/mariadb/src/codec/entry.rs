//! Entries of indexes: a row's key in each, and what a covering read finds.
//!
//! An entry of a unique key without NULLs is unique by its own columns; every
//! other one is made so by the columns of the primary key that it lacks (as
//! InnoDB does, and as the server's optimizer expects). The entry's value says
//! where the primary key is ([`IndexEntry`]) and carries, packed as in rows,
//! those columns of both keys that cannot be read back from key bytes.

use super::key::{check_length, put_key, put_part, take_part};
use super::numbers::take;
use super::record::{self, Record};
use super::row::{self, Plan, pack_column};
use super::{CodecError, Shape};
use vamos_proto::{IndexEntry, PrimaryKey};

/// Appends the primary key of the row in `record`, which has an explicit one.
///
/// # Errors
/// [`CodecError::KeyTooLong`].
pub fn put_primary(
    shape: &Shape,
    primary: usize,
    record: Record<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let start = out.len();
    put_key(shape, primary, record, scratch, out);
    check_length(&out[start..])
}

/// What was encoded of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Where the entry's key ends in `out` and its value begins.
    pub key_end: usize,
    /// The key is unique: no other row may have it.
    pub unique: bool,
}

/// Appends the key, and then the value, of the row's entry in a secondary index.
///
/// # Errors
/// [`CodecError::KeyTooLong`].
pub fn put_entry(
    shape: &Shape,
    key: usize,
    record: Record<'_>,
    primary_key: &[u8],
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<Encoded, CodecError> {
    let start = out.len();
    let has_null = put_key(shape, key, record, scratch, out);
    let key_shape = &shape.keys[key];
    let unique = key_shape.unique && !has_null;
    let place = if unique {
        PrimaryKey::InValue(primary_key)
    } else if key_shape.unique || key_shape.whole_suffix {
        out.extend_from_slice(primary_key);
        PrimaryKey::KeySuffix(primary_key.len())
    } else {
        put_missing_parts(shape, key, record, scratch, out);
        PrimaryKey::InValue(primary_key)
    };
    check_length(&out[start..])?;
    let key_end = out.len();
    IndexEntry {
        primary_key: place,
        extra: &[],
    }
    .encode(out);
    put_extra(shape, key, record, out);
    Ok(Encoded { key_end, unique })
}

/// Parts of the primary key that the key does not have itself.
fn put_missing_parts(
    shape: &Shape,
    key: usize,
    record: Record<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let Some(primary) = shape.primary else { return };
    for &part in &shape.keys[key].suffix {
        put_part(shape, &shape.keys[primary].parts[part], record, scratch, out);
    }
}

fn put_extra(shape: &Shape, key: usize, record: Record<'_>, out: &mut Vec<u8>) {
    for &number in &shape.keys[key].extra {
        let column = &shape.columns[number];
        let null = record::is_null(column, &record);
        if column.null.is_some() {
            out.push(u8::from(null));
        }
        if !null {
            pack_column(column, record, out);
        }
    }
}

/// Puts the columns that an entry of a secondary index holds into `record`.
///
/// # Errors
/// [`CodecError`] if the entry is not one of this key's.
pub fn unpack_entry(
    shape: &Shape,
    key: usize,
    plan: &Plan,
    entry_key: &[u8],
    entry: &IndexEntry<'_>,
    record: &mut [u8],
) -> Result<(), CodecError> {
    let key_shape = &shape.keys[key];
    let mut rest = entry_key;
    for part in &key_shape.parts[..key_shape.own] {
        let place = (!part.prefix && plan.wants(part.column)).then_some(&mut *record);
        take_part(shape, part, &mut rest, place)?;
    }
    if let Some(primary) = shape.primary {
        let mut rest = entry
            .primary_key_of(entry_key)
            .map_err(|_| CodecError::Truncated)?;
        unpack_primary(shape, primary, plan, &mut rest, record)?;
    }
    let mut rest = entry.extra;
    for &number in &key_shape.extra {
        unpack_extra(shape, number, plan, &mut rest, record)?;
    }
    Ok(())
}

fn unpack_primary(
    shape: &Shape,
    primary: usize,
    plan: &Plan,
    rest: &mut &[u8],
    record: &mut [u8],
) -> Result<(), CodecError> {
    let key = &shape.keys[primary];
    for part in &key.parts[..key.own] {
        let place = (!part.prefix && plan.wants(part.column)).then_some(&mut *record);
        take_part(shape, part, rest, place)?;
    }
    Ok(())
}

fn unpack_extra(
    shape: &Shape,
    number: usize,
    plan: &Plan,
    rest: &mut &[u8],
    record: &mut [u8],
) -> Result<(), CodecError> {
    let column = &shape.columns[number];
    let null = column.null.is_some() && take(rest, 1)?[0] != 0;
    if null {
        if plan.wants(number) {
            row::put_null(shape, column, record);
        }
        return Ok(());
    }
    if plan.wants(number) {
        record::set_null(column, record, false);
        return row::unpack_column(column, rest, record);
    }
    row::skip_column(column, rest)
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
