use crate::support::{EXCLUSIVE, Fixture, SHARED, apply, commit, get_in, keys, scan, suffix_entry, write};
use pollster::block_on;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use vamos_proto::{Isolation, Lock, LockWait, RowBlockBuilder, WriteOp};
use vamos_store::{StoreError, TransactionOptions};

#[test]
fn writer_waits_for_writer_until_it_commits() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut first = fixture.begin();
    apply(
        &mut first,
        vec![WriteOp::Put {
            index,
            key: b"k",
            value: b"1",
        }],
    )
    .unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut second = fixture.begin();
            get_in(&mut second, index, b"k", EXCLUSIVE).unwrap()
        });
        while fixture.store().status().locks_waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        commit(first);
        assert_eq!(second.join().unwrap().unwrap(), b"1");
    });
}

#[test]
fn lock_wait_times_out_and_the_transaction_goes_on() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut holder = fixture.begin();
    get_in(&mut holder, index, b"k", SHARED).unwrap();
    let mut waiter = fixture.store().begin(TransactionOptions {
        isolation: Isolation::RepeatableRead,
        lock_wait: Duration::from_millis(60),
        ..TransactionOptions::default()
    });
    apply(&mut waiter, vec![fixture.insert(b"other", b"1")]).unwrap();
    let begin = Instant::now();
    let put = WriteOp::Put {
        index,
        key: b"k",
        value: b"2",
    };
    let error = apply(&mut waiter, vec![fixture.insert(b"third", b"1"), put]).unwrap_err();
    assert!(
        matches!(error, StoreError::LockWaitTimeout { waited_ms: 60 }),
        "{error}"
    );
    assert!(begin.elapsed() < Duration::from_secs(5));
    // The failed request left nothing, the earlier one is still there.
    assert!(
        get_in(&mut waiter, index, b"third", Lock::None)
            .unwrap()
            .is_none()
    );
    commit(waiter);
    let mut reader = fixture.begin();
    assert!(
        get_in(&mut reader, index, b"other", Lock::None)
            .unwrap()
            .is_some()
    );
}

#[test]
fn deadlock_rolls_one_back_and_lets_the_other_pass() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut one = fixture.begin();
    let mut two = fixture.begin();
    apply(&mut one, vec![fixture.insert(b"a", b"1")]).unwrap();
    apply(&mut two, vec![fixture.insert(b"b", b"2")]).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let found = get_in(&mut one, index, b"b", EXCLUSIVE).unwrap();
            assert!(found.is_none(), "the other's insert was rolled back");
        });
        while fixture.store().status().locks_waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let error = get_in(&mut two, index, b"a", SHARED).unwrap_err();
        assert!(matches!(error, StoreError::Deadlock));
        assert!(!two.is_open());
        waiting.join().unwrap();
    });
    assert_eq!(fixture.store().status().deadlocks, 1);
}

#[test]
fn dropped_request_ends_its_wait_and_undoes_its_changes() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut holder = fixture.begin();
    get_in(&mut holder, index, b"held", EXCLUSIVE).unwrap();
    let mut waiter = fixture.begin();
    {
        let ops = write(vec![fixture.insert(b"free", b"1"), fixture.insert(b"held", b"1")]);
        let mut request = pin!(waiter.apply(&ops));
        let mut context = Context::from_waker(Waker::noop());
        assert!(request.as_mut().poll(&mut context).is_pending());
        assert_eq!(fixture.store().status().locks_waiting, 1);
    }
    assert_eq!(fixture.store().status().locks_waiting, 0);
    assert!(get_in(&mut waiter, index, b"free", Lock::None).unwrap().is_none());
    apply(&mut waiter, vec![fixture.insert(b"free", b"2")]).unwrap();
    commit(waiter);
}

