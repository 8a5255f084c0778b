//! Guest sessions against a real vamosd: what a middleware relies on.

use crate::support::{Daemon, WAIT, begin, create_table, everything, fill, insert, keys, value, write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_guest::{
    AlterTable, AlterTables, Durability, Error, Get, Isolation, Lock, LockWait, Rows, SavepointId, ScanSpec,
    Session, WriteOp, Written, Xid,
};

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
fn a_lost_transaction_that_only_read_can_be_committed() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 1);
    begin(&mut session);
    assert!(value(&mut session, &table, &0u32.to_be_bytes(), Lock::None).is_some());
    daemon.kill_worker();
    // Whoever asks need not tell the transaction of it.
    assert!(session.ping().is_err());
    assert!(session.is_lost());
    session.commit(Durability::Commit).unwrap();
    assert!(!session.in_transaction());
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
fn what_is_prepared_and_left_does_not_end_with_what_comes_next() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    let xid = Xid {
        format: 1,
        global: b"x",
        branch: b"",
    };
    begin(&mut session);
    insert(&mut session, &table, b"prepared", b"1");
    assert!(session.prepare(&xid, Durability::Commit).unwrap());
    assert!(session.leave_prepared());
    assert!(!session.leave_prepared() && !session.in_transaction());
    begin(&mut session);
    insert(&mut session, &table, b"next", b"2");
    session.commit(Durability::Commit).unwrap();
    let mut other = Session::new(daemon.client());
    begin(&mut other);
    let all = ScanSpec::new(everything(table.indexes[0]));
    assert_eq!(keys(&mut other, &all), [b"next"]);
    other.rollback().unwrap();
    assert!(
        session.commit_by_xid(&xid).unwrap(),
        "it is not prepared any more"
    );
    begin(&mut other);
    assert_eq!(keys(&mut other, &all), [&b"next"[..], b"prepared"]);
    other.rollback().unwrap();
}

#[test]
fn a_table_is_known_after_a_loss_whatever_is_killed() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    session.set_interrupt(Some(Box::new(|| true)));
    for name in [&b"one"[..], b"two", b"three"] {
        let altered = AlterTable {
            table: table.table,
            definition: name,
            indexes: table.indexes.clone(),
        };
        session
            .alter_tables(AlterTables {
                tables: vec![altered],
            })
            .unwrap();
        daemon.kill_worker();
        let found = session.table_after_loss("t").unwrap();
        assert_eq!(found.definition, name);
    }
}
