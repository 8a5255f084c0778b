//! Keys: values as bytes whose order is the index's order.
//!
//! Each part is, where its column may be NULL, a byte (0: NULL, 1: a value
//! follows; so NULL comes first), and then the value: integers big-endian with
//! the sign bit flipped, other values of fixed length as the server sorts them,
//! texts as their collation's weights in groups. The bytes of a descending part
//! are inverted. No part's bytes begin those of another value, so parts simply
//! follow each other.

use super::numbers::take;
use super::record::{self, Record};
use super::{CodecError, Column, KeyPart, Order, Shape, Storage};
use vamos_proto::MAX_KEY_LEN;

const NULL: u8 = 0;
const NOT_NULL: u8 = 1;

/// Appends the own parts of a key of the row in `record`. Returns whether one
/// of them is NULL.
pub fn put_key(
    shape: &Shape,
    key: usize,
    record: Record<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> bool {
    let key = &shape.keys[key];
    let mut has_null = false;
    for part in &key.parts[..key.own] {
        has_null |= put_part(shape, part, record, scratch, out);
    }
    has_null
}

/// Appends one part of a key of the row in `record`. Returns whether it is NULL.
pub fn put_part(
    shape: &Shape,
    part: &KeyPart,
    record: Record<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> bool {
    let column = &shape.columns[part.column];
    let start = out.len();
    let null = column.null.is_some() && record::is_null(column, &record);
    if part.nullable {
        out.push(if null { NULL } else { NOT_NULL });
    }
    if !null {
        if let Storage::Bit(Some(bits)) = column.storage {
            out.push(record::loose_bits(bits, &record));
        }
        put_value(column, part, record::value(column, record), scratch, out);
    }
    if part.reverse {
        invert(&mut out[start..]);
    }
    null
}

fn put_value(column: &Column, part: &KeyPart, value: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    match &column.order {
        Order::Unsigned => out.extend(value.iter().rev()),
        Order::Signed => {
            let start = out.len();
            out.extend(value.iter().rev());
            out[start] ^= 0x80;
        }
        Order::Bytes => out.extend_from_slice(value),
        Order::Server(sorter) => sorter.sort_key(value, out),
        Order::Text(collation) => match column.storage {
            Storage::Padded(..) if collation.is_binary() => {
                out.extend_from_slice(&value[..value.len().min(part.length)]);
            }
            Storage::Padded(pattern, length) => {
                let fills_up = collation
                    .levels
                    .first()
                    .is_some_and(|level| level.space.is_some());
                let value = match fills_up {
                    true => record::without_padding(value, &pattern[..usize::from(length)]),
                    false => value,
                };
                collation.put_key(collation.prefix(value, part.length), scratch, out);
            }
            _ => collation.put_key(collation.prefix(value, part.length), scratch, out),
        },
    }
}

/// Appends the bytes of a key image of the server's: the first parts of a key,
/// as it passes them to search for. Returns how many parts there were and
/// whether one was NULL.
///
/// # Errors
/// [`CodecError::Truncated`] if the image ends within a part.
pub fn put_image(
    shape: &Shape,
    key: usize,
    image: &[u8],
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(usize, bool), CodecError> {
    let mut rest = image;
    let mut parts = 0;
    let mut has_null = false;
    for part in &shape.keys[key].parts {
        if rest.is_empty() {
            break;
        }
        has_null |= put_image_part(shape, part, take(&mut rest, part.image_length())?, scratch, out);
        parts += 1;
    }
    Ok((parts, has_null))
}

fn put_image_part(
    shape: &Shape,
    part: &KeyPart,
    image: &[u8],
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> bool {
    let column = &shape.columns[part.column];
    let start = out.len();
    let (null, value) = match part.nullable {
        true => (image[0] != 0, &image[1..]),
        false => (false, image),
    };
    if part.nullable {
        out.push(if null { NULL } else { NOT_NULL });
    }
    if !null {
        let value = match part.variable {
            true => {
                let length = usize::from(u16::from_le_bytes([value[0], value[1]]));
                &value[2..2 + length.min(part.length)]
            }
            false => value,
        };
        // A BIT column's image begins with its loose bits, as its key does.
        put_value(column, part, value, scratch, out);
    }
    if part.reverse {
        invert(&mut out[start..]);
    }
    null
}

fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// Refuses a key that the store would refuse.
///
/// # Errors
/// [`CodecError::KeyTooLong`].
pub fn check_length(key: &[u8]) -> Result<(), CodecError> {
    match key.len() <= MAX_KEY_LEN {
        true => Ok(()),
        false => Err(CodecError::KeyTooLong(key.len())),
    }
}

/// Takes one part off the front of a key. If its value can be read back and
/// `record` is given, it is put there.
///
/// # Errors
/// [`CodecError::Truncated`] if the key breaks off.
pub fn take_part(
    shape: &Shape,
    part: &KeyPart,
    key: &mut &[u8],
    record: Option<&mut [u8]>,
) -> Result<(), CodecError> {
    let column = &shape.columns[part.column];
    let flip = if part.reverse { 0xff } else { 0 };
    if part.nullable && take(key, 1)?[0] ^ flip == NULL {
        if let Some(record) = record {
            super::row::put_null(shape, column, record);
        }
        return Ok(());
    }
    match &column.order {
        Order::Text(collation) if column_is_fixed(column, collation.is_binary()) => {
            take(key, part.length).map(drop)
        }
        Order::Text(collation) if collation.is_binary() => skip_groups(key, 8, 9, false, flip),
        Order::Text(collation) => collation.levels.iter().try_for_each(|level| match &level.space {
            Some(space) if !space.is_empty() => {
                skip_groups(key, 8usize.next_multiple_of(space.len()), 2, true, flip)
            }
            _ => skip_groups(key, 8, 9, false, flip),
        }),
        Order::Server(sorter) => take(key, sorter.length()).map(drop),
        order => {
            let value = take(key, column.key_length())?;
            if let Some(record) = record {
                record::set_null(column, record, false);
                put_back(column, order, value, flip, record);
            }
            Ok(())
        }
    }
}

fn column_is_fixed(column: &Column, binary: bool) -> bool {
    binary && matches!(column.storage, Storage::Padded(..) | Storage::Fixed)
}

/// Skips groups up to the first whose mark is (`until`) or is not the given one.
fn skip_groups(key: &mut &[u8], group: usize, mark: u8, until: bool, flip: u8) -> Result<(), CodecError> {
    loop {
        let bytes = take(key, group + 1)?;
        if (bytes[group] ^ flip == mark) == until {
            return Ok(());
        }
    }
}

fn put_back(column: &Column, order: &Order, value: &[u8], flip: u8, record: &mut [u8]) {
    let value = match column.storage {
        Storage::Bit(Some(bits)) => {
            record::set_loose_bits(bits, record, value[0] ^ flip);
            &value[1..]
        }
        _ => value,
    };
    let place = &mut record[column.offset..column.offset + column.length];
    match order {
        Order::Bytes => place
            .iter_mut()
            .zip(value)
            .for_each(|(to, from)| *to = from ^ flip),
        _ => place
            .iter_mut()
            .zip(value.iter().rev())
            .for_each(|(to, from)| *to = from ^ flip),
    }
    if matches!(order, Order::Signed)
        && let Some(highest) = place.last_mut()
    {
        *highest ^= 0x80;
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
