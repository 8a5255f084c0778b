//! Guest sessions against a real vamosd: what a middleware relies on.

use crate::support::{Daemon, create_table, everything, insert, write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_guest::{
    Direction, Durability, Error, ErrorCode, Get, Isolation, KeyRange, Lock, LockWait, MultiGet, Rows,
    SavepointId, ScanSpec, Session, Table, WriteOp, Written,
};

const WAIT: Duration = Duration::from_secs(20);

fn begin(session: &mut Session) {
    session.begin(Isolation::RepeatableRead, WAIT);
}

fn fill(session: &mut Session, table: &Table, rows: u32) {
    begin(session);
    for i in 0..rows {
        let (key, value) = (i.to_be_bytes(), format!("row {i}"));
        let op = WriteOp::Insert {
            index: table.indexes[0],
            key: &key,
            value: value.as_bytes(),
        };
        session.write_deferred(write(table, vec![op], 1)).unwrap();
    }
    session.commit(Durability::Never).unwrap();
}

fn keys(session: &mut Session, spec: &ScanSpec<'_>) -> Vec<Vec<u8>> {
    let mut cursor = session.scan(spec).unwrap();
    let mut keys = Vec::new();
    while session.next(&mut cursor).unwrap() {
        keys.push(cursor.row().key.to_vec());
    }
    session.close(cursor);
    keys
}

fn value(session: &mut Session, table: &Table, key: &[u8], lock: Lock) -> Option<Vec<u8>> {
    let mut rows = Rows::default();
    let found = session
        .get(
            &Get {
                index: table.indexes[0],
                key,
                lock,
                fetch: None,
            },
            &mut rows,
        )
        .unwrap();
    found.then(|| rows.row().unwrap().value.to_vec())
}

#[test]
fn committed_rows_are_seen_by_others_and_uncommitted_ones_are_not() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let (mut one, mut two) = (Session::new(Arc::clone(&client)), Session::new(client));
    let table = create_table(&mut one, "t");
    begin(&mut one);
    assert_eq!(insert(&mut one, &table, b"k", b"v"), Written::Done);
    assert_eq!(value(&mut one, &table, b"k", Lock::None).unwrap(), b"v");
    begin(&mut two);
    assert_eq!(value(&mut two, &table, b"k", Lock::None), None);
    one.commit(Durability::Commit).unwrap();
    assert_eq!(
        value(&mut two, &table, b"k", Lock::None),
        None,
        "a repeatable read repeats"
    );
    assert_eq!(
        value(&mut two, &table, b"k", Lock::Shared(LockWait::Wait)).unwrap(),
        b"v"
    );
    two.commit(Durability::Commit).unwrap();
}

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

#[test]
fn a_rollback_to_a_savepoint_undoes_what_came_after_it() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    begin(&mut session);
    insert(&mut session, &table, b"a", b"1");
    session.set_savepoint(SavepointId(1)).unwrap();
    insert(&mut session, &table, b"b", b"2");
    session.rollback_to(SavepointId(1)).unwrap();
    insert(&mut session, &table, b"c", b"3");
    session.commit(Durability::Commit).unwrap();
    begin(&mut session);
    assert_eq!(
        keys(&mut session, &ScanSpec::new(everything(table.indexes[0]))),
        [b"a", b"c"]
    );
    session.rollback().unwrap();
}

#[test]
fn a_duplicate_is_named_and_leaves_nothing_behind() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    begin(&mut session);
    insert(&mut session, &table, b"a", b"1");
    let (index, other) = (table.indexes[0], table.indexes[1]);
    let ops = vec![
        WriteOp::Insert {
            index: other,
            key: b"x",
            value: b"",
        },
        WriteOp::Insert {
            index,
            key: b"a",
            value: b"2",
        },
    ];
    assert_eq!(
        session.write(write(&table, ops, 1)).unwrap(),
        Written::Duplicate { op: 1 }
    );
    assert!(keys(&mut session, &ScanSpec::new(everything(other))).is_empty());
    session.commit(Durability::Commit).unwrap();
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
    assert_eq!(session.multi_get(get, &mut rows).unwrap(), 2);
    let found: Vec<_> = rows.iter().map(|row| row.key.to_vec()).collect();
    assert_eq!(found, [seven.to_vec(), two.to_vec()]);
    session.rollback().unwrap();
}

