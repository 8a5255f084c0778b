//! Keys sort as their values do, and give them back.

use super::*;
use crate::codec::{Collation, Key, Level, Weights};
use proptest::prelude::*;
use std::cmp::Ordering;

/// Compares ASCII without case.
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

fn part(column: usize, length: usize, nullable: bool, variable: bool, reverse: bool) -> KeyPart {
    KeyPart {
        column,
        length,
        nullable,
        variable,
        reverse,
        prefix: false,
    }
}

/// (INT NULL, VARCHAR(30), SMALLINT UNSIGNED DESC).
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
        column(1, 4, 1, Storage::Fixed, Order::Signed),
        column(5, 30, 0, Storage::Var(1), text()),
        column(36, 2, 0, Storage::Fixed, Order::Unsigned),
    ];
    let key = Key {
        parts: vec![
            part(0, 4, true, false, false),
            part(1, 30, false, true, false),
            part(2, 2, false, false, true),
        ],
        own: 3,
        unique: false,
        suffix: Vec::new(),
        whole_suffix: true,
        extra: Vec::new(),
    };
    Shape::new(columns, vec![key], None, 38, vec![0; 38])
}

type Row = (Option<i32>, Vec<u8>, u16);

fn row() -> impl Strategy<Value = Row> {
    let text = proptest::collection::vec(
        prop_oneof![Just(b'a'), Just(b'B'), Just(b' '), Just(0), Just(b'z')],
        0..30,
    );
    (
        proptest::option::of(prop_oneof![-2..2i32, any::<i32>()]),
        text,
        prop_oneof![0..3u16, any::<u16>()],
    )
}

fn record(row: &Row) -> Vec<u8> {
    let mut record = vec![0; 38];
    record[0] = u8::from(row.0.is_none());
    record[1..5].copy_from_slice(&row.0.unwrap_or_default().to_le_bytes());
    record[5] = row.1.len() as u8;
    record[6..6 + row.1.len()].copy_from_slice(&row.1);
    record[36..38].copy_from_slice(&row.2.to_le_bytes());
    record
}

fn image(row: &Row) -> Vec<u8> {
    let mut image = vec![u8::from(row.0.is_none())];
    image.extend_from_slice(&row.0.unwrap_or_default().to_le_bytes());
    image.extend_from_slice(&(row.1.len() as u16).to_le_bytes());
    image.extend_from_slice(&row.1);
    image.resize(5 + 2 + 30, 0x77);
    image.extend_from_slice(&row.2.to_le_bytes());
    image
}

fn key(row: &Row) -> Vec<u8> {
    let mut out = Vec::new();
    let record = record(row);
    // SAFETY: there are no blobs.
    put_key(
        &shape(),
        0,
        unsafe { Record::new(&record) },
        &mut Vec::new(),
        &mut out,
    );
    out
}

fn order(a: &Row, b: &Row) -> Ordering {
    let text = |row: &Row| {
        let mut text = row.1.to_ascii_uppercase();
        text.resize(30, b' ');
        text
    };
    a.0.cmp(&b.0)
        .then_with(|| text(a).cmp(&text(b)))
        .then_with(|| b.2.cmp(&a.2))
}

proptest! {
    #[test]
    fn keys_sort_as_rows(a in row(), b in row()) {
        prop_assert_eq!(key(&a).cmp(&key(&b)), order(&a, &b));
    }

    #[test]
    fn images_and_records_make_the_same_key(row in row()) {
        let mut out = Vec::new();
        let done = put_image(&shape(), 0, &image(&row), &mut Vec::new(), &mut out);
        prop_assert_eq!(done, Ok((3, row.0.is_none())));
        prop_assert_eq!(out, key(&row));
    }

    #[test]
    fn key_of_first_parts_begins_the_whole_key(row in row()) {
        let mut out = Vec::new();
        put_image(&shape(), 0, &image(&row)[..5], &mut Vec::new(), &mut out).unwrap();
        prop_assert!(key(&row).starts_with(&out));
    }

    #[test]
    fn numbers_come_back(row in row()) {
        let shape = shape();
        let bytes = key(&row);
        let mut rest = bytes.as_slice();
        let mut back = [0xee; 38];
        for part in &shape.keys[0].parts {
            let text = part.column == 1;
            take_part(&shape, part, &mut rest, (!text).then_some(&mut back[..])).unwrap();
        }
        prop_assert!(rest.is_empty());
        let expected = record(&row);
        prop_assert_eq!(back[0] & 1, expected[0] & 1);
        prop_assert_eq!(&back[1..5], &expected[1..5]);
        prop_assert_eq!(&back[36..], &expected[36..]);
    }
}

#[test]
fn broken_image_is_refused() {
    let mut out = Vec::new();
    assert_eq!(
        put_image(&shape(), 0, &[0, 1], &mut Vec::new(), &mut out),
        Err(CodecError::Truncated)
    );
}