#[test]
fn nowait_fails_and_skip_leaves_out() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    for key in [b"a", b"b", b"c"] {
        fixture.put(key, b"");
    }
    let mut holder = fixture.begin();
    get_in(&mut holder, index, b"b", EXCLUSIVE).unwrap();
    let mut reader = fixture.begin();
    let mut locking = fixture.whole(index);
    locking.lock = Lock::Exclusive(LockWait::Skip);
    assert_eq!(keys(&scan(&mut reader, &locking, 10).unwrap()), [b"a", b"c"]);
    locking.lock = Lock::Shared(LockWait::Fail);
    let error = scan(&mut reader, &locking, 10).unwrap_err();
    assert!(matches!(error, StoreError::LockNotAvailable));
    assert!(
        get_in(&mut reader, index, b"b", Lock::Shared(LockWait::Skip))
            .unwrap()
            .is_none()
    );
    assert!(reader.is_open());
}

#[test]
fn scan_that_waited_reads_the_row_as_committed_and_leaves_out_a_deleted_one() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    for key in [b"a", b"b", b"c"] {
        fixture.put(key, b"old");
    }
    let mut holder = fixture.begin();
    let put = |key| WriteOp::Put {
        index,
        key,
        value: b"new",
    };
    apply(&mut holder, vec![put(b"a"), fixture.delete(b"b"), put(b"bb")]).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reader = fixture.begin();
            let mut locking = fixture.whole(index);
            locking.lock = SHARED;
            scan(&mut reader, &locking, 10).unwrap()
        });
        while fixture.store().status().locks_waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        commit(holder);
        let rows = reader.join().unwrap();
        assert_eq!(keys(&rows), [&b"a"[..], b"bb", b"c"]);
        assert_eq!(rows[0].2, b"new");
    });
}

#[test]
fn locking_read_through_secondary_locks_the_row_and_looks_again() {
    let fixture = Fixture::new();
    let (primary, secondary) = (fixture.primary(), fixture.secondary());
    let entry = suffix_entry(1);
    fixture.put(b"1", b"row");
    fixture.commit(vec![fixture.entry(b"x1", &entry)]);
    let mut holder = fixture.begin();
    // Moves the row from x to y in the secondary index.
    get_in(&mut holder, primary, b"1", EXCLUSIVE).unwrap();
    let delete = WriteOp::DeleteUnlocked {
        index: secondary,
        key: b"x1",
    };
    apply(&mut holder, vec![delete, fixture.entry(b"y1", &entry)]).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reader = fixture.begin();
            let mut builder = RowBlockBuilder::new();
            block_on(reader.get(secondary, b"x1", EXCLUSIVE, Some(primary), &mut builder)).unwrap()
        });
        while fixture.store().status().locks_waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        commit(holder);
        assert!(!reader.join().unwrap(), "the entry has gone");
    });
    let mut reader = fixture.begin();
    let mut locking = fixture.whole(secondary);
    locking.lock = EXCLUSIVE;
    locking.fetch = Some(primary);
    let rows = scan(&mut reader, &locking, 10).unwrap();
    assert_eq!(rows, [(b"y1".to_vec(), b"1".to_vec(), b"row".to_vec())]);
    let mut other = fixture.begin();
    let error = get_in(&mut other, primary, b"1", Lock::Shared(LockWait::Fail)).unwrap_err();
    assert!(matches!(error, StoreError::LockNotAvailable));
}

#[test]
fn locking_read_of_a_missing_key_keeps_others_from_inserting_it() {
    let fixture = Fixture::new();
    let mut reader = fixture.begin();
    assert!(
        get_in(&mut reader, fixture.primary(), b"k", SHARED)
            .unwrap()
            .is_none()
    );
    let mut writer = fixture.begin();
    let ops = write(vec![fixture.insert(b"k", b"v")]);
    let mut request = pin!(writer.apply(&ops));
    let mut context = Context::from_waker(Waker::noop());
    assert!(request.as_mut().poll(&mut context).is_pending());
}