#[test]
fn a_lock_wait_times_out_and_the_transaction_goes_on() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let (mut one, mut two) = (Session::new(Arc::clone(&client)), Session::new(client));
    let table = create_table(&mut one, "t");
    fill(&mut one, &table, 2);
    let key = 0u32.to_be_bytes();
    begin(&mut one);
    value(&mut one, &table, &key, Lock::Exclusive(LockWait::Wait));
    two.begin(Isolation::RepeatableRead, Duration::from_millis(200));
    insert(&mut two, &table, b"mine", b"");
    let get = Get {
        index: table.indexes[0],
        key: &key,
        lock: Lock::Exclusive(LockWait::Wait),
        fetch: None,
    };
    let failed = two.get(&get, &mut Rows::default());
    assert!(
        matches!(
            failed,
            Err(Error::Failed {
                code: ErrorCode::LockWaitTimeout,
                ..
            })
        ),
        "{failed:?}"
    );
    let skipped = Get {
        lock: Lock::Exclusive(LockWait::Skip),
        ..get
    };
    assert!(!two.get(&skipped, &mut Rows::default()).unwrap());
    two.commit(Durability::Commit).unwrap();
    one.rollback().unwrap();
    begin(&mut one);
    assert!(value(&mut one, &table, b"mine", Lock::None).is_some());
    one.rollback().unwrap();
}

#[test]
fn a_deadlock_rolls_one_back_and_lets_the_other_go_on() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let (mut one, mut two) = (Session::new(Arc::clone(&client)), Session::new(client));
    let table = create_table(&mut one, "t");
    fill(&mut one, &table, 2);
    let (a, b) = (0u32.to_be_bytes(), 1u32.to_be_bytes());
    let index = table.indexes[0];
    let lock = Lock::Exclusive(LockWait::Wait);
    one.set_number(77);
    begin(&mut one);
    value(&mut one, &table, &a, lock);
    begin(&mut two);
    value(&mut two, &table, &b, lock);
    let waiting = std::thread::spawn(move || {
        let got = one
            .get(
                &Get {
                    index,
                    key: &b,
                    lock,
                    fetch: None,
                },
                &mut Rows::default(),
            )
            .map(drop);
        one.rollback().unwrap();
        got
    });
    std::thread::sleep(Duration::from_millis(100));
    let second = two
        .get(
            &Get {
                index,
                key: &a,
                lock,
                fetch: None,
            },
            &mut Rows::default(),
        )
        .map(drop);
    two.rollback().unwrap();
    let first = waiting.join().unwrap();
    let deadlocks = [&first, &second]
        .iter()
        .filter(|result| {
            matches!(
                result,
                Err(Error::Failed {
                    code: ErrorCode::Deadlock,
                    ..
                })
            )
        })
        .count();
    assert_eq!(deadlocks, 1, "{first:?} {second:?}");
    let report = two.last_deadlock().unwrap().unwrap();
    assert_eq!(report.circle.len(), 2);
    assert!(report.circle.iter().any(|part| part.transaction.client == 77));
    // Nobody waits for the answer to a rollback.
    let start = Instant::now();
    while two
        .list_transactions(10, 10)
        .is_ok_and(|list| (list.open, list.held) != (0, 0))
    {
        assert!(start.elapsed() < Duration::from_secs(20), "a lock stays");
        std::thread::sleep(Duration::from_millis(5));
    }
    begin(&mut two);
    assert!(value(&mut two, &table, &a, lock).is_some());
    two.rollback().unwrap();
}

#[test]
fn an_interrupt_ends_a_lock_wait_at_once() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let (mut one, mut two) = (Session::new(Arc::clone(&client)), Session::new(client));
    let table = create_table(&mut one, "t");
    fill(&mut one, &table, 1);
    let key = 0u32.to_be_bytes();
    begin(&mut one);
    value(&mut one, &table, &key, Lock::Exclusive(LockWait::Wait));
    begin(&mut two);
    let start = Instant::now();
    two.set_interrupt(Some(Box::new(move || {
        start.elapsed() > Duration::from_millis(100)
    })));
    let get = Get {
        index: table.indexes[0],
        key: &key,
        lock: Lock::Shared(LockWait::Wait),
        fetch: None,
    };
    let ended = two.get(&get, &mut Rows::default());
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "far below the lock wait timeout"
    );
    two.set_interrupt(None);
    two.rollback().unwrap();
    one.rollback().unwrap();
}

