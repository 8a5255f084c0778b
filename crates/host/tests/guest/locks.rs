//! Waits for locks: how they end, and that they leave nothing behind.

use crate::support::{Daemon, WAIT, begin, create_table, fill, insert, value, write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_guest::{
    Durability, Error, ErrorCode, Get, Isolation, Lock, LockWait, Rows, SavepointId, Session, WriteOp,
};

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

#[test]
fn what_was_sent_ahead_keeps_no_rollback_waiting() {
    let daemon = Daemon::start("");
    let mut holder = Session::new(daemon.client());
    let table = create_table(&mut holder, "t");
    fill(&mut holder, &table, 3);
    begin(&mut holder);
    for row in 0..3u32 {
        assert!(
            value(
                &mut holder,
                &table,
                &row.to_be_bytes(),
                Lock::Exclusive(LockWait::Wait)
            )
            .is_some()
        );
    }
    let mut session = Session::new(daemon.client());
    let send_ahead = |session: &mut Session| {
        for row in 0..3u32 {
            let key = row.to_be_bytes();
            let op = WriteOp::Put {
                index: table.indexes[0],
                key: &key,
                value: b"mine",
            };
            session.write_ahead(write(&table, vec![op], 0)).unwrap();
        }
    };
    let start = Instant::now();
    session.begin(Isolation::RepeatableRead, WAIT);
    session.set_savepoint(SavepointId(1)).unwrap();
    send_ahead(&mut session);
    session.rollback_to(SavepointId(1)).unwrap();
    // The answer tells that the host has come so far.
    insert(&mut session, &table, b"after", b"mine");
    send_ahead(&mut session);
    session.rollback().unwrap();
    assert!(start.elapsed() < WAIT, "it waited for locks");
    holder.rollback().unwrap();
    begin(&mut session);
    assert_eq!(value(&mut session, &table, b"after", Lock::None), None);
    for row in 0..3u32 {
        let found = value(&mut session, &table, &row.to_be_bytes(), Lock::None);
        assert_eq!(found.unwrap(), format!("row {row}").into_bytes());
    }
}

#[test]
fn a_deadlock_of_what_was_sent_ahead_is_told_when_that_is_undone() {
    let daemon = Daemon::start("");
    let mut heavy = Session::new(daemon.client());
    let table = create_table(&mut heavy, "t");
    fill(&mut heavy, &table, 2);
    let rows = [0u32, 1].map(u32::to_be_bytes);
    let exclusive = Lock::Exclusive(LockWait::Wait);
    begin(&mut heavy);
    for key in [b"x", b"y", b"z"] {
        insert(&mut heavy, &table, key, b"heavy");
    }
    assert!(value(&mut heavy, &table, &rows[1], exclusive).is_some());
    let mut light = Session::new(daemon.client());
    begin(&mut light);
    assert!(value(&mut light, &table, &rows[0], exclusive).is_some());
    light.set_savepoint(SavepointId(1)).unwrap();
    let op = WriteOp::Put {
        index: table.indexes[0],
        key: &rows[1],
        value: b"light",
    };
    light.write_ahead(write(&table, vec![op], 0)).unwrap();
    // Whoever closes the circle, the lighter one is its victim.
    assert!(value(&mut heavy, &table, &rows[0], exclusive).is_some());
    match light.rollback_to(SavepointId(1)) {
        Err(Error::Failed { code, .. }) => assert_eq!(code, ErrorCode::Deadlock),
        other => panic!("the transaction is over: {other:?}"),
    }
    assert!(!light.in_transaction());
    heavy.rollback().unwrap();
}
