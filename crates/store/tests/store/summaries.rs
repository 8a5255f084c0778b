//! Scans that sum up what they find.

use crate::support::{EXCLUSIVE, Fixture, apply, commit, rows};
use pollster::block_on;
use vamos_proto::program::{Field, Kind, Layout, Program, Summary, Summing, Total, Width};
use vamos_proto::{RowBlockBuilder, Scan, WriteOp};
use vamos_store::{Sieve, StoreError, Transaction};

/// Rows: one INT column.
fn row(number: i32) -> Vec<u8> {
    [&[1, 1, 0, 0][..], &number.to_le_bytes()].concat()
}

fn key(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn fill(fixture: &Fixture, numbers: std::ops::Range<u32>) {
    let mut transaction = fixture.begin();
    for number in numbers {
        apply(
            &mut transaction,
            vec![fixture.insert(&key(number), &row(number as i32))],
        )
        .unwrap();
    }
    commit(transaction);
}

fn summary(groups: Vec<u16>) -> Summary {
    Summary {
        program: Program {
            layout: Layout::Row(vec![Width::Fixed(4).into()]),
            fields: vec![Field {
                place: 0,
                kind: Kind::Signed,
            }],
            sets: vec![],
            weights: vec![],
            conditions: vec![],
        },
        groups,
        totals: vec![Total::Rows, Total::Sum(0)],
    }
}

/// What a client makes of the groups that come, and how many batches and groups
/// came.
fn sum_up(transaction: &mut Transaction, scan: &Scan<'_>, groups: Vec<u16>) -> (Summing, usize, usize) {
    let summary = summary(groups);
    let mut all = Summing::new(summary.clone()).unwrap();
    let sieve = Sieve::summing(&summary.encode()).unwrap();
    let mut cursor = transaction.scan_where(scan, sieve).unwrap();
    let (mut batches, mut came) = (0, 0);
    loop {
        let mut builder = RowBlockBuilder::new();
        let finished = block_on(transaction.next_batch(&mut cursor, &mut builder, 10, 1000)).unwrap();
        for (key, _, value) in rows(&builder) {
            all.merge(&key, &value).unwrap();
            came += 1;
        }
        batches += 1;
        if finished {
            return (all, batches, came);
        }
    }
}

/// How many rows, and their sum.
fn totals(transaction: &mut Transaction, scan: &Scan<'_>) -> (i128, Option<i128>) {
    let mut found = sum_up(transaction, scan, vec![]).0;
    let group = found.take_group().unwrap().unwrap();
    (group.totals[0].unwrap(), group.totals[1])
}

#[test]
fn a_summary_is_of_the_snapshot_and_of_own_changes() {
    let fixture = Fixture::new();
    fill(&fixture, 0..100);
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    assert_eq!(totals(&mut transaction, &scan), (100, Some(4950)));
    fill(&fixture, 100..110);
    assert_eq!(totals(&mut transaction, &scan), (100, Some(4950)));
    let (four, nine, hundred) = (key(4), key(9), row(100));
    let put = WriteOp::Put {
        index: fixture.primary(),
        key: &four,
        value: &hundred,
    };
    apply(&mut transaction, vec![put, fixture.delete(&nine)]).unwrap();
    assert_eq!(totals(&mut transaction, &scan), (99, Some(4950 + 96 - 9)));
    let mut other = fixture.begin();
    assert_eq!(totals(&mut other, &scan), (110, Some(5995)));
}

#[test]
fn nothing_is_a_group_too() {
    let fixture = Fixture::new();
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    assert_eq!(totals(&mut transaction, &scan), (0, None));
    assert!(sum_up(&mut transaction, &scan, vec![0]).0.is_empty());
}

#[test]
fn a_long_summary_lets_others_have_their_turn() {
    let fixture = Fixture::new();
    fill(&fixture, 0..10_000);
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    let (_, batches, came) = sum_up(&mut transaction, &scan, vec![]);
    assert!(batches > 2, "others wait for {batches} batches");
    assert_eq!(came, 1);
}

#[test]
fn more_groups_than_the_host_keeps_come_in_parts() {
    let fixture = Fixture::new();
    let mut transaction = fixture.begin();
    let count = 40_000u32;
    // Twice around, so that groups come again after they were sent.
    for number in 0..count {
        let value = row((number % (count / 2)) as i32);
        apply(&mut transaction, vec![fixture.insert(&key(number), &value)]).unwrap();
    }
    commit(transaction);
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    let (mut all, _, came) = sum_up(&mut transaction, &scan, vec![0]);
    assert!(
        came > count as usize / 2,
        "{came} groups came: all fitted, this tests nothing"
    );
    for number in 0..i128::from(count / 2) {
        let group = all.take_group().unwrap().unwrap();
        assert_eq!(
            (group.values, group.totals),
            (vec![Some(number)], vec![Some(2), Some(2 * number)])
        );
    }
    assert!(all.is_empty());
}

#[test]
fn what_cannot_be_summed_up_is_refused() {
    let fixture = Fixture::new();
    fill(&fixture, 0..3);
    let mut transaction = fixture.begin();
    let scan = fixture.whole(fixture.primary());
    let locking = Scan {
        lock: EXCLUSIVE,
        ..scan
    };
    let limited = Scan { limit: 2, ..scan };
    let fetching = Scan {
        fetch: Some(fixture.primary()),
        ..fixture.whole(fixture.secondary())
    };
    for scan in [locking, limited, fetching] {
        let sieve = Sieve::summing(&summary(vec![]).encode()).unwrap();
        let refused = transaction.scan_where(&scan, sieve);
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    let wrong = Summary {
        totals: vec![Total::Sum(7)],
        ..summary(vec![])
    };
    for bytes in [wrong.encode(), vec![0xff; 9]] {
        assert!(matches!(Sieve::summing(&bytes), Err(StoreError::Invalid { .. })));
    }
}
