//! Sessions that are idle: what they leave on the host, and what they make of its restart.

use crate::support::{Daemon, WAIT, begin, create_table, everything, fill, insert, keys, value, write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_guest::{Durability, Error, Lock, ScanSpec, Session, Table, WriteOp};

/// Kills the worker and waits until another one serves.
fn restart_worker(daemon: &Daemon) {
    let former = daemon.worker().expect("a worker");
    daemon.kill_worker();
    let start = Instant::now();
    while daemon.worker().is_none_or(|worker| worker == former)
        || Session::new(daemon.client()).ping().is_err()
    {
        assert!(start.elapsed() < WAIT, "the worker does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn an_idle_session_goes_on_after_a_restart(daemon: &Daemon) {
    let client = daemon.client();
    let mut asks = Session::new(Arc::clone(&client));
    let mut reads = Session::new(Arc::clone(&client));
    let mut writes = Session::new(client);
    let table = create_table(&mut asks, "t");
    fill(&mut Session::new(daemon.client()), &table, 3);
    let key = 1_u32.to_be_bytes();
    begin(&mut reads);
    assert_eq!(value(&mut reads, &table, &key, Lock::None).unwrap(), b"row 1");
    reads.commit(Durability::Commit).unwrap();
    begin(&mut writes);
    insert(&mut writes, &table, b"before", b"");
    writes.commit(Durability::Commit).unwrap();
    restart_worker(daemon);
    begin(&mut reads);
    assert_eq!(value(&mut reads, &table, &key, Lock::None).unwrap(), b"row 1");
    assert_eq!(value(&mut reads, &table, b"before", Lock::None).unwrap(), b"");
    reads.commit(Durability::Commit).unwrap();
    begin(&mut writes);
    insert(&mut writes, &table, b"behind", b"");
    writes.commit(Durability::Commit).unwrap();
    assert_eq!(asks.open_table("t").unwrap().table, table.table);
    begin(&mut reads);
    assert_eq!(
        keys(&mut reads, &ScanSpec::new(everything(table.indexes[0]))).len(),
        5,
        "each row is there once"
    );
    reads.rollback().unwrap();
}

#[test]
fn an_idle_session_goes_on_after_a_restart_with_a_window() {
    an_idle_session_goes_on_after_a_restart(&Daemon::start("window = \"memfd\""));
}

#[test]
fn an_idle_session_goes_on_after_a_restart_without_a_window() {
    an_idle_session_goes_on_after_a_restart(&Daemon::start("window = \"none\""));
}

#[test]
fn a_session_hears_of_a_restart_by_which_it_may_have_lost_a_commit() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    begin(&mut session);
    insert(&mut session, &table, b"first part", b"");
    session.commit(Durability::Never).unwrap();
    restart_worker(&daemon);
    begin(&mut session);
    let op = WriteOp::Insert {
        index: table.indexes[0],
        key: b"second part",
        value: b"",
    };
    let written = session.write(write(&table, vec![op], 1));
    assert!(
        matches!(written, Err(Error::ConnectionLost { .. })),
        "{written:?}"
    );
    session.rollback().unwrap();
    begin(&mut session);
    assert_eq!(value(&mut session, &table, b"second part", Lock::None), None);
    session.rollback().unwrap();
}

#[test]
fn a_session_hears_of_a_restart_amid_the_building_of_an_index() {
    let daemon = Daemon::start("");
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    session.begin_build(table.table, 1).unwrap();
    restart_worker(&daemon);
    let round = session.build_round(table.table);
    assert!(matches!(round, Err(Error::ConnectionLost { .. })), "{round:?}");
}

fn what_has_only_read_is_ended(daemon: &Daemon) {
    let mut session = Session::new(daemon.client());
    let table = create_table(&mut session, "t");
    fill(&mut session, &table, 10_000);
    begin(&mut session);
    let mut cursor = session
        .scan(&ScanSpec::new(everything(table.indexes[0])))
        .unwrap();
    assert!(session.next(&mut cursor).unwrap());
    assert_eq!(daemon.open_transactions(), 1);
    session.close(cursor);
    session.commit(Durability::Commit).unwrap();
    // The session stays connected, and sends nothing more.
    let start = Instant::now();
    while daemon.open_transactions() > 0 {
        assert!(start.elapsed() < WAIT, "the transaction is never ended");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(value_in_a_transaction(&mut session, &table), b"row 1");
}

fn value_in_a_transaction(session: &mut Session, table: &Table) -> Vec<u8> {
    begin(session);
    let value = value(session, table, &1_u32.to_be_bytes(), Lock::None).unwrap();
    session.rollback().unwrap();
    value
}

#[test]
fn what_has_only_read_is_ended_with_a_window() {
    what_has_only_read_is_ended(&Daemon::start("window = \"memfd\""));
}

#[test]
fn what_has_only_read_is_ended_without_a_window() {
    what_has_only_read_is_ended(&Daemon::start("window = \"none\""));
}
