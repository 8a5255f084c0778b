//! Rows come back as they were.

use super::*;
use crate::codec::{Bits, Order};
use proptest::prelude::*;

fn column(offset: usize, length: usize, null: u8, storage: Storage) -> Column {
    Column {
        offset,
        length,
        null: (null != 0).then_some((0, null)),
        storage,
        order: Order::Bytes,
        meaning: Default::default(),
        stored: true,
    }
}

/// INT, CHAR(8) of two-byte spaces, VARCHAR(20), BLOB, BIT(3) with loose bits
/// across two bytes, a virtual column, TINYINT NULL.
fn shape() -> Shape {
    let bits = Bits {
        offset: 0,
        shift: 6,
        count: 3,
    };
    let mut columns = vec![
        column(2, 4, 0, Storage::Fixed),
        column(6, 8, 1, Storage::Padded([0, 0x20, 0, 0], 2)),
        column(14, 20, 2, Storage::Var(1)),
        column(35, 0, 4, Storage::Blob(4)),
        column(47, 1, 8, Storage::Bit(Some(bits))),
        column(48, 4, 0, Storage::Fixed),
        column(52, 1, 16, Storage::Fixed),
    ];
    columns[5].stored = false;
    Shape::new(columns, Vec::new(), None, 53, vec![0; 53])
}

/// The same table after its CHAR was dropped, a TINYINT NOT NULL added behind the
/// INT, with 77 as default, and a VARCHAR NULL at the end.
fn altered() -> Shape {
    let old = shape();
    let skip = old.columns[1].skip();
    let mut columns = old.columns;
    columns[1] = column(53, 1, 0, Storage::Fixed);
    columns.push(column(54, 5, 32, Storage::Var(1)));
    let later = |column, missing| Slot::Column { column, missing };
    let mut slots: Vec<_> = [0, 1, 2, 3, 4, 6]
        .map(|column| later(column, Missing::Never))
        .into();
    slots[1] = Slot::Dropped(skip);
    slots.push(later(1, Missing::Value([77].into())));
    slots.push(later(7, Missing::Null));
    let shape = Shape::new(columns, Vec::new(), None, 60, vec![0; 60]);
    shape.with_slots(slots).unwrap()
}

#[test]
fn slots_must_have_each_stored_column_once() {
    let slot = |column| Slot::Column {
        column,
        missing: Missing::Never,
    };
    let all = [0, 1, 2, 3, 4, 6].map(slot);
    assert!(shape().with_slots(all.to_vec()).is_some());
    assert!(shape().with_slots(all[1..].to_vec()).is_none());
    assert!(shape().with_slots([&all[..], &[slot(0)]].concat()).is_none());
    assert!(shape().with_slots([&all[..], &[slot(5)]].concat()).is_none());
    assert!(shape().with_slots([&all[..], &[slot(99)]].concat()).is_none());
}

#[derive(Clone, Debug)]
struct Values {
    int: [u8; 4],
    char: Option<Vec<u8>>,
    var: Option<Vec<u8>>,
    blob: Option<Vec<u8>>,
    bit: Option<(u8, u8)>,
    tiny: Option<u8>,
}

fn values() -> impl Strategy<Value = Values> {
    let bytes = |most| proptest::collection::vec(any::<u8>(), 0..=most);
    (
        any::<[u8; 4]>(),
        proptest::option::of(proptest::collection::vec(
            prop_oneof![Just([0, 0x20]), any::<[u8; 2]>()],
            0..=4,
        )),
        proptest::option::of(bytes(20)),
        proptest::option::of(bytes(300)),
        proptest::option::of((0u8..8, any::<u8>())),
        proptest::option::of(any::<u8>()),
    )
        .prop_map(|(int, char, var, blob, bit, tiny)| Values {
            int,
            char: char.map(|units| units.concat()),
            var,
            blob,
            bit,
            tiny,
        })
}

fn fill_in(shape: &Shape, values: &Values) -> Vec<u8> {
    let mut record = vec![0u8; shape.record_length];
    let columns = &shape.columns;
    record[2..6].copy_from_slice(&values.int);
    let fixed = |at: usize, value: Option<&[u8]>, record: &mut Vec<u8>| {
        record::set_null(&columns[at], record, value.is_none());
        let mut packed = Vec::new();
        if let Some(value) = value {
            put_length(&mut packed, value.len());
            packed.extend_from_slice(value);
            unpack_column(&columns[at], &mut packed.as_slice(), record).unwrap();
        }
    };
    fixed(1, values.char.as_deref(), &mut record);
    fixed(2, values.var.as_deref(), &mut record);
    record::set_null(&columns[3], &mut record, values.blob.is_none());
    if let Some(blob) = &values.blob {
        put_le(&mut record[35..39], blob.len());
        record[39..47].copy_from_slice(&blob.as_ptr().expose_provenance().to_ne_bytes());
    }
    record::set_null(&columns[4], &mut record, values.bit.is_none());
    if let Some((loose, byte)) = values.bit {
        let Storage::Bit(Some(bits)) = columns[4].storage else {
            unreachable!()
        };
        record::set_loose_bits(bits, &mut record, loose);
        record[47] = byte;
    }
    record::set_null(&columns[6], &mut record, values.tiny.is_none());
    record[52] = values.tiny.unwrap_or_default();
    record
}

