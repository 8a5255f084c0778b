//! Reads the shim's description of a table.

use super::{server, types};
use crate::codec::condition::Meaning;
use crate::codec::{Bits, Column, Key, KeyPart, Order, Shape, Storage};

/// The shape of a table.
///
/// # Safety
/// The description's pointers must be valid during the call, and its fields and
/// collations for as long as the shape lives.
pub(super) unsafe fn shape(table: &types::Table) -> Shape {
    // SAFETY: the caller vouches for the pointers and counts.
    let (columns, keys, defaults) = unsafe {
        (
            slice(table.columns, table.column_count),
            slice(table.keys, table.key_count),
            slice(table.defaults, table.record_length),
        )
    };
    // SAFETY: the caller vouches for fields and collations.
    let columns = columns
        .iter()
        .map(|column| unsafe { self::column(column) })
        .collect();
    // SAFETY: the caller vouches for the parts.
    let keys = keys.iter().map(|key| unsafe { self::key(key) }).collect();
    let primary = (table.primary_key != u32::MAX).then_some(table.primary_key as usize);
    Shape::new(
        columns,
        keys,
        primary,
        table.record_length as usize,
        defaults.to_vec(),
    )
}

unsafe fn slice<'a, T>(start: *const T, count: u32) -> &'a [T] {
    match start.is_null() || count == 0 {
        true => &[],
        // SAFETY: the caller vouches for it.
        false => unsafe { std::slice::from_raw_parts(start, count as usize) },
    }
}

unsafe fn column(column: &types::Column) -> Column {
    let bits = (column.bit_length > 0).then_some(Bits {
        offset: column.bit_offset as usize,
        shift: column.bit_shift,
        count: column.bit_length,
    });
    let order = match column.order {
        0 => Order::Unsigned,
        1 => Order::Signed,
        2 => Order::Bytes,
        // SAFETY: the caller vouches for the collation.
        3 => Order::Text(unsafe { server::collation(column.collation) }),
        // SAFETY: the caller vouches for the field.
        _ => Order::Server(unsafe { server::sorter(column.field, column.sort_length) }),
    };
    Column {
        offset: column.offset as usize,
        length: column.length as usize,
        null: (column.null_mask != 0).then_some((column.null_offset as usize, column.null_mask)),
        storage: match column.storage {
            1 => Storage::Padded(column.pad, column.pad_length.min(4)),
            2 => Storage::Var(column.length_bytes),
            3 => Storage::Blob(column.length_bytes),
            4 => Storage::Bit(bits),
            _ => Storage::Fixed,
        },
        order,
        meaning: meaning(column),
        stored: column.stored != 0,
    }
}

fn meaning(column: &types::Column) -> Meaning {
    match column.meaning {
        1 => Meaning::Signed,
        2 => Meaning::Unsigned,
        3 => Meaning::Year,
        4 => Meaning::Decimal(column.precision, column.scale),
        5 => Meaning::Date,
        6 => Meaning::Datetime(column.scale),
        7 => Meaning::Float,
        8 => Meaning::Double,
        9 => Meaning::Text,
        _ => Meaning::Other,
    }
}

unsafe fn key(key: &types::Key) -> Key {
    // SAFETY: the caller vouches for the parts.
    let parts = unsafe { slice(key.parts, key.all_parts) };
    Key {
        parts: parts
            .iter()
            .map(|part| KeyPart {
                column: part.column as usize,
                length: part.length as usize,
                nullable: part.nullable != 0,
                variable: part.variable != 0,
                reverse: part.reverse != 0,
                prefix: part.prefix != 0,
            })
            .collect(),
        own: key.user_parts as usize,
        unique: key.unique != 0,
        suffix: Vec::new(),
        whole_suffix: true,
        extra: Vec::new(),
    }
}
