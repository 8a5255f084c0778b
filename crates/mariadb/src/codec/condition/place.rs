//! Where a row or an index entry has a column.

use super::Meaning;
use crate::codec::numbers::take_length;
use crate::codec::{self, KeyPart, Order, Shape, Skip, Slot, Storage};
use vamos_proto::program::{
    EntryLayout, Extra, Groups, Kind, Layout, Missing, Part, PartBytes, RowSlot, Width,
};

/// What a program is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Rows of the table.
    Row,
    /// Entries of this key, a secondary one.
    Entry(usize),
}

impl Source {
    /// A column's place in the layout, and what its bytes mean there; `None` if
    /// it is not there, or not so that a program could read it.
    pub(super) fn find(self, shape: &Shape, column: usize) -> Option<(usize, Kind)> {
        let meaning = shape.columns.get(column)?.meaning;
        let place = self.place(shape, column)?;
        let in_key = match self {
            Self::Row => false,
            Self::Entry(key) => place < shape.keys[key].own + primary_parts(shape).len(),
        };
        Some((place, kind(meaning, in_key)?))
    }

    /// A column's place, whatever its values mean.
    pub(super) fn place(self, shape: &Shape, column: usize) -> Option<usize> {
        let described = shape.columns.get(column)?;
        if !described.stored {
            return None;
        }
        match self {
            Self::Row => {
                let has = |slot: &Slot| matches!(slot, Slot::Column { column: of, .. } if *of == column);
                shape.slots.iter().position(has)
            }
            Self::Entry(key) => {
                let key = &shape.keys[key];
                let primary = primary_parts(shape);
                let own = &key.parts[..key.own];
                let is = |part: &KeyPart| part.column == column && !part.prefix;
                if !described.key_is_value() {
                    let extra = key.extra.iter().position(|&extra| extra == column)?;
                    return Some(own.len() + primary.len() + extra);
                }
                let in_primary = || primary.iter().position(is).map(|part| own.len() + part);
                own.iter().position(is).or_else(in_primary)
            }
        }
    }

    /// Whether a place is part of a key that descends.
    pub(super) fn is_reversed(self, shape: &Shape, place: usize) -> bool {
        match self {
            Self::Row => false,
            Self::Entry(key) => {
                let key = &shape.keys[key];
                let mut parts = key.parts[..key.own].iter().chain(primary_parts(shape));
                parts.nth(place).is_some_and(|part| part.reverse)
            }
        }
    }

    /// The layout up to a place.
    pub(super) fn layout(self, shape: &Shape, last: usize) -> Option<Layout> {
        match self {
            Self::Row => {
                let slots = shape.slots.iter().take(last + 1);
                Some(Layout::Row(
                    slots.map(|slot| row_slot(shape, slot)).collect::<Option<_>>()?,
                ))
            }
            Self::Entry(key) => {
                let key = &shape.keys[key];
                let parts = |parts: &[KeyPart]| parts.iter().map(|it| part(shape, it)).collect::<Option<_>>();
                let extra = |&number: &usize| {
                    let column = &shape.columns[number];
                    Some(Extra {
                        nullable: column.null.is_some(),
                        width: width(column.skip())?,
                    })
                };
                Some(Layout::Entry(EntryLayout {
                    key: parts(&key.parts[..key.own])?,
                    primary: parts(primary_parts(shape))?,
                    extra: key.extra.iter().map(extra).collect::<Option<_>>()?,
                }))
            }
        }
    }
}

fn primary_parts(shape: &Shape) -> &[KeyPart] {
    match shape.primary {
        Some(primary) => &shape.keys[primary].parts[..shape.keys[primary].own],
        None => &[],
    }
}

fn kind(meaning: Meaning, in_key: bool) -> Option<Kind> {
    Some(match (meaning, in_key) {
        (Meaning::Signed, false) => Kind::Signed,
        (Meaning::Signed, true) => Kind::KeySigned,
        (Meaning::Unsigned, false) => Kind::Unsigned,
        (Meaning::Unsigned, true) => Kind::KeyUnsigned,
        (Meaning::Year, _) => Kind::Year,
        (Meaning::Decimal(precision, scale), _) if precision <= 36 => Kind::Decimal { precision, scale },
        (Meaning::Date, false) => Kind::Date,
        (Meaning::Date, true) => Kind::KeyDate,
        (Meaning::Datetime(digits), _) => Kind::Datetime(digits),
        (Meaning::Float, false) => Kind::Float,
        (Meaning::Double, false) => Kind::Double,
        (Meaning::Text, false) => Kind::Bytes,
        _ => return None,
    })
}

fn width(skip: Skip) -> Option<Width> {
    match skip {
        Skip::Bytes(length) => u16::try_from(length).ok().map(Width::Fixed),
        Skip::ByLength => Some(Width::Prefixed),
    }
}

fn row_slot(shape: &Shape, slot: &Slot) -> Option<RowSlot> {
    let (column, missing) = match slot {
        Slot::Dropped(skip) => return Some(width(*skip)?.into()),
        Slot::Column { column, missing } => (&shape.columns[*column], missing),
    };
    Some(RowSlot {
        width: width(column.skip())?,
        missing: match missing {
            codec::Missing::Never => Missing::Unknown,
            codec::Missing::Null => Missing::Null,
            codec::Missing::Value(value) => {
                let mut bytes = &value[..];
                if column.skip() == Skip::ByLength {
                    let length = take_length(&mut bytes).ok()?;
                    bytes = bytes.get(..length)?;
                }
                Missing::Value(bytes.to_vec())
            }
        },
    })
}

fn part(shape: &Shape, part: &KeyPart) -> Option<Part> {
    let column = &shape.columns[part.column];
    let fixed = |length: usize| u16::try_from(length).ok().map(PartBytes::Fixed);
    let bytes = match &column.order {
        Order::Text(collation) if collation.is_binary() => match column.storage {
            Storage::Padded(..) | Storage::Fixed => fixed(part.length)?,
            _ => PartBytes::Groups(runs([plain()].into_iter())),
        },
        Order::Text(collation) => {
            PartBytes::Groups(runs(collation.levels.iter().map(
                |level| match level.space.as_deref() {
                    Some(space) if !space.is_empty() => Groups {
                        size: 8usize.next_multiple_of(space.len()) as u8,
                        mark: 2,
                        ends: true,
                    },
                    _ => plain(),
                },
            )))
        }
        Order::Server(sorter) => fixed(sorter.length())?,
        _ => fixed(column.key_length())?,
    };
    Some(Part {
        nullable: part.nullable,
        reverse: part.reverse,
        bytes,
    })
}

/// Groups of [`put_plain`](crate::codec::groups::put_plain).
fn plain() -> Groups {
    Groups {
        size: 8,
        mark: 9,
        ends: false,
    }
}

fn runs(groups: impl Iterator<Item = Groups>) -> [Option<Groups>; 6] {
    let mut runs = [None; 6];
    runs.iter_mut()
        .zip(groups)
        .for_each(|(run, groups)| *run = Some(groups));
    runs
}
