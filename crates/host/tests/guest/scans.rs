//! Scans and reads of many rows against a real vamosd.

use crate::support::{Daemon, begin, create_table, everything, fill, insert, keys, value, write};
use std::sync::Arc;
use vamos_guest::{
    Direction, Durability, KeyRange, Lock, LockWait, MultiGet, Rows, ScanSpec, Session, WriteOp, Written,
};
use vamos_proto::{IndexEntry, PrimaryKey};

#[test]
fn a_scan_returns_every_row_in_order_both_ways_however_many() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 50_000);
    begin(&mut session);
    let mut spec = ScanSpec::new(everything(table.indexes[0]));
    let forward = keys(&mut session, &spec);
    assert_eq!(forward.len(), 50_000);
    assert!(forward.is_sorted());
    spec.direction = Direction::Backward;
    let mut backward = keys(&mut session, &spec);
    backward.reverse();
    assert_eq!(forward, backward);
    session.rollback().unwrap();
}

#[test]
fn little_is_read_ahead_of_a_reader_that_stops_early() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let mut session = Session::new(Arc::clone(&client));
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 50_000);
    let bytes = |session: &mut Session| {
        session.publish_counters();
        client.totals().bytes_received
    };
    begin(&mut session);
    value(&mut session, &table, b"none", Lock::None);
    let before = bytes(&mut session);
    value(&mut session, &table, b"none", Lock::None);
    let other = bytes(&mut session) - before;
    session.rollback().unwrap();
    // What comes while so many rows are read, and the lane is then used for other
    // things: until so many bytes have come, but at most so often.
    let mut received = |first_rows: u32, rows: usize, enough: u64, most: u64| {
        begin(&mut session);
        let spec = ScanSpec {
            batch_rows: first_rows.max(2),
            first_rows,
            ..ScanSpec::new(everything(table.indexes[0]))
        };
        let before = bytes(&mut session);
        let mut cursor = session.scan(&spec).unwrap();
        let mut keys = Vec::new();
        while keys.len() < rows && session.next(&mut cursor).unwrap() {
            keys.push(cursor.row().key.to_vec());
        }
        let (mut others, mut ahead) = (0, 0);
        while others < most && ahead < enough {
            value(&mut session, &table, b"none", Lock::None);
            others += 1;
            ahead = bytes(&mut session) - before - others * other;
        }
        session.close(cursor);
        session.rollback().unwrap();
        // What was on its way comes before the answer, and is not counted next time.
        session.ping().unwrap();
        assert!(keys.is_sorted());
        (keys.len(), ahead, others)
    };
    let (_, without, others) = received(0, 10, 50_001, 100_000);
    let (_, with, _) = received(10, 10, u64::MAX, others.max(100));
    assert!(without > 50_000, "{without} bytes: this tests nothing");
    assert!(with < 5_000, "{with} bytes were sent for ten rows");
    // A reader that reads on against expectation gets all rows.
    for first_rows in [1, 10, 64, 65, 1000] {
        assert_eq!(received(first_rows, usize::MAX, 0, 0).0, 50_000);
    }
    // It is then read ahead of like any other.
    assert!(received(10, 11, 50_001, 100_000).1 > 50_000);
}

#[test]
fn two_scans_and_reads_share_a_lane() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 20_000);
    begin(&mut session);
    let spec = ScanSpec::new(everything(table.indexes[0]));
    let mut outer = session.scan(&spec).unwrap();
    let mut count = 0u32;
    while session.next(&mut outer).unwrap() {
        let key = outer.row().key.to_vec();
        if count.is_multiple_of(500) {
            assert_eq!(
                value(&mut session, &table, &key, Lock::None).unwrap(),
                format!("row {count}").as_bytes()
            );
            let low = ScanSpec {
                limit: 10,
                ..ScanSpec::new(KeyRange {
                    low: &key,
                    ..spec.range
                })
            };
            assert_eq!(keys(&mut session, &low).len(), 10);
        }
        count += 1;
    }
    session.close(outer);
    assert_eq!(count, 20_000);
    session.rollback().unwrap();
}

#[test]
fn an_open_cursor_sees_what_its_transaction_writes_ahead_of_it() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 1_000);
    begin(&mut session);
    let index = table.indexes[0];
    let mut cursor = session.scan(&ScanSpec::new(everything(index))).unwrap();
    for _ in 0..10 {
        assert!(session.next(&mut cursor).unwrap());
    }
    let (gone, new) = (500u32.to_be_bytes(), [0, 0, 2, 0, 7]);
    let ops = vec![
        WriteOp::Delete { index, key: &gone },
        WriteOp::Insert {
            index,
            key: &new,
            value: b"new",
        },
    ];
    assert_eq!(session.write(write(&table, ops, 0)).unwrap(), Written::Done);
    let mut rest = Vec::new();
    while session.next(&mut cursor).unwrap() {
        rest.push(cursor.row().key.to_vec());
    }
    assert_eq!(rest.len(), 990);
    assert!(rest.is_sorted());
    assert!(!rest.contains(&gone.to_vec()));
    assert!(rest.contains(&new.to_vec()));
    session.rollback().unwrap();
}