#[test]
fn scan_that_is_interrupted_goes_on_with_what_was_left_of_its_timeout() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"k", b"");
    let mut holder = fixture.begin();
    get_in(&mut holder, index, b"k", EXCLUSIVE).unwrap();
    let mut waiter = fixture.store().begin(TransactionOptions {
        lock_wait: Duration::from_millis(400),
        ..TransactionOptions::default()
    });
    let mut locking = fixture.whole(index);
    locking.lock = EXCLUSIVE;
    let mut cursor = waiter.scan(&locking).unwrap();
    let mut builder = RowBlockBuilder::new();
    // Interrupted again and again, each time long before its timeout.
    let error = (0..1000).find_map(|_| {
        let mut batch = pin!(waiter.next_batch(&mut cursor, &mut builder, 1, 1 << 20));
        let mut context = Context::from_waker(Waker::noop());
        std::thread::sleep(Duration::from_millis(5));
        if let Poll::Ready(result) = batch.as_mut().poll(&mut context) {
            return Some(result.unwrap_err());
        }
        std::thread::sleep(Duration::from_millis(5));
        match batch.as_mut().poll(&mut context) {
            Poll::Ready(result) => Some(result.unwrap_err()),
            Poll::Pending => None,
        }
    });
    assert!(
        matches!(error, Some(StoreError::LockWaitTimeout { waited_ms: 400 })),
        "{error:?}"
    );
    assert!(waiter.is_open());
}

#[test]
fn read_committed_gives_back_what_it_read_and_does_not_want() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    for key in [b"a", b"b", b"c", b"d"] {
        fixture.put(key, b"");
    }
    let free = |key: &'static [u8]| {
        let mut other = fixture.begin();
        get_in(&mut other, index, key, Lock::Exclusive(LockWait::Fail)).is_ok()
    };
    let mut reader = fixture.begin_read_committed();
    get_in(&mut reader, index, b"a", EXCLUSIVE).unwrap();
    reader.new_snapshot();
    let mut locking = fixture.whole(index);
    locking.lock = EXCLUSIVE;
    scan(&mut reader, &locking, 10).unwrap();
    apply(&mut reader, vec![fixture.delete(b"c")]).unwrap();
    get_in(&mut reader, index, b"d", EXCLUSIVE).unwrap();
    reader.unlock(index, &[b"a", b"b", b"c", b"d", b"none"]).unwrap();
    // Locked by the statement before; given back; changed; read twice.
    assert_eq!(
        [b"a", b"b", b"c", b"d"].map(|key| free(key)),
        [false, true, false, false]
    );
    drop(reader);
    assert!(free(b"a") && free(b"d"));
    let mut repeatable = fixture.begin();
    scan(&mut repeatable, &locking, 10).unwrap();
    repeatable.unlock(index, &[b"b"]).unwrap();
    assert!(!free(b"b"), "a repeatable read keeps its locks");
}

/// A row loses the entry by which another transaction waits for it.
#[test]
fn read_committed_keeps_no_lock_of_a_row_whose_entry_went_away_while_it_waited() {
    for by_scan in [true, false] {
        let fixture = Fixture::new();
        let (primary, index) = (fixture.primary(), fixture.secondary());
        let value = suffix_entry(1);
        fixture.put(b"1", b"old");
        fixture.commit(vec![fixture.entry(b"a1", &value)]);
        let mut writer = fixture.begin();
        let put = WriteOp::Put {
            index: primary,
            key: b"1",
            value: b"new",
        };
        let gone = WriteOp::DeleteUnlocked { index, key: b"a1" };
        apply(&mut writer, vec![put, gone]).unwrap();
        let mut reader = fixture.begin_read_committed();
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| match by_scan {
                true => {
                    let mut request = fixture.whole(index);
                    (request.lock, request.fetch) = (EXCLUSIVE, Some(primary));
                    assert!(scan(&mut reader, &request, 9).unwrap().is_empty());
                }
                false => {
                    let mut rows = RowBlockBuilder::new();
                    let read = reader.get(index, b"a1", EXCLUSIVE, Some(primary), &mut rows);
                    assert!(!block_on(read).unwrap());
                }
            });
            while fixture.store().status().locks_waiting == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            commit(writer);
            reading.join().unwrap();
        });
        assert_eq!(fixture.store().status().locks_held, 0);
        drop(reader);
    }
}
