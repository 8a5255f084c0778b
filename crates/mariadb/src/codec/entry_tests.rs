//! Entries tell the primary key and give covering reads their columns back.

use super::*;
use crate::codec::{Collation, Column, Key, KeyPart, Level, Order, Storage, Weights};
use proptest::prelude::*;

#[derive(Debug)]
struct Ascii;

impl Weights for Ascii {
    fn put_weights(&self, _: u32, text: &[u8], out: &mut Vec<u8>) {
        out.extend(text.to_ascii_uppercase());
    }

    fn trimmed(&self, text: &[u8]) -> usize {
        text.trim_ascii_end().len()
    }

    fn characters(&self, text: &[u8], count: usize) -> usize {
        text.len().min(count)
    }
}

fn text() -> Order {
    Order::Text(Collation {
        levels: vec![Level {
            flags: 0,
            space: Some(b" ".to_vec()),
        }],
        trim: false,
        max_bytes: 1,
        weights: Box::new(Ascii),
    })
}

fn part(column: usize, length: usize, nullable: bool, variable: bool) -> KeyPart {
    KeyPart {
        column,
        length,
        nullable,
        variable,
        reverse: false,
        prefix: false,
    }
}

fn key(parts: Vec<KeyPart>, unique: bool) -> Key {
    Key {
        own: parts.len(),
        parts,
        unique,
        suffix: Vec::new(),
        whole_suffix: true,
        extra: Vec::new(),
    }
}

/// Columns a INT, b VARCHAR(10), c INT NULL, d VARCHAR(10) NULL.
/// PRIMARY KEY (a, b); UNIQUE (c); KEY (d); KEY (b, c).
fn shape() -> Shape {
    let column = |offset, length, null: u8, storage, order| Column {
        offset,
        length,
        null: (null != 0).then_some((0, null)),
        storage,
        order,
        meaning: Default::default(),
        stored: true,
    };
    let columns = vec![
        column(1, 4, 0, Storage::Fixed, Order::Signed),
        column(5, 10, 0, Storage::Var(1), text()),
        column(16, 4, 1, Storage::Fixed, Order::Signed),
        column(20, 10, 2, Storage::Var(1), text()),
    ];
    let keys = vec![
        key(vec![part(0, 4, false, false), part(1, 10, false, true)], true),
        key(vec![part(2, 4, true, false)], true),
        key(vec![part(3, 10, true, true)], false),
        key(vec![part(1, 10, false, true), part(2, 4, true, false)], false),
    ];
    Shape::new(columns, keys, Some(0), 31, vec![0; 31])
}

type Row = (i32, Vec<u8>, Option<i32>, Option<Vec<u8>>);

fn row() -> impl Strategy<Value = Row> {
    let text = || proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'B'), Just(b' ')], 0..=10);
    (
        any::<i32>(),
        text(),
        proptest::option::of(any::<i32>()),
        proptest::option::of(text()),
    )
}

fn record(row: &Row) -> Vec<u8> {
    let mut record = vec![0; 31];
    record[0] = u8::from(row.2.is_none()) | u8::from(row.3.is_none()) << 1;
    record[1..5].copy_from_slice(&row.0.to_le_bytes());
    record[5] = row.1.len() as u8;
    record[6..6 + row.1.len()].copy_from_slice(&row.1);
    record[16..20].copy_from_slice(&row.2.unwrap_or_default().to_le_bytes());
    if let Some(d) = &row.3 {
        record[20] = d.len() as u8;
        record[21..21 + d.len()].copy_from_slice(d);
    }
    record
}

fn encoded(shape: &Shape, number: usize, row: &Row) -> (Vec<u8>, Vec<u8>, Vec<u8>, bool) {
    let bytes = record(row);
    // SAFETY: there are no blobs.
    let record = unsafe { Record::new(&bytes) };
    let (mut scratch, mut primary, mut out) = (Vec::new(), Vec::new(), Vec::new());
    put_primary(shape, 0, record, &mut scratch, &mut primary).unwrap();
    let entry = put_entry(shape, number, record, &primary, &mut scratch, &mut out).unwrap();
    let value = out.split_off(entry.key_end);
    (primary, out, value, entry.unique)
}

proptest! {
    #[test]
    fn entries_tell_the_primary_key_and_their_columns(row in row(), number in 1usize..4) {
        let shape = shape();
        let (primary, key, value, unique) = encoded(&shape, number, &row);
        prop_assert_eq!(unique, number == 1 && row.2.is_some());
        let entry = IndexEntry::decode(&value).unwrap();
        prop_assert_eq!(entry.primary_key_of(&key).unwrap(), &primary[..]);

        let mut back = vec![0xee; 31];
        unpack_entry(&shape, number, &Plan::new(&shape, |_| true), &key, &entry, &mut back).unwrap();
        let expected = record(&row);
        let columns: &[usize] = [&[0, 1, 2][..], &[0, 1, 3], &[0, 1, 2]][number - 1];
        for &number in columns {
            let column = &shape.columns[number];
            prop_assert_eq!(record::is_null(column, &back), record::is_null(column, &expected));
            if !record::is_null(column, &back) {
                // SAFETY: there are no blobs.
                let (back, expected) = unsafe { (Record::new(&back), Record::new(&expected)) };
                prop_assert_eq!(record::value(column, back), record::value(column, expected));
            }
        }
    }

    #[test]
    fn entries_of_different_rows_differ(a in row(), b in row(), number in 2usize..4) {
        let shape = shape();
        let (a_primary, a_key, ..) = encoded(&shape, number, &a);
        let (b_primary, b_key, ..) = encoded(&shape, number, &b);
        prop_assert!(a_primary == b_primary || a_key != b_key);
    }

    #[test]
    fn damaged_entries_never_overrun(key in proptest::collection::vec(any::<u8>(), 0..60),
                                     value in proptest::collection::vec(any::<u8>(), 0..60), number in 1usize..4) {
        let shape = shape();
        let mut record = vec![0; 31];
        if let Ok(entry) = IndexEntry::decode(&value) {
            let _ = unpack_entry(&shape, number, &Plan::new(&shape, |_| true), &key, &entry, &mut record);
        }
    }
}

#[test]
fn entry_lacks_only_what_its_own_columns_have() {
    let shape = shape();
    assert!(shape.keys[2].whole_suffix);
    assert_eq!(shape.keys[3].suffix, [0]);
    assert!(!shape.keys[3].whole_suffix);
    assert_eq!(shape.keys[3].extra, [1]);
    assert_eq!(shape.keys[1].extra, [1]);
}
