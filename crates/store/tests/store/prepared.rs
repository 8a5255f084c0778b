use crate::support::{EXCLUSIVE, Fixture, apply, commit_id, get_in, write};
use pollster::block_on;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;
use vamos_proto::{
    CommitId, CommitPrepared, Counter, CounterRaise, Durability, ErrorCode, Lock, Prepare, Recover,
    RollbackPrepared, Ticket, Write, Xid,
};
use vamos_store::{StoreError, Transaction, TransactionOptions};

const SERVER: [u8; 16] = [3; 16];

fn xid(global: &[u8]) -> Xid<'_> {
    Xid {
        format: 1,
        global,
        branch: b"branch",
    }
}

fn prepare<'a>(global: &'a [u8], number: u64) -> Prepare<'a> {
    Prepare {
        xid: xid(global),
        durability: Durability::Commit,
        id: commit_id(number),
        server: SERVER,
    }
}

fn commit<'a>(global: &'a [u8], id: CommitId, ticket: Option<u64>) -> CommitPrepared<'a> {
    CommitPrepared {
        xid: xid(global),
        durability: Durability::Commit,
        id,
        ticket: ticket.map(|number| Ticket {
            server: SERVER,
            number,
        }),
    }
}

fn rollback(global: &[u8]) -> RollbackPrepared<'_> {
    RollbackPrepared {
        xid: xid(global),
        attempt: None,
    }
}

/// A transaction that inserts this key, and has raised a counter.
fn inserting(fixture: &Fixture, key: &[u8]) -> Transaction {
    let mut transaction = fixture.begin();
    let raise = CounterRaise {
        table: fixture.table.table,
        counter: Counter::AutoIncrement,
        next: 40,
    };
    let change = Write {
        raise: vec![raise],
        row_delta: 1,
        table: fixture.table.table,
        ..write(vec![fixture.insert(key, b"v"), fixture.entry(key, b"e")])
    };
    block_on(transaction.apply(&change)).unwrap();
    transaction
}

fn names(fixture: &Fixture) -> Vec<Vec<u8>> {
    let recover = Recover {
        server: SERVER,
        after: None,
        limit: 100,
    };
    let list = block_on(fixture.store().prepared(&recover)).unwrap();
    list.iter().map(|one| one.xid().global.to_vec()).collect()
}

fn value(fixture: &Fixture, key: &[u8]) -> Option<Vec<u8>> {
    get_in(&mut fixture.begin(), fixture.primary(), key, Lock::None).unwrap()
}

