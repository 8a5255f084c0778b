//! Rows: a record buffer packed into a value, and the wanted columns back.
//!
//! A row is a format byte, the number of its slots as a little-endian `u16`, a
//! bitmap of those that are NULL, and the values of the others: of fixed length
//! as they are, texts and blobs with their length before them, and without the
//! spaces that only fill a CHAR up.
//!
//! A table's [slots](Slot) are at first its stored columns in their order. A
//! column that is added later gets the next slot, wherever the server has it, and
//! rows with fewer slots have the default that it had then. A dropped column's
//! slot stays and is NULL in new rows. So rows need not be written again.

use super::numbers::{put_length, take, take_length};
use super::record::{self, POINTER, Record};
use super::{CodecError, Column, Missing, Shape, Skip, Slot, Storage};

/// The format that this version writes.
const FORMAT: u8 = 1;
const HEADER: usize = 3;

/// Appends the row in `record` to `out`.
pub fn pack(shape: &Shape, record: Record<'_>, out: &mut Vec<u8>) {
    let count = shape.slots.len();
    out.push(FORMAT);
    out.extend_from_slice(&(count as u16).to_le_bytes());
    let nulls = out.len();
    out.resize(nulls + count.div_ceil(8), 0);
    for (number, slot) in shape.slots.iter().enumerate() {
        match slot {
            Slot::Column { column, .. } if !record::is_null(&shape.columns[*column], &record) => {
                pack_column(&shape.columns[*column], record, out);
            }
            _ => out[nulls + number / 8] |= 1 << (number % 8),
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
    /// For each slot up to the last wanted one: its column if that is wanted, or
    /// how to get past it.
    steps: Vec<Step>,
    /// For each column of the table, whether it is wanted.
    wanted: Vec<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take(usize),
    Skip(Skip),
}

impl Plan {
    /// The plan for the columns of which `wanted` says yes.
    pub fn new(shape: &Shape, wanted: impl Fn(usize) -> bool) -> Self {
        let mut plan = Self {
            steps: Vec::new(),
            wanted: (0..shape.columns.len()).map(wanted).collect(),
        };
        let mut last = 0;
        for slot in &shape.slots {
            let step = match *slot {
                Slot::Column { column, .. } if plan.wants(column) => {
                    last = plan.steps.len() + 1;
                    Step::Take(column)
                }
                Slot::Column { column, .. } => Step::Skip(shape.columns[column].skip()),
                Slot::Dropped(skip) => Step::Skip(skip),
            };
            plan.steps.push(step);
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
    if count > shape.slots.len() || count < shape.fewest_slots {
        return Err(CodecError::WrongColumnCount(count));
    }
    let mut rest = rest;
    let nulls = take(&mut rest, count.div_ceil(8))?;
    for (position, step) in plan.steps.iter().enumerate() {
        if position >= count {
            return put_missing(shape, plan, position, record);
        }
        let null = nulls[position / 8] & 1 << (position % 8) != 0;
        match (*step, null) {
            (Step::Take(number), true) => put_null(shape, &shape.columns[number], record),
            (Step::Take(number), false) => {
                let column = &shape.columns[number];
                record::set_null(column, record, false);
                unpack_column(column, &mut rest, record)?;
            }
            (Step::Skip(_), true) => {}
            (Step::Skip(how), false) => skip(how, &mut rest)?,
        }
    }
    Ok(())
}

/// Puts the wanted columns from this slot on into the record of a row that was
/// written before they were added.
fn put_missing(shape: &Shape, plan: &Plan, from: usize, record: &mut [u8]) -> Result<(), CodecError> {
    for slot in shape.slots.get(from..plan.steps.len()).unwrap_or_default() {
        let Slot::Column {
            column: number,
            missing,
        } = slot
        else {
            continue;
        };
        let column = &shape.columns[*number];
        match missing {
            // No row that was not refused ends before such a slot.
            Missing::Never => return Err(CodecError::WrongColumnCount(from)),
            _ if !plan.wants(*number) => {}
            Missing::Null => put_null(shape, column, record),
            Missing::Value(value) => {
                record::set_null(column, record, false);
                unpack_column(column, &mut &value[..], record)?;
            }
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
    skip(column.skip(), row)
}

#[inline]
fn skip(how: Skip, row: &mut &[u8]) -> Result<(), CodecError> {
    let length = match how {
        Skip::Bytes(length) => length,
        Skip::ByLength => take_length(row)?,
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
