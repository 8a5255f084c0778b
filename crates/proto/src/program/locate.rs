//! Where the fields of a row or an index entry are.

use super::run::Input;
use super::{EntryLayout, Extra, Layout, Missing, Part, PartBytes, ROW_FORMAT, RowSlot, Width};
use crate::IndexEntry;

/// What is at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Slot<'a> {
    /// The input does not have it.
    #[default]
    Missing,
    /// NULL.
    Null,
    /// These bytes, each inverted by the mask.
    At(&'a [u8], u8),
}

/// Calls `put` with each place and what is there; stops where the input breaks
/// off, or is of a form that it does not know.
pub(super) fn locate<'a>(
    layout: &'a Layout,
    input: Input<'a>,
    put: impl FnMut(usize, Slot<'a>),
) -> Option<()> {
    match layout {
        Layout::Row(slots) => locate_slots(slots, input.value, put),
        Layout::Entry(entry) => locate_parts(entry, input, put),
    }
}

fn locate_slots<'a>(slots: &'a [RowSlot], row: &'a [u8], mut put: impl FnMut(usize, Slot<'a>)) -> Option<()> {
    let (header, rest) = row.split_first_chunk::<3>()?;
    if header[0] != ROW_FORMAT {
        return None;
    }
    let count = usize::from(u16::from_le_bytes([header[1], header[2]]));
    let (nulls, mut rest) = rest.split_at_checked(count.div_ceil(8))?;
    for (number, slot) in slots.iter().enumerate().skip(count) {
        match &slot.missing {
            Missing::Unknown => {}
            Missing::Null => put(number, Slot::Null),
            Missing::Value(value) => put(number, Slot::At(value, 0)),
        }
    }
    for (number, slot) in slots.iter().enumerate().take(count) {
        let null = nulls.get(number / 8)? & 1 << (number % 8) != 0;
        put(
            number,
            match null {
                true => Slot::Null,
                false => Slot::At(take_width(&mut rest, slot.width)?, 0),
            },
        );
    }
    Some(())
}

fn locate_parts<'a>(
    layout: &EntryLayout,
    input: Input<'a>,
    mut put: impl FnMut(usize, Slot<'a>),
) -> Option<()> {
    let mut place = 0;
    let mut next = |slot| {
        put(place, slot);
        place += 1;
    };
    let mut key = input.key;
    for part in &layout.key {
        next(take_part(&mut key, part)?);
    }
    let entry = IndexEntry::decode(input.value).ok()?;
    if !layout.primary.is_empty() {
        let mut primary = entry.primary_key_of(input.key).ok()?;
        for part in &layout.primary {
            next(take_part(&mut primary, part)?);
        }
    }
    let mut rest = entry.extra;
    for extra in &layout.extra {
        next(take_extra(&mut rest, extra)?);
    }
    Some(())
}

fn take_part<'a>(key: &mut &'a [u8], part: &Part) -> Option<Slot<'a>> {
    let flip = if part.reverse { 0xff } else { 0 };
    if part.nullable && take(key, 1)?[0] ^ flip == 0 {
        return Some(Slot::Null);
    }
    let start = *key;
    match part.bytes {
        PartBytes::Fixed(length) => drop(take(key, length.into())?),
        PartBytes::Groups(runs) => {
            for run in runs.iter().flatten() {
                let size = usize::from(run.size);
                while (take(key, size + 1)?[size] ^ flip == run.mark) != run.ends {}
            }
        }
    }
    let length = start.len() - key.len();
    Some(Slot::At(&start[..length], flip))
}

fn take_extra<'a>(rest: &mut &'a [u8], extra: &Extra) -> Option<Slot<'a>> {
    if extra.nullable && take(rest, 1)?[0] != 0 {
        return Some(Slot::Null);
    }
    Some(Slot::At(take_width(rest, extra.width)?, 0))
}

fn take_width<'a>(rest: &mut &'a [u8], width: Width) -> Option<&'a [u8]> {
    let length = match width {
        Width::Fixed(length) => length.into(),
        Width::Prefixed => take_length(rest)?,
    };
    take(rest, length)
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in (0..35).step_by(7) {
        let byte = take(rest, 1)?[0];
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(length);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, others) = rest.split_at_checked(count)?;
    *rest = others;
    Some(taken)
}
