//! Many ranges in one request, and writes whose answers are waited for later.

use crate::support::{Daemon, create_table, write};
use std::time::Duration;
use vamos_guest::{
    Direction, Durability, Isolation, KeyRange, Lock, LockWait, ScanSpec, Session, Table, WriteOp, Written,
};

fn begin(session: &mut Session) {
    session.begin(Isolation::RepeatableRead, Duration::from_secs(20));
}

fn fill(session: &mut Session, table: &Table, rows: u32) {
    begin(session);
    let keys: Vec<_> = (0..rows).map(u32::to_be_bytes).collect();
    let ops = keys.iter().map(|key| put(table, key, b"value")).collect();
    session.write_deferred(write(table, ops, rows.into())).unwrap();
    session.commit(Durability::Never).unwrap();
    begin(session);
}

fn put<'a>(table: &Table, key: &'a [u8], value: &'a [u8]) -> WriteOp<'a> {
    let index = table.indexes[0];
    WriteOp::Put { index, key, value }
}

/// Ranges of numbers; two equal ones are one key.
fn bytes(ranges: &[(u32, u32)]) -> Vec<([u8; 4], [u8; 4])> {
    let pair = |&(low, high): &(u32, u32)| (low.to_be_bytes(), high.to_be_bytes());
    ranges.iter().map(pair).collect()
}

fn open(session: &mut Session, table: &Table, lock: Lock, ranges: &[(u32, u32)]) -> vamos_guest::Cursor {
    let ranges = bytes(ranges);
    let more: Vec<_> = ranges[1..]
        .iter()
        .map(|(low, high)| (&low[..], &high[..]))
        .collect();
    let spec = ScanSpec {
        range: KeyRange {
            index: table.indexes[0],
            low: &ranges[0].0,
            high: &ranges[0].1,
        },
        direction: Direction::Forward,
        lock,
        fetch: None,
        batch_rows: 2,
        max_batch_rows: if lock == Lock::None { 0 } else { 3 },
        limit: 0,
        first_rows: 0,
    };
    session.scan_ranges(&spec, &more).unwrap()
}

fn rest_of_range(session: &mut Session, cursor: &mut vamos_guest::Cursor) -> Vec<u32> {
    let mut found = Vec::new();
    while session.next(cursor).unwrap() {
        found.push(u32::from_be_bytes(cursor.row().key.try_into().unwrap()));
    }
    found
}

#[test]
fn ranges_come_one_behind_the_other_each_with_its_end() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 1000);
    let ranges = [
        (10, 13),
        (7, 7),
        (2000, 3000),
        (5000, 5000),
        (0, 2),
        (500, 900),
        (7, 7),
    ];
    for lock in [Lock::None, Lock::Exclusive(LockWait::Wait)] {
        let mut cursor = open(&mut session, &table, lock, &ranges);
        let mut found = vec![rest_of_range(&mut session, &mut cursor)];
        while session.next_range(&mut cursor).unwrap() {
            found.push(rest_of_range(&mut session, &mut cursor));
        }
        let many: Vec<u32> = (500..900).collect();
        assert_eq!(
            found,
            [
                vec![10, 11, 12],
                vec![7],
                vec![],
                vec![],
                vec![0, 1],
                many,
                vec![7]
            ]
        );
        session.close(cursor);
    }
}

#[test]
fn what_is_left_of_a_range_is_passed_over() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 1000);
    let mut cursor = open(&mut session, &table, Lock::None, &[(0, 900), (5, 6), (950, 960)]);
    assert!(session.next(&mut cursor).unwrap());
    assert!(session.next_range(&mut cursor).unwrap());
    assert_eq!(rest_of_range(&mut session, &mut cursor), [5]);
    assert!(session.next_range(&mut cursor).unwrap());
    assert!(session.next_range(&mut cursor).is_ok_and(|more| !more));
}

#[test]
fn changes_of_ranges_to_come_are_seen() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 100);
    let mut cursor = open(
        &mut session,
        &table,
        Lock::None,
        &[(0, 3), (50, 50), (60, 63), (200, 200)],
    );
    assert!(session.next(&mut cursor).unwrap());
    let (deleted, added) = (61u32.to_be_bytes(), 200u32.to_be_bytes());
    let index = table.indexes[0];
    let ops = vec![
        WriteOp::Delete { index, key: &deleted },
        put(&table, &added, b"new"),
    ];
    session.write(write(&table, ops, 0)).unwrap();
    assert_eq!(rest_of_range(&mut session, &mut cursor), [1, 2]);
    assert!(session.next_range(&mut cursor).unwrap());
    assert_eq!(rest_of_range(&mut session, &mut cursor), [50]);
    assert!(session.next_range(&mut cursor).unwrap());
    assert_eq!(rest_of_range(&mut session, &mut cursor), [60, 62]);
    assert!(session.next_range(&mut cursor).unwrap());
    assert_eq!(rest_of_range(&mut session, &mut cursor), [200]);
}

#[test]
fn too_many_ranges_are_refused_and_the_session_goes_on() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 10);
    let mut cursor = open(&mut session, &table, Lock::None, &vec![(1, 2); 5000]);
    assert!(session.next(&mut cursor).is_err());
    session.close(cursor);
    let mut cursor = open(&mut session, &table, Lock::None, &[(1, 2), (3, 4)]);
    assert_eq!(rest_of_range(&mut session, &mut cursor), [1]);
}

#[test]
fn writes_are_answered_in_their_order_whatever_is_asked_between() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 10);
    let index = table.indexes[0];
    let (taken, free, other) = (3u32.to_be_bytes(), 30u32.to_be_bytes(), 31u32.to_be_bytes());
    let insert = |key| WriteOp::Insert {
        index,
        key,
        value: b"inserted",
    };
    let first = session
        .write_ahead(write(&table, vec![insert(&free)], 1))
        .unwrap();
    let second = session
        .write_ahead(write(&table, vec![insert(&other), insert(&taken)], 2))
        .unwrap();
    let mut cursor = open(&mut session, &table, Lock::None, &[(30, 32), (5, 5)]);
    assert_eq!(
        rest_of_range(&mut session, &mut cursor),
        [30],
        "the second was not carried out"
    );
    assert_eq!(session.written(first).unwrap(), Written::Done);
    assert_eq!(session.written(second).unwrap(), Written::Duplicate { op: 1 });
    session.close(cursor);
    session.commit(Durability::Never).unwrap();
}

#[test]
fn a_rollback_forgets_writes_under_way() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 10);
    let key = 40u32.to_be_bytes();
    for _ in 0..3 {
        session
            .write_ahead(write(&table, vec![put(&table, &key, b"v")], 1))
            .unwrap();
    }
    session.rollback().unwrap();
    begin(&mut session);
    let mut cursor = open(&mut session, &table, Lock::None, &[(40, 40), (9, 9)]);
    assert!(rest_of_range(&mut session, &mut cursor).is_empty());
    assert!(session.next_range(&mut cursor).unwrap());
    assert_eq!(rest_of_range(&mut session, &mut cursor), [9]);
}