fn is_locked(fixture: &Fixture, key: &[u8]) -> bool {
    let mut other = fixture.begin();
    other.set_lock_wait(Duration::from_millis(1));
    match get_in(&mut other, fixture.primary(), key, EXCLUSIVE) {
        Ok(_) => false,
        Err(StoreError::LockWaitTimeout { .. }) => true,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn prepared_transactions_survive_a_restart_with_their_locks_and_commit() {
    let mut fixture = Fixture::new();
    block_on(inserting(&fixture, b"a").prepare(&prepare(b"one", 1))).unwrap();
    for _ in 0..2 {
        assert_eq!(names(&fixture), [b"one"]);
        assert_eq!(value(&fixture, b"a"), None);
        assert!(is_locked(&fixture, b"a"));
        assert!(!is_locked(&fixture, b"b"));
        assert_eq!(fixture.store().status().prepared, 1);
        fixture.reopen();
    }
    block_on(
        fixture
            .store()
            .commit_prepared(&commit(b"one", commit_id(2), None)),
    )
    .unwrap();
    for _ in 0..2 {
        assert_eq!(value(&fixture, b"a").unwrap(), b"v");
        assert!(!is_locked(&fixture, b"a"));
        assert_eq!(names(&fixture), [b""; 0]);
        let table = fixture.store().open_table("t").unwrap();
        assert_eq!(table.counters[0], 40);
        assert_eq!(fixture.store().table_stats(table.table).unwrap().rows, 1);
        fixture.reopen();
    }
    // Asked for again after its answer was lost, also after a restart.
    block_on(
        fixture
            .store()
            .commit_prepared(&commit(b"one", commit_id(2), None)),
    )
    .unwrap();
    let unknown = block_on(
        fixture
            .store()
            .commit_prepared(&commit(b"one", commit_id(3), None)),
    );
    assert_eq!(unknown.unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn rolled_back_prepared_transactions_leave_nothing() {
    let mut fixture = Fixture::new();
    block_on(inserting(&fixture, b"a").prepare(&prepare(b"one", 1))).unwrap();
    block_on(inserting(&fixture, b"b").prepare(&prepare(b"two", 2))).unwrap();
    block_on(fixture.store().rollback_prepared(&rollback(b"one"))).unwrap();
    assert!(!is_locked(&fixture, b"a"));
    fixture.reopen();
    block_on(fixture.store().rollback_prepared(&rollback(b"two"))).unwrap();
    fixture.reopen();
    assert_eq!(names(&fixture), [b""; 0]);
    assert_eq!((value(&fixture, b"a"), value(&fixture, b"b")), (None, None));
    let again = block_on(fixture.store().rollback_prepared(&rollback(b"two")));
    assert_eq!(again.unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn a_preparation_that_was_given_up_is_refused_when_it_comes() {
    let fixture = Fixture::new();
    let late = inserting(&fixture, b"a");
    let give_up = RollbackPrepared {
        xid: xid(b"one"),
        attempt: Some(commit_id(1)),
    };
    let found = block_on(fixture.store().rollback_prepared(&give_up));
    assert_eq!(found.unwrap_err().code(), ErrorCode::NotFound);
    let refused = block_on(late.prepare(&prepare(b"one", 1)));
    assert!(matches!(refused, Err(StoreError::CommitGivenUp { .. })));
    assert!(!is_locked(&fixture, b"a"));
}

#[test]
fn a_preparation_under_way_is_rolled_back_with_its_attempt() {
    let fixture = Fixture::new();
    {
        let prepare = prepare(b"one", 1);
        let mut abandoned = pin!(inserting(&fixture, b"a").prepare(&prepare));
        let _ = abandoned.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    let give_up = RollbackPrepared {
        xid: xid(b"one"),
        attempt: Some(commit_id(1)),
    };
    block_on(fixture.store().rollback_prepared(&give_up)).unwrap();
    assert_eq!(names(&fixture), [b""; 0]);
    assert!(!is_locked(&fixture, b"a"));
}

#[test]
fn a_late_rollback_leaves_what_was_prepared_under_the_same_name_since() {
    let mut fixture = Fixture::new();
    block_on(inserting(&fixture, b"a").prepare(&prepare(b"one", 1))).unwrap();
    let first = RollbackPrepared {
        xid: xid(b"one"),
        attempt: Some(commit_id(1)),
    };
    block_on(fixture.store().rollback_prepared(&first)).unwrap();
    block_on(inserting(&fixture, b"b").prepare(&prepare(b"one", 2))).unwrap();
    for _ in 0..2 {
        let late = block_on(fixture.store().rollback_prepared(&first));
        assert_eq!(late.unwrap_err().code(), ErrorCode::NotFound);
        assert_eq!(names(&fixture), [b"one"]);
        fixture.reopen();
    }
    // Its name alone is enough for whoever does not know it.
    block_on(fixture.store().rollback_prepared(&rollback(b"one"))).unwrap();
    assert_eq!(names(&fixture), [b""; 0]);
}

#[test]
fn a_repeated_commit_leaves_what_was_prepared_under_the_same_name_since() {
    let other = CommitId {
        session: [8; 16],
        number: 1,
    };
    // The session's own commit, and another's by the name.
    for id in [commit_id(2), other] {
        let mut fixture = Fixture::new();
        block_on(inserting(&fixture, b"a").prepare(&prepare(b"one", 1))).unwrap();
        let first = commit(b"one", id, None);
        block_on(fixture.store().commit_prepared(&first)).unwrap();
        block_on(inserting(&fixture, b"b").prepare(&prepare(b"one", 3))).unwrap();
        for _ in 0..2 {
            block_on(fixture.store().commit_prepared(&first)).unwrap();
            assert_eq!(names(&fixture), [b"one"]);
            assert_eq!(value(&fixture, b"b"), None);
            fixture.reopen();
        }
        block_on(
            fixture
                .store()
                .commit_prepared(&commit(b"one", commit_id(4), None)),
        )
        .unwrap();
        assert_eq!(value(&fixture, b"b").unwrap(), b"v");
    }
}

#[test]
fn names_are_unique_and_their_number_and_bytes_have_limits() {
    let fixture = Fixture::with(|options| options.max_prepared = 2);
    block_on(inserting(&fixture, b"a").prepare(&prepare(b"one", 1))).unwrap();
    let taken = block_on(inserting(&fixture, b"b").prepare(&prepare(b"one", 2)));
    assert!(matches!(taken, Err(StoreError::XidTaken { .. })));
    assert!(!is_locked(&fixture, b"b"));
    block_on(inserting(&fixture, b"b").prepare(&prepare(b"two", 3))).unwrap();
    let full = block_on(inserting(&fixture, b"c").prepare(&prepare(b"three", 4)));
    assert!(matches!(full, Err(StoreError::TooManyPrepared { .. })));
    let long = block_on(inserting(&fixture, b"c").prepare(&prepare(&[1; 65], 5)));
    assert_eq!(long.unwrap_err().code(), ErrorCode::Invalid);

    let fixture = Fixture::with(|options| options.max_prepared_bytes = 10);
    let large = block_on(inserting(&fixture, b"c").prepare(&prepare(b"one", 1)));
    assert!(matches!(large, Err(StoreError::TooManyPrepared { .. })));
    assert_eq!(fixture.store().status().prepared_bytes, 0);
}

#[test]
fn lists_go_on_behind_a_name_and_shut_other_servers_out() {
    let fixture = Fixture::new();
    for (number, name) in [b"a", b"b", b"c"].into_iter().enumerate() {
        let key = [number as u8];
        block_on(inserting(&fixture, &key).prepare(&prepare(name, number as u64 + 1))).unwrap();
    }
    let mut after = None;
    let mut found = Vec::new();
    loop {
        let recover = Recover {
            server: [4; 16],
            after: after.as_ref().map(vamos_store::PreparedTransaction::xid),
            limit: 2,
        };
        let mut list = block_on(fixture.store().prepared(&recover)).unwrap();
        found.extend(list.iter().map(|one| one.xid().global.to_vec()));
        match list.pop() {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    assert_eq!(found, [b"a", b"b", b"c"]);
    let old = block_on(inserting(&fixture, b"k").prepare(&prepare(b"d", 9)));
    assert!(matches!(old, Err(StoreError::OtherServer)));
}

#[test]
fn a_table_that_a_prepared_transaction_changes_stays() {
    let mut fixture = Fixture::new();
    block_on(inserting(&fixture, b"a").prepare(&prepare(b"one", 1))).unwrap();
    for _ in 0..2 {
        let store = fixture.store();
        assert!(matches!(
            store.drop_table("t"),
            Err(StoreError::TableInUse { .. })
        ));
        assert!(matches!(
            store.truncate_table("t"),
            Err(StoreError::TableInUse { .. })
        ));
        assert!(matches!(
            store.rename_table("t", "u"),
            Err(StoreError::TableInUse { .. })
        ));
        let table = store.open_table("t").unwrap().table;
        assert!(store.table_stats(table).unwrap().prepared);
        fixture.put(b"other", b"v");
        fixture.reopen();
    }
    block_on(
        fixture
            .store()
            .commit_prepared(&commit(b"one", commit_id(2), None)),
    )
    .unwrap();
    let table = fixture.store().open_table("t").unwrap().table;
    assert!(!fixture.store().table_stats(table).unwrap().prepared);
    fixture.store().drop_table("t").unwrap();
}

#[test]
fn commits_are_done_in_the_order_of_their_tickets() {
    let fixture = Fixture::new();
    for (number, name) in [b"a", b"b", b"c"].into_iter().enumerate() {
        block_on(inserting(&fixture, name).prepare(&prepare(name, number as u64 + 1))).unwrap();
    }
    let session = |n| CommitId {
        session: [n; 16],
        number: 1,
    };
    let (fixture, store) = (&fixture, fixture.store());
    std::thread::scope(|scope| {
        for (name, number) in [(b"c", 3), (b"b", 2)] {
            scope.spawn(move || {
                let commit = commit(name, session(number as u8), Some(number));
                block_on(store.commit_prepared(&commit)).unwrap();
                // Whoever is done finds those before it done.
                for earlier in [b"a", b"b", b"c"].into_iter().take(number as usize) {
                    assert!(value(fixture, earlier).is_some(), "{number}");
                }
            });
        }
        std::thread::sleep(Duration::from_millis(5));
        block_on(store.commit_prepared(&commit(b"a", session(1), Some(1)))).unwrap();
    });
    let last = Ticket {
        server: SERVER,
        number: 3,
    };
    block_on(store.barrier(last, true)).unwrap();
    // One that nobody commits is passed over before long.
    let missing = Ticket {
        server: SERVER,
        number: 5,
    };
    block_on(store.barrier(missing, false)).unwrap();
}

#[test]
fn lock_waits_are_told_by_client_and_also_of_who_is_prepared() {
    let fixture = Fixture::new();
    let begin = |client| {
        fixture.store().begin(TransactionOptions {
            client,
            ..TransactionOptions::default()
        })
    };
    let (mut first, mut second, mut third) = (begin(7), begin(8), begin(9));
    apply(&mut first, vec![fixture.insert(b"a", b"v")]).unwrap();
    block_on(first.prepare(&prepare(b"one", 1))).unwrap();
    apply(&mut second, vec![fixture.insert(b"b", b"v")]).unwrap();
    {
        let (a, b) = (
            write(vec![fixture.insert(b"a", b"v")]),
            write(vec![fixture.insert(b"b", b"v")]),
        );
        let mut waits = pin!(second.apply(&a));
        let mut behind = pin!(third.apply(&b));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        assert!(behind.as_mut().poll(&mut context).is_pending());
        let waits = |client| fixture.store().lock_waits(client).clients;
        assert_eq!((waits(7), waits(8), waits(9)), (vec![], vec![7], vec![7, 8]));
    }
    block_on(fixture.store().rollback_prepared(&rollback(b"one"))).unwrap();
    assert!(fixture.store().lock_waits(8).clients.is_empty());
}

#[test]
fn a_prepared_transaction_outlives_temporary_tables() {
    let mut fixture = Fixture::new();
    let temporary = fixture
        .store()
        .create_temporary_table("#t", b"", 1, [1, 1])
        .unwrap();
    let mut transaction = inserting(&fixture, b"k");
    let own = Write {
        row_delta: 1,
        table: temporary.table,
        ..write(vec![vamos_proto::WriteOp::Put {
            index: temporary.indexes[0],
            key: b"t",
            value: b"v",
        }])
    };
    block_on(transaction.apply(&own)).unwrap();
    block_on(transaction.prepare(&prepare(b"x", 1))).unwrap();
    fixture.reopen();
    assert_eq!(names(&fixture), [b"x".to_vec()]);
    block_on(fixture.store().commit_prepared(&commit(b"x", commit_id(2), None))).unwrap();
    let mut reader = fixture.begin();
    let kept = get_in(&mut reader, fixture.primary(), b"k", Lock::None);
    assert_eq!(kept.unwrap().unwrap(), b"v");
}

#[test]
fn a_restart_needs_no_more_locks_than_may_be_held() {
    let mut fixture = Fixture::with(|options| options.max_locks = 2);
    let entries = [b"e1", b"e2", b"e3"];
    let mut transaction = fixture.begin();
    let mut ops = vec![fixture.insert(b"a", b"v"), fixture.insert(b"b", b"v")];
    ops.extend(entries.iter().map(|key| fixture.entry(*key, b"e")));
    block_on(transaction.apply(&write(ops))).unwrap();
    block_on(transaction.prepare(&prepare(b"one", 1))).unwrap();
    fixture.reopen();
    assert!(is_locked(&fixture, b"a") && is_locked(&fixture, b"b"));
    block_on(fixture.store().rollback_prepared(&rollback(b"one"))).unwrap();
    assert_eq!(fixture.store().status().locks_held, 0);
    // And then the limit holds again.
    let mut transaction = fixture.begin();
    let ops = [b"c", b"d", b"e"].map(|key| fixture.insert(key, b"v"));
    let error = block_on(transaction.apply(&write(ops.into()))).unwrap_err();
    assert!(matches!(error, StoreError::TooManyLocks { limit: 2 }));
}
