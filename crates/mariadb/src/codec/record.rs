//! Values in MariaDB's record buffers.

use super::numbers::little_endian;
use super::{Bits, Column, Storage};
use std::ops::Deref;

/// Bytes of a pointer in a record buffer.
pub const POINTER: usize = size_of::<usize>();

/// A record buffer with values in it, whose blobs may be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// A record with these bytes.
    ///
    /// # Safety
    /// Every blob column that is not NULL must hold the length and the address
    /// of bytes that stay as they are for `'a`: the server's own promise for the
    /// records that it passes, and [`unpack`](super::row::unpack)'s.
    pub unsafe fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl Deref for Record<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// Whether the column is NULL in the record.
#[inline]
pub fn is_null(column: &Column, record: &[u8]) -> bool {
    column.null.is_some_and(|(at, mask)| record[at] & mask != 0)
}

/// Says in the record whether the column is NULL.
#[inline]
pub fn set_null(column: &Column, record: &mut [u8], null: bool) {
    if let Some((at, mask)) = column.null {
        match null {
            true => record[at] |= mask,
            false => record[at] &= !mask,
        }
    }
}

/// The column's value as it lies in the record: of a padded one all bytes, of a
/// blob those that it points to, of a BIT column those behind its loose bits.
#[inline]
pub fn value<'a>(column: &Column, record: Record<'a>) -> &'a [u8] {
    let (bytes, start) = (record.bytes, column.offset);
    match column.storage {
        Storage::Fixed | Storage::Padded(..) | Storage::Bit(_) => &bytes[start..start + column.length],
        Storage::Var(length_bytes) => {
            let data = start + usize::from(length_bytes);
            let length = little_endian(&bytes[start..data]) as usize;
            &bytes[data..data + length.min(column.length)]
        }
        Storage::Blob(length_bytes) => {
            let pointer = start + usize::from(length_bytes);
            let length = little_endian(&bytes[start..pointer]) as usize;
            let mut address = [0; POINTER];
            address.copy_from_slice(&bytes[pointer..pointer + POINTER]);
            let address = usize::from_ne_bytes(address);
            if length == 0 || address == 0 {
                return &[];
            }
            // SAFETY: the caller of `Record::new` promised that the blob's length
            // and address are those of bytes that stay for `'a`.
            unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), length) }
        }
    }
}

/// The value of the loose bits of a BIT column.
pub fn loose_bits(bits: Bits, record: &[u8]) -> u8 {
    let low = u16::from(record[bits.offset]);
    let high = match bits.shift + bits.count > 8 {
        true => u16::from(record[bits.offset + 1]),
        false => 0,
    };
    let mask = (1u16 << bits.count) - 1;
    ((low | high << 8) >> bits.shift & mask) as u8
}

/// Sets the loose bits of a BIT column.
pub fn set_loose_bits(bits: Bits, record: &mut [u8], value: u8) {
    let mask = ((1u16 << bits.count) - 1) << bits.shift;
    let value = u16::from(value) << bits.shift & mask;
    record[bits.offset] = record[bits.offset] & !(mask as u8) | value as u8;
    if bits.shift + bits.count > 8 {
        let at = bits.offset + 1;
        record[at] = record[at] & !((mask >> 8) as u8) | (value >> 8) as u8;
    }
}

/// The value without the pattern at its end that only fills up the column.
pub fn without_padding<'a>(value: &'a [u8], pattern: &[u8]) -> &'a [u8] {
    let mut end = value.len();
    match pattern {
        [] => {}
        [byte] => {
            while end > 0 && value[end - 1] == *byte {
                end -= 1;
            }
        }
        pattern => {
            // What is cut off must be whole patterns, as they are put back.
            while end >= pattern.len() && value[end - pattern.len()..end] == *pattern {
                end -= pattern.len();
            }
        }
    }
    &value[..end]
}

/// Fills a place up with a pattern.
pub fn fill(place: &mut [u8], pattern: &[u8]) {
    match pattern {
        [] => {}
        [byte] => place.fill(*byte),
        pattern => {
            for chunk in place.chunks_mut(pattern.len()) {
                chunk.copy_from_slice(&pattern[..chunk.len()]);
            }
        }
    }
}
