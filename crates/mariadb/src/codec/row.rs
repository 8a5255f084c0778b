//! Rows: a record buffer packed into a value, and the wanted columns back.
//!
//! A row is a format byte, the number of stored columns as a little-endian
//! `u16`, a bitmap of those that are NULL, and the values of the others: of
//! fixed length as they are, texts and blobs with their length before them,
//! and without the spaces that only fill a CHAR up.

use super::numbers::{put_length, take, take_length};
use super::record::{self, POINTER, Record};
use super::{CodecError, Column, Shape, Storage};

/// The format that this version writes.
const FORMAT: u8 = 1;
const HEADER: usize = 3;

/// Appends the row in `record` to `out`.
pub fn pack(shape: &Shape, record: Record<'_>, out: &mut Vec<u8>) {
    let stored = shape.columns.iter().filter(|column| column.stored);
    let count = stored.clone().count();
    out.push(FORMAT);
    out.extend_from_slice(&(count as u16).to_le_bytes());
    let nulls = out.len();
    out.resize(nulls + count.div_ceil(8), 0);
    for (number, column) in stored.enumerate() {
        if record::is_null(column, &record) {
            out[nulls + number / 8] |= 1 << (number % 8);
        } else {
            pack_column(column, record, out);
        }
    }
}

/// Appends one column's value, which is not NULL.
pub fn pack_column(column: &Column, record: Record<'_>, out: &mut Vec<u8>) {
    let value = record::value(column, record);
    match column.storage {
        Storage::Fixed => out.extend_from_slice(value),
        Storage::Bit(bits) => {
            if let Some(bits) = bits {
                out.push(record::loose_bits(bits, &record));
            }
            out.extend_from_slice(value);
        }
        Storage::Padded(pattern, length) => {
            let value = record::without_padding(value, &pattern[..usize::from(length)]);
            put_length(out, value.len());
            out.extend_from_slice(value);
        }
        Storage::Var(_) | Storage::Blob(_) => {
            put_length(out, value.len());
            out.extend_from_slice(value);
        }
    }
}

/// Which columns a statement wants: made once, used for each row.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// For each stored column up to the last wanted one: its number, and
    /// whether it is wanted.
    steps: Vec<(usize, bool)>,
    /// For each column of the table, whether it is wanted.
    wanted: Vec<bool>,
    /// How many columns a row must have.
    count: usize,
}

impl Plan {
    /// The plan for the columns of which `wanted` says yes.
    pub fn new(shape: &Shape, wanted: impl Fn(usize) -> bool) -> Self {
        let mut plan = Self {
            steps: Vec::new(),
            wanted: Vec::new(),
            count: 0,
        };
        let mut last = 0;
        for (number, column) in shape.columns.iter().enumerate() {
            let wants = wanted(number);
            plan.wanted.push(wants);
            if !column.stored {
                continue;
            }
            plan.count += 1;
            plan.steps.push((number, wants));
            if wants {
                last = plan.steps.len();
            }
        }
        plan.steps.truncate(last);
        plan
    }

    /// Whether it wants this column.
    pub fn wants(&self, column: usize) -> bool {
        self.wanted.get(column).copied().unwrap_or(false)
    }
}

/// Unpacks the wanted columns of a row into `record`.
///
/// Blobs are not copied: the record points into `row`, which must stay where it
/// is for as long as the record is used.
///
/// # Errors
/// [`CodecError`] if the bytes are not a row of this table.
pub fn unpack(shape: &Shape, plan: &Plan, row: &[u8], record: &mut [u8]) -> Result<(), CodecError> {
    let (header, rest) = row.split_first_chunk::<HEADER>().ok_or(CodecError::Truncated)?;
    if header[0] != FORMAT {
        return Err(CodecError::UnknownFormat(header[0]));
    }
    let count = usize::from(u16::from_le_bytes([header[1], header[2]]));
    if count != plan.count {
        return Err(CodecError::WrongColumnCount(count));
    }
    let mut rest = rest;
    let nulls = take(&mut rest, count.div_ceil(8))?;
    for (position, &(number, wanted)) in plan.steps.iter().enumerate() {
        let column = &shape.columns[number];
        let null = nulls[position / 8] & 1 << (position % 8) != 0;
        match (null, wanted) {
            (true, true) => put_null(shape, column, record),
            (true, false) => {}
            (false, true) => {
                record::set_null(column, record, false);
                unpack_column(column, &mut rest, record)?;
            }
            (false, false) => skip_column(column, &mut rest)?,
        }
    }
    Ok(())
}

/// Makes the column NULL; its place gets the default, as the server has it.
pub fn put_null(shape: &Shape, column: &Column, record: &mut [u8]) {
    record::set_null(column, record, true);
    let length = match column.storage {
        Storage::Var(bytes) => usize::from(bytes),
        Storage::Blob(bytes) => usize::from(bytes) + POINTER,
        _ => column.length,
    };
    let place = column.offset..column.offset + length;
    match shape.defaults.get(place.clone()) {
        Some(default) if !matches!(column.storage, Storage::Blob(_)) => {
            record[place].copy_from_slice(default)
        }
        _ => record[place].fill(0),
    }
}

/// Takes one column's value off the front of `row` and puts it into `record`.
///
/// # Errors
/// [`CodecError`] if it breaks off or does not fit the column.
#[inline]
pub fn unpack_column(column: &Column, row: &mut &[u8], record: &mut [u8]) -> Result<(), CodecError> {
    let start = column.offset;
    match column.storage {
        Storage::Fixed => record[start..start + column.length].copy_from_slice(take(row, column.length)?),
        Storage::Bit(bits) => {
            if let Some(bits) = bits {
                record::set_loose_bits(bits, record, take(row, 1)?[0]);
            }
            record[start..start + column.length].copy_from_slice(take(row, column.length)?);
        }
        Storage::Padded(pattern, length) => {
            let value = take_value(row, column.length)?;
            let (place, rest) = record[start..start + column.length].split_at_mut(value.len());
            place.copy_from_slice(value);
            record::fill(rest, &pattern[..usize::from(length)]);
        }
        Storage::Var(bytes) => {
            let value = take_value(row, column.length)?;
            let data = start + usize::from(bytes);
            put_le(&mut record[start..data], value.len());
            record[data..data + value.len()].copy_from_slice(value);
        }
        Storage::Blob(bytes) => {
            let value = take_value(row, u32::MAX as usize)?;
            let pointer = start + usize::from(bytes);
            put_le(&mut record[start..pointer], value.len());
            let address = if value.is_empty() {
                0
            } else {
                value.as_ptr().expose_provenance()
            };
            record[pointer..pointer + POINTER].copy_from_slice(&address.to_ne_bytes());
        }
    }
    Ok(())
}

pub(super) fn skip_column(column: &Column, row: &mut &[u8]) -> Result<(), CodecError> {
    let length = match column.storage {
        Storage::Fixed | Storage::Bit(None) => column.length,
        Storage::Bit(Some(_)) => column.length + 1,
        Storage::Padded(..) | Storage::Var(_) | Storage::Blob(_) => take_length(row)?,
    };
    take(row, length).map(drop)
}

fn take_value<'a>(row: &mut &'a [u8], longest: usize) -> Result<&'a [u8], CodecError> {
    let length = take_length(row)?;
    match length <= longest {
        true => take(row, length),
        false => Err(CodecError::TooLong),
    }
}

fn put_le(place: &mut [u8], number: usize) {
    for (at, byte) in place.iter_mut().enumerate() {
        *byte = (number >> (8 * at)) as u8;
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