fn assert_equal(shape: &Shape, number: usize, a: &[u8], b: &[u8]) {
    let column = &shape.columns[number];
    assert_eq!(record::is_null(column, a), record::is_null(column, b));
    if record::is_null(column, a) {
        return;
    }
    // SAFETY: the blobs point into the values of the test and into its row.
    let (a, b) = unsafe { (Record::new(a), Record::new(b)) };
    assert_eq!(
        record::value(column, a),
        record::value(column, b),
        "column {number}"
    );
    if let Storage::Bit(Some(bits)) = column.storage {
        assert_eq!(record::loose_bits(bits, &a), record::loose_bits(bits, &b));
    }
}

proptest! {
    #[test]
    fn rows_come_back(values in values(), wanted in any::<[bool; 7]>()) {
        let shape = shape();
        let record = fill_in(&shape, &values);
        let mut row = Vec::new();
        // SAFETY: the blob points into `values`.
        pack(&shape, unsafe { Record::new(&record) }, &mut row);
        let mut back = vec![0xee; shape.record_length];
        let plan = Plan::new(&shape, |number| wanted[number]);
        unpack(&shape, &plan, &row, &mut back).unwrap();
        for (number, _) in wanted.iter().enumerate().filter(|&(number, &wanted)| wanted && number != 5) {
            assert_equal(&shape, number, &record, &back);
        }
    }

    #[test]
    fn rows_of_an_older_table_have_the_later_columns_defaults(values in values(), wanted in any::<[bool; 7]>()) {
        let old = shape();
        let record = fill_in(&old, &values);
        let mut row = Vec::new();
        // SAFETY: the blob points into `values`.
        pack(&old, unsafe { Record::new(&record) }, &mut row);
        // Two columns more, one of them between the others; the CHAR is dropped.
        let new = altered();
        let mut back = vec![0xee; new.record_length];
        let plan = Plan::new(&new, |number| wanted[number.min(6)]);
        unpack(&new, &plan, &row, &mut back).unwrap();
        if wanted[0] {
            prop_assert_eq!(&back[2..6], &values.int);
        }
        if wanted[2] {
            assert_equal(&new, 2, &record, &back);
        }
        if wanted[3] {
            assert_equal(&new, 3, &record, &back);
        }
        if wanted[1] {
            prop_assert_eq!(back[53], 77);
            prop_assert!(!record::is_null(&new.columns[1], &back));
        }
        if wanted[6] {
            prop_assert!(record::is_null(&new.columns[7], &back));
        }
        // Rows of the new table come back whole.
        let mut again = Vec::new();
        let whole = Plan::new(&new, |_| true);
        unpack(&new, &whole, &row, &mut back).unwrap();
        // SAFETY: the blob points into `row`.
        pack(&new, unsafe { Record::new(&back) }, &mut again);
        let mut third = vec![0; new.record_length];
        unpack(&new, &whole, &again, &mut third).unwrap();
        for number in [0, 1, 2, 3, 4, 6, 7] {
            assert_equal(&new, number, &back, &third);
        }
    }

    #[test]
    fn damaged_rows_are_refused_or_read_but_never_overrun(row in proptest::collection::vec(any::<u8>(), 0..80)) {
        let shape = shape();
        let mut back = vec![0; shape.record_length];
        let mut damaged = vec![1, 6, 0];
        damaged.extend_from_slice(&row);
        let _ = unpack(&shape, &Plan::new(&shape, |_| true), &damaged, &mut back);
    }
}

#[test]
fn char_loses_only_whole_patterns_of_padding() {
    let pattern = [0, 0x20];
    assert_eq!(
        record::without_padding(&[0, 0x41, 0, 0x20, 0, 0x20], &pattern),
        [0, 0x41]
    );
    assert_eq!(record::without_padding(&[0x20, 0, 0x20], &pattern), [0x20]);
    let mut place = [9; 5];
    record::fill(&mut place, &pattern);
    assert_eq!(place, [0, 0x20, 0, 0x20, 0]);
}

#[test]
fn row_of_another_table_is_refused() {
    let shape = shape();
    let plan = Plan::new(&shape, |_| true);
    let mut record = vec![0; shape.record_length];
    assert_eq!(
        unpack(&shape, &plan, &[1, 9, 0, 0, 0], &mut record),
        Err(CodecError::WrongColumnCount(9))
    );
    assert_eq!(
        unpack(&shape, &plan, &[1, 5, 0, 0xff], &mut record),
        Err(CodecError::WrongColumnCount(5))
    );
    assert_eq!(
        unpack(&shape, &plan, &[7, 6, 0, 0], &mut record),
        Err(CodecError::UnknownFormat(7))
    );
    assert_eq!(
        unpack(&shape, &plan, &[1], &mut record),
        Err(CodecError::Truncated)
    );
}
