//! Lists of transactions and locks, and the report of a deadlock.

use crate::support::{EXCLUSIVE, Fixture, apply, get_in};
use std::time::Duration;
use vamos_proto::{Isolation, LockKind, TransactionState};
use vamos_store::{Transaction, TransactionOptions};

fn begin_as(fixture: &Fixture, client: u64) -> Transaction {
    fixture.store().begin(TransactionOptions {
        lock_wait: Duration::from_secs(20),
        client,
        ..TransactionOptions::default()
    })
}

fn until_waiting(fixture: &Fixture, waiting: u64) {
    while fixture.store().status().locks_waiting < waiting {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn list_tells_who_waits_for_whom_and_for_what() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut holder = begin_as(&fixture, 11);
    apply(&mut holder, vec![fixture.insert(b"k", b"v")]).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get_in(&mut begin_as(&fixture, 12), index, b"k", EXCLUSIVE).unwrap());
        until_waiting(&fixture, 1);
        let list = fixture.store().list_transactions(10, 10);
        assert_eq!((list.open, list.transactions.len()), (2, 2));
        let [waiter, other] = &list.transactions[..] else {
            panic!("two transactions");
        };
        assert_eq!((waiter.client, waiter.state), (12, TransactionState::Waiting));
        assert_eq!(waiter.isolation, Isolation::RepeatableRead);
        let wait = waiter.wait.as_ref().unwrap();
        assert_eq!(wait.blockers, [other.id]);
        assert_eq!((&wait.lock.table[..], wait.lock.index), ("t", 0));
        assert_eq!((&wait.lock.key[..], wait.lock.kind), (&b"k"[..], LockKind::Row));
        assert_eq!((other.client, other.state), (11, TransactionState::Open));
        assert_eq!((other.locks, other.changes), (1, 1));
        let locks: Vec<_> = list
            .locks
            .iter()
            .map(|lock| (lock.transaction, lock.granted))
            .collect();
        assert_eq!(locks, [(other.id, true), (waiter.id, false)]);
        assert_eq!(fixture.store().list_transactions(1, 0).transactions.len(), 1);
        drop(holder);
        waiting.join().unwrap();
    });
    assert_eq!(fixture.store().list_transactions(10, 10), Default::default());
}

#[test]
fn last_deadlock_is_remembered_and_the_lighter_transaction_gives_way() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    assert_eq!(fixture.store().last_deadlock(), None);
    let mut heavy = begin_as(&fixture, 1);
    let mut light = begin_as(&fixture, 2);
    apply(
        &mut heavy,
        vec![fixture.insert(b"a", b""), fixture.insert(b"c", b"")],
    )
    .unwrap();
    apply(&mut light, vec![fixture.insert(b"b", b"")]).unwrap();
    std::thread::scope(|scope| {
        let victim = scope.spawn(|| get_in(&mut light, index, b"a", EXCLUSIVE).unwrap_err());
        until_waiting(&fixture, 1);
        // Closes the circle, and goes on when the other has given way.
        assert!(get_in(&mut heavy, index, b"b", EXCLUSIVE).unwrap().is_none());
        assert!(matches!(
            victim.join().unwrap(),
            vamos_store::StoreError::Deadlock
        ));
    });
    assert!(heavy.is_open() && !light.is_open());
    let deadlock = fixture.store().last_deadlock().unwrap();
    let [first, second] = &deadlock.circle[..] else {
        panic!("two transactions");
    };
    assert_eq!((first.transaction.client, second.transaction.client), (1, 2));
    assert_eq!(deadlock.victim, second.transaction.id);
    let wait = first.transaction.wait.as_ref().unwrap();
    assert_eq!((&wait.lock.table[..], &wait.lock.key[..]), ("t", &b"b"[..]));
    assert_eq!(second.holds.as_ref().unwrap().key, b"b");
    assert_eq!(first.holds.as_ref().unwrap().key, b"a");
    assert!(deadlock.unix_micros > 0);
}