#[test]
fn a_value_larger_than_a_ring_arrives_whole() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    let large: Vec<u8> = (0..20_000_000u32).map(|i| ((i * 31) >> 3) as u8).collect();
    begin(&mut session);
    insert(&mut session, &table, b"large", &large);
    session.commit(Durability::Commit).unwrap();
    begin(&mut session);
    assert!(value(&mut session, &table, b"large", Lock::None).unwrap() == large);
    session.rollback().unwrap();
}

#[test]
fn a_commit_after_a_failed_deferred_write_commits_nothing() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let (mut one, mut two) = (Session::new(Arc::clone(&client)), Session::new(client));
    let table = create_table(&mut one, "t");
    fill(&mut one, &table, 1);
    let (index, key) = (table.indexes[0], 0u32.to_be_bytes());
    begin(&mut one);
    value(&mut one, &table, &key, Lock::Exclusive(LockWait::Wait));
    two.begin(Isolation::RepeatableRead, Duration::from_millis(100));
    let first = WriteOp::Insert {
        index,
        key: b"x",
        value: b"",
    };
    two.write_deferred(write(&table, vec![first], 1)).unwrap();
    let second = WriteOp::Put {
        index,
        key: &key,
        value: b"theirs",
    };
    two.write_deferred(write(&table, vec![second], 0)).unwrap();
    assert!(two.commit(Durability::Commit).is_err());
    one.rollback().unwrap();
    begin(&mut one);
    assert_eq!(value(&mut one, &table, b"x", Lock::None), None);
    one.rollback().unwrap();
}

#[test]
fn a_transaction_lost_with_the_worker_can_be_tried_again() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    begin(&mut session);
    insert(&mut session, &table, b"a", b"");
    daemon.kill_worker();
    let get = Get {
        index: table.indexes[0],
        key: b"a",
        lock: Lock::None,
        fetch: None,
    };
    let lost = session.get(&get, &mut Rows::default());
    assert!(matches!(lost, Err(Error::ConnectionLost { .. })), "{lost:?}");
    session.rollback().unwrap();
    let start = Instant::now();
    loop {
        begin(&mut session);
        match session.get(&get, &mut Rows::default()) {
            Ok(found) => {
                assert!(!found, "what was not committed is gone");
                break;
            }
            Err(Error::HostAway { .. } | Error::ConnectionLost { .. }) => session.rollback().unwrap(),
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < WAIT, "the worker does not come back");
        std::thread::sleep(Duration::from_millis(5));
    }
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
fn the_end_of_a_transaction_is_noticed_without_a_doorbell() {
    let daemon = Daemon::start("poll_budget_us = 0");
    let client = daemon.client();
    let mut one = Session::new(client);
    let table = create_table(&mut one, "t");
    fill(&mut one, &table, 1);
    begin(&mut one);
    value(&mut one, &table, &0u32.to_be_bytes(), Lock::None);
    std::thread::sleep(Duration::from_millis(100));
    let before = one.counters();
    one.commit(Durability::Commit).unwrap();
    assert_eq!(
        one.counters().doorbells_rung,
        before.doorbells_rung,
        "reading ends without a switch"
    );
    let start = Instant::now();
    while daemon.open_transactions() > 0 {
        assert!(start.elapsed() < WAIT, "the transaction is never ended");
        std::thread::sleep(Duration::from_millis(50));
    }
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
fn an_interrupt_while_settling_leaves_no_failure_behind() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let (mut one, mut two) = (Session::new(Arc::clone(&client)), Session::new(client));
    let table = create_table(&mut one, "t");
    fill(&mut one, &table, 1);
    let (index, key) = (table.indexes[0], 0u32.to_be_bytes());
    begin(&mut one);
    value(&mut one, &table, &key, Lock::Exclusive(LockWait::Wait));
    begin(&mut two);
    insert(&mut two, &table, b"kept", b"");
    two.set_savepoint(SavepointId(1)).unwrap();
    let put = WriteOp::Put {
        index,
        key: &key,
        value: b"theirs",
    };
    two.write_deferred(write(&table, vec![put], 0)).unwrap();
    let start = Instant::now();
    two.set_interrupt(Some(Box::new(move || {
        start.elapsed() > Duration::from_millis(100)
    })));
    assert!(matches!(two.settle_writes(), Err(Error::Interrupted)));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "far below the lock wait timeout"
    );
    two.set_interrupt(None);
    two.rollback_to(SavepointId(1)).unwrap();
    two.commit(Durability::Commit).unwrap();
    one.rollback().unwrap();
    begin(&mut one);
    assert!(value(&mut one, &table, b"kept", Lock::None).is_some());
    one.rollback().unwrap();
}