/// The entry `u` of row 1 in a unique index stays with the snapshot when another
/// session frees it, beside that of row 2, to which this one gives it.
#[test]
fn a_scan_that_begins_anew_between_two_rows_of_a_unique_entry_misses_none() {
    let daemon = Daemon::start("");
    let (mut session, mut other) = (Session::new(daemon.client()), Session::new(daemon.client()));
    let table = create_table(&mut session, "t");
    let (primary, unique) = (table.indexes[0], table.indexes[1]);
    let entry_of = |row: &[u8]| {
        let mut value = Vec::new();
        let (primary_key, extra) = (PrimaryKey::InValue(row), &b""[..]);
        IndexEntry { primary_key, extra }.encode(&mut value);
        value
    };
    for session in [&mut session, &mut other] {
        begin(session);
    }
    let add = |session: &mut Session, row: &[u8], entry: &[u8]| {
        let (index, value) = (primary, &b"row"[..]);
        let row_op = WriteOp::Insert {
            index,
            key: row,
            value,
        };
        let value = entry_of(row);
        let entry_op = WriteOp::Put {
            index: unique,
            key: entry,
            value: &value,
        };
        let written = session.write(write(&table, vec![row_op, entry_op], 0)).unwrap();
        assert_eq!(written, Written::Done);
    };
    add(&mut other, b"1", b"u");
    add(&mut other, b"9", b"v");
    other.commit(Durability::Commit).unwrap();
    assert_eq!(
        keys(&mut session, &ScanSpec::new(everything(unique))),
        [b"u", b"v"]
    );
    begin(&mut other);
    let value = entry_of(b"1");
    let moved = vec![
        WriteOp::Delete {
            index: unique,
            key: b"u",
        },
        WriteOp::Put {
            index: unique,
            key: b"w",
            value: &value,
        },
        WriteOp::Put {
            index: primary,
            key: b"1",
            value: b"moved",
        },
    ];
    assert_eq!(other.write(write(&table, moved, 0)).unwrap(), Written::Done);
    other.commit(Durability::Commit).unwrap();
    add(&mut session, b"2", b"u");
    assert_eq!(
        keys(&mut session, &ScanSpec::new(everything(unique))),
        [b"u", b"u", b"v"]
    );
    let mut expected = vec![&b"u"[..], b"u", b"v"];
    for (fetch, row, entry) in [(None, b"3", b"x"), (Some(primary), b"4", b"y")] {
        let spec = ScanSpec {
            fetch,
            ..ScanSpec::new(everything(unique))
        };
        let mut cursor = session.scan(&spec).unwrap();
        assert!(session.next(&mut cursor).unwrap());
        let mut found = vec![cursor.row().key.to_vec()];
        add(&mut session, row, entry);
        while session.next(&mut cursor).unwrap() {
            found.push(cursor.row().key.to_vec());
        }
        session.close(cursor);
        expected.push(entry);
        assert_eq!(found, expected);
    }
    session.rollback().unwrap();
}

#[test]
fn a_scan_rings_no_more_doorbells_for_more_rows() {
    // The host polls long enough to be awake whenever the guest has something.
    let daemon = Daemon::start("poll_budget_us = 20000");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 60_000);
    let index = table.indexes[0];
    let mut doorbells = |rows: u32| {
        begin(&mut session);
        let before = session.counters().doorbells_rung;
        let high = rows.to_be_bytes();
        let spec = ScanSpec::new(KeyRange {
            index,
            low: b"",
            high: &high,
        });
        assert_eq!(keys(&mut session, &spec).len(), rows as usize);
        session.commit(Durability::Never).unwrap();
        session.counters().doorbells_rung - before
    };
    let small = doorbells(10);
    let large = doorbells(60_000);
    assert!(
        large <= small + 3,
        "10 rows: {small} doorbells, 60,000 rows: {large}"
    );
}

#[test]
fn a_cursor_at_its_end_goes_on_with_what_its_transaction_adds_behind() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 3);
    begin(&mut session);
    let spec = ScanSpec::new(everything(table.indexes[0]));
    let mut cursor = session.scan(&spec).unwrap();
    while session.next(&mut cursor).unwrap() {}
    let new = 100u32.to_be_bytes();
    insert(&mut session, &table, &new, b"");
    assert!(session.next(&mut cursor).unwrap());
    assert_eq!(cursor.row().key, new);
    assert!(!session.next(&mut cursor).unwrap());
    session.rollback().unwrap();
}

#[test]
fn multi_get_returns_what_is_there_in_the_order_asked() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 10);
    begin(&mut session);
    let (seven, none, two) = (7u32.to_be_bytes(), 70u32.to_be_bytes(), 2u32.to_be_bytes());
    let get = MultiGet {
        index: table.indexes[0],
        keys: vec![&seven, &none, &two],
        lock: Lock::None,
    };
    let mut rows = Rows::default();
    assert_eq!(session.multi_get(&get, &mut rows).unwrap(), 3);
    let found: Vec<_> = rows.iter().map(|row| row.key.to_vec()).collect();
    assert_eq!(found, [seven.to_vec(), two.to_vec()]);
    session.rollback().unwrap();
}

#[test]
fn multi_get_of_large_rows_reads_some_of_the_keys() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    let keys: Vec<_> = (0..9u32).map(u32::to_be_bytes).collect();
    let large = vec![b'x'; 1 << 20];
    begin(&mut session);
    for key in keys.iter().filter(|key| key[3] != 2) {
        assert_eq!(insert(&mut session, &table, key, &large), Written::Done);
    }
    let locked = Lock::Exclusive(LockWait::Wait);
    for lock in [Lock::None, locked] {
        let mut rows = Rows::default();
        // The first one comes twice, the third is not there.
        let mut get = MultiGet {
            index: table.indexes[0],
            keys: [&keys[0]].into_iter().chain(&keys).map(|key| &key[..]).collect(),
            lock,
        };
        let mut found = Vec::new();
        let mut reads = 0;
        while !get.keys.is_empty() {
            let read = session.multi_get(&get, &mut rows).unwrap();
            get.keys.drain(..read);
            found.extend(rows.iter().map(|row| row.key[3]));
            reads += 1;
        }
        assert_eq!(found, [0, 0, 1, 3, 4, 5, 6, 7, 8]);
        assert_eq!(reads, 3);
    }
    session.rollback().unwrap();
}
