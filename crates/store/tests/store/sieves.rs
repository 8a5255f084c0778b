//! Scans whose rows programs choose: consistent, through entries, and locking.

use crate::support::{EXCLUSIVE, Fixture, apply, get_in, rows, suffix_entry};
use pollster::block_on;
use vamos_proto::program::{
    Comparison, EntryLayout, Field, Kind, Layout, Op, Part, PartBytes, Program, Width,
};
use vamos_proto::{IndexEntry, Lock, LockWait, PrimaryKey, RowBlockBuilder, Scan, WriteOp};
use vamos_store::{Sieve, StoreError, Transaction};

/// Rows: one INT column.
fn row(number: i32) -> Vec<u8> {
    [&[1, 1, 0, 0][..], &number.to_le_bytes()].concat()
}

fn key(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn program(layout: Layout, kind: Kind, how: Comparison, value: i128) -> Vec<u8> {
    Program {
        layout,
        fields: vec![Field { place: 0, kind }],
        sets: vec![],
        weights: vec![],
        conditions: vec![vec![
            Op::Field(0),
            Op::Number { value, scale: 0 },
            Op::Compare(how),
        ]],
    }
    .encode()
}

/// Rows whose column compares so with the value.
fn on_rows(how: Comparison, value: i128) -> Vec<u8> {
    program(
        Layout::Row(vec![Width::Fixed(4).into()]),
        Kind::Signed,
        how,
        value,
    )
}

/// Entries whose key's first byte compares so with the value.
fn on_entries(how: Comparison, value: i128) -> Vec<u8> {
    let part = Part {
        nullable: false,
        reverse: false,
        bytes: PartBytes::Fixed(1),
    };
    let layout = EntryLayout {
        key: vec![part],
        primary: vec![],
        extra: vec![],
    };
    program(Layout::Entry(layout), Kind::KeyUnsigned, how, value)
}

/// The keys of all rows, how many batches they took, and how many rows were
/// rejected.
fn sift(transaction: &mut Transaction, scan: &Scan<'_>, sieve: Sieve) -> (Vec<Vec<u8>>, usize, u64) {
    let mut cursor = transaction.scan_where(scan, sieve).unwrap();
    let mut builder = RowBlockBuilder::new();
    let mut batches = 1;
    while !block_on(transaction.next_batch(&mut cursor, &mut builder, 1000, 1 << 20)).unwrap() {
        batches += 1;
    }
    let keys = rows(&builder).into_iter().map(|(key, ..)| key).collect();
    (keys, batches, cursor.take_rejected())
}

/// Rows 0, 1, ... with their numbers as values; in the secondary index by the
/// number's last digit.
fn fill(fixture: &Fixture, count: u32) {
    let mut transaction = fixture.begin();
    for number in 0..count {
        let (key, value) = (key(number), row(number as i32));
        let entry_key = [&[(number % 10) as u8][..], &key].concat();
        let mut entry = Vec::new();
        IndexEntry {
            primary_key: PrimaryKey::KeySuffix(4),
            extra: &[],
        }
        .encode(&mut entry);
        let ops = vec![fixture.insert(&key, &value), fixture.entry(&entry_key, &entry)];
        apply(&mut transaction, ops).unwrap();
    }
    crate::support::commit(transaction);
}

#[test]
fn only_rows_that_pass_come() {
    let fixture = Fixture::new();
    fill(&fixture, 100);
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    let sieve = Sieve::new(&[], &on_rows(Comparison::GreaterOrEqual, 97)).unwrap();
    let (found, _, rejected) = sift(&mut transaction, &scan, sieve);
    assert_eq!(found, [key(97), key(98), key(99)]);
    assert_eq!(rejected, 97);
    let limited = Scan { limit: 2, ..scan };
    let sieve = Sieve::new(&[], &on_rows(Comparison::Greater, 50)).unwrap();
    assert_eq!(sift(&mut transaction, &limited, sieve).0, [key(51), key(52)]);
}

#[test]
fn own_changes_are_judged_as_they_stand() {
    let fixture = Fixture::new();
    fill(&fixture, 10);
    let mut transaction = fixture.begin();
    let (four, hundred) = (key(4), row(100));
    let index = fixture.primary();
    let put = WriteOp::Put {
        index,
        key: &four,
        value: &hundred,
    };
    let nine = key(9);
    apply(&mut transaction, vec![put, fixture.delete(&nine)]).unwrap();
    let sieve = Sieve::new(&[], &on_rows(Comparison::Greater, 7)).unwrap();
    let scan = fixture.whole(index);
    assert_eq!(sift(&mut transaction, &scan, sieve).0, [key(4), key(8)]);
}

#[test]
fn entries_are_judged_before_their_rows() {
    let fixture = Fixture::new();
    fill(&fixture, 100);
    let mut transaction = fixture.begin();
    let scan = Scan {
        fetch: Some(fixture.primary()),
        ..fixture.whole(fixture.secondary())
    };
    let entries = on_entries(Comparison::Equal, 3);
    let sieve = Sieve::new(&entries, &on_rows(Comparison::Less, 20)).unwrap();
    let (found, _, rejected) = sift(&mut transaction, &scan, sieve);
    let entry = |number: u32| [&[3][..], &key(number)].concat();
    assert_eq!(found, [entry(3), entry(13)]);
    assert_eq!(rejected, 98);
    let covered = fixture.whole(fixture.secondary());
    let sieve = Sieve::new(&entries, &[]).unwrap();
    assert_eq!(sift(&mut transaction, &covered, sieve).0.len(), 10);
}

#[test]
fn a_batch_ends_though_nothing_passes() {
    let fixture = Fixture::new();
    fill(&fixture, 10_000);
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    let none = on_rows(Comparison::Less, 0);
    let (found, batches, rejected) = sift(&mut transaction, &scan, Sieve::new(&[], &none).unwrap());
    assert!(found.is_empty());
    assert!(batches > 2, "others wait for {batches} batches");
    assert_eq!(rejected, 10_000);
    let fetching = Scan {
        fetch: Some(fixture.primary()),
        ..fixture.whole(fixture.secondary())
    };
    let sieve = Sieve::new(&on_entries(Comparison::Greater, 10), &[]).unwrap();
    let (found, batches, _) = sift(&mut transaction, &fetching, sieve);
    assert!(found.is_empty() && batches > 2);
}

#[test]
fn few_large_rows_are_looked_at_for_a_batch() {
    let fixture = Fixture::new();
    let mut transaction = fixture.begin();
    for number in 0..40 {
        let (key, value) = (key(number), [row(number as i32), vec![0; 1 << 20]].concat());
        let entry_key = [&[7][..], &key].concat();
        let entry = suffix_entry(4);
        let ops = vec![fixture.insert(&key, &value), fixture.entry(&entry_key, &entry)];
        apply(&mut transaction, ops).unwrap();
    }
    crate::support::commit(transaction);
    let mut transaction = fixture.begin();
    let none = on_rows(Comparison::Less, 0);
    let fetching = Scan {
        fetch: Some(fixture.primary()),
        ..fixture.whole(fixture.secondary())
    };
    let locking = Scan {
        lock: EXCLUSIVE,
        ..fixture.whole(fixture.primary())
    };
    for scan in [fixture.whole(fixture.primary()), fetching, locking] {
        let (found, batches, _) = sift(&mut transaction, &scan, Sieve::new(&[], &none).unwrap());
        assert!(found.is_empty());
        assert!(batches >= 8, "others wait for {batches} batches of 40 MiB");
    }
}

#[test]
fn rows_that_a_locking_scan_rejects_are_locked() {
    let fixture = Fixture::new();
    fill(&fixture, 5);
    let mut transaction = fixture.begin();
    let scan = Scan {
        lock: EXCLUSIVE,
        ..fixture.whole(fixture.primary())
    };
    let sieve = Sieve::new(&[], &on_rows(Comparison::Equal, 2)).unwrap();
    let (found, _, rejected) = sift(&mut transaction, &scan, sieve);
    assert_eq!((found, rejected), (vec![key(2)], 4));
    let mut other = fixture.begin();
    let refused = get_in(
        &mut other,
        fixture.primary(),
        &key(4),
        Lock::Exclusive(LockWait::Fail),
    );
    assert!(
        matches!(refused, Err(StoreError::LockNotAvailable)),
        "{refused:?}"
    );
}

#[test]
fn bytes_that_are_no_program_are_refused() {
    assert!(matches!(
        Sieve::new(&[], &[0xff; 9]),
        Err(StoreError::Invalid { .. })
    ));
    assert!(matches!(Sieve::new(&[7], &[]), Err(StoreError::Invalid { .. })));
}
