//! Ranges that locking reads hold, and additions that they wait for.

use crate::support::{
    EXCLUSIVE, Fixture, SHARED, apply, commit, get_in, keys, rows, scan, suffix_entry, write,
};
use pollster::block_on;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use vamos_proto::{
    Direction, KeyRange, Lock, LockWait, RowBlockBuilder, SavepointId, Scan, WriteOp, Written,
};
use vamos_store::{StoreError, Transaction};

/// What a change does when it is tried once: done, or waiting (and given up).
fn tried(transaction: &mut Transaction, op: WriteOp<'_>) -> Poll<Written> {
    let ops = write(vec![op]);
    let mut request = pin!(transaction.apply(&ops));
    let mut context = Context::from_waker(Waker::noop());
    request.as_mut().poll(&mut context).map(Result::unwrap)
}

fn waits(fixture: &Fixture, op: WriteOp<'_>) -> bool {
    tried(&mut fixture.begin(), op).is_pending()
}

fn locking(fixture: &Fixture, low: &'static [u8], high: &'static [u8]) -> Scan<'static> {
    let mut scan = fixture.whole(fixture.primary());
    scan.range = KeyRange {
        index: fixture.primary(),
        low,
        high,
    };
    scan.lock = EXCLUSIVE;
    scan
}

fn until_waiting(fixture: &Fixture) {
    while fixture.store().status().locks_waiting == 0 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn scanned_range_takes_no_additions_of_others_and_what_lies_outside_does() {
    let fixture = Fixture::new();
    fixture.put(b"c", b"");
    fixture.put(b"f", b"");
    let mut reader = fixture.begin();
    let found = scan(&mut reader, &locking(&fixture, b"b", b"h"), 10).unwrap();
    assert_eq!(keys(&found), [b"c", b"f"]);
    for inside in [b"b", b"d", b"g"] {
        assert!(waits(&fixture, fixture.insert(inside, b"")), "{inside:?}");
    }
    for outside in [b"a", b"h"] {
        assert!(!waits(&fixture, fixture.insert(outside, b"")), "{outside:?}");
    }
    assert_eq!(
        tried(&mut reader, fixture.insert(b"e", b"")),
        Poll::Ready(Written::Done)
    );
    assert!(waits(&fixture, fixture.insert(b"d", b"")));
    drop(reader);
    assert!(!waits(&fixture, fixture.insert(b"d", b"")));
    assert_eq!(fixture.store().status().locks_held, 0);
}

#[test]
fn range_includes_the_way_to_what_the_reader_has_deleted() {
    for direction in [Direction::Forward, Direction::Backward] {
        let fixture = Fixture::new();
        for key in [b"c", b"f", b"i"] {
            fixture.put(key, b"");
        }
        let mut reader = fixture.begin();
        apply(&mut reader, vec![fixture.delete(b"c"), fixture.delete(b"i")]).unwrap();
        let mut request = locking(&fixture, b"a", b"z");
        request.direction = direction;
        let found = scan(&mut reader, &request, 10).unwrap();
        assert_eq!(keys(&found), [b"f"]);
        for inside in [b"b", b"d", b"g", b"k"] {
            assert!(waits(&fixture, fixture.insert(inside, b"")), "{inside:?}");
        }
    }
}

#[test]
fn scan_waits_for_additions_before_what_the_reader_has_deleted() {
    for direction in [Direction::Forward, Direction::Backward] {
        let fixture = Fixture::new();
        for key in [b"c", b"i"] {
            fixture.put(key, b"");
        }
        let mut reader = fixture.begin();
        apply(&mut reader, vec![fixture.delete(b"c"), fixture.delete(b"i")]).unwrap();
        let mut writer = fixture.begin();
        apply(
            &mut writer,
            vec![fixture.insert(b"b", b""), fixture.insert(b"k", b"")],
        )
        .unwrap();
        let mut request = locking(&fixture, b"a", b"z");
        request.direction = direction;
        std::thread::scope(|scope| {
            let found = scope.spawn(move || scan(&mut reader, &request, 10).unwrap());
            until_waiting(&fixture);
            commit(writer);
            let found = found.join().unwrap();
            let mut found = keys(&found);
            found.sort();
            assert_eq!(found, [b"b", b"k"]);
        });
    }
}

#[test]
fn read_committed_holds_no_ranges() {
    let fixture = Fixture::new();
    fixture.put(b"c", b"");
    let mut reader = fixture.begin_read_committed();
    scan(&mut reader, &locking(&fixture, b"b", b"h"), 10).unwrap();
    assert!(
        get_in(&mut reader, fixture.primary(), b"x", SHARED)
            .unwrap()
            .is_none()
    );
    assert!(!waits(&fixture, fixture.insert(b"d", b"")));
    assert!(!waits(&fixture, fixture.insert(b"x", b"")));
    assert!(waits(&fixture, fixture.delete(b"c")));
}

#[test]
fn range_grows_with_the_scan_and_is_one_lock() {
    let fixture = Fixture::new();
    for i in 0..100u8 {
        fixture.put(&[b'k', i], b"");
    }
    for direction in [Direction::Forward, Direction::Backward] {
        let mut request = locking(&fixture, b"k", b"l");
        request.direction = direction;
        let mut reader = fixture.begin();
        let mut cursor = reader.scan(&request).unwrap();
        let mut builder = RowBlockBuilder::new();
        block_on(reader.next_batch(&mut cursor, &mut builder, 50, 1 << 20)).unwrap();
        assert_eq!(fixture.store().status().locks_held, 51);
        let passed = |key: &[u8]| waits(&fixture, fixture.insert(key, b""));
        let (low, high) = (passed(&[b'k', 10, 0]), passed(&[b'k', 90, 0]));
        assert_eq!(
            (low, high),
            match direction {
                Direction::Forward => (true, false),
                Direction::Backward => (false, true),
            }
        );
        while !block_on(reader.next_batch(&mut cursor, &mut builder, 7, 1 << 20)).unwrap() {}
        assert_eq!(rows(&builder).len(), 100);
        assert_eq!(fixture.store().status().locks_held, 101);
        assert!(passed(&[b'k', 10, 0]) && passed(&[b'k', 90, 0]) && passed(b"k") && passed(b"k\xff"));
    }
}

#[test]
fn scan_waits_for_an_addition_and_sees_how_it_ended() {
    for committed in [true, false] {
        let fixture = Fixture::new();
        fixture.put(b"a", b"");
        fixture.put(b"c", b"");
        let mut writer = fixture.begin();
        apply(&mut writer, vec![fixture.insert(b"b", b"new")]).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reader = fixture.begin();
                scan(&mut reader, &locking(&fixture, b"", b""), 10).unwrap()
            });
            until_waiting(&fixture);
            match committed {
                true => commit(writer),
                false => drop(writer),
            }
            let found = reader.join().unwrap();
            let expected: &[&[u8]] = if committed {
                &[b"a", b"b", b"c"]
            } else {
                &[b"a", b"c"]
            };
            assert_eq!(keys(&found), expected);
        });
        assert_eq!(fixture.store().status().locks_held, 0);
    }
}

#[test]
fn secondary_index_is_guarded_as_well() {
    let fixture = Fixture::new();
    let value = suffix_entry(1);
    fixture.put(b"1", b"row");
    fixture.commit(vec![fixture.entry(b"m1", &value)]);
    let mut by_entry = fixture.whole(fixture.secondary());
    by_entry.fetch = Some(fixture.primary());
    by_entry.lock = SHARED;
    let mut reader = fixture.begin();
    assert_eq!(scan(&mut reader, &by_entry, 10).unwrap().len(), 1);
    assert!(waits(&fixture, fixture.entry(b"x2", &value)));
    assert!(!waits(&fixture, fixture.insert(b"2", b"another index")));
    drop(reader);
    // And the other way round: the scan comes to an entry that is not committed.
    let mut writer = fixture.begin();
    apply(
        &mut writer,
        vec![fixture.insert(b"2", b"row"), fixture.entry(b"c2", &value)],
    )
    .unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| scan(&mut fixture.begin(), &by_entry, 10).unwrap());
        until_waiting(&fixture);
        commit(writer);
        assert_eq!(keys(&reader.join().unwrap()), [b"c2", b"m1"]);
    });
}

#[test]
fn ranges_of_two_go_together_and_their_additions_are_a_deadlock() {
    let fixture = Fixture::new();
    let (mut one, mut two) = (fixture.begin(), fixture.begin());
    for transaction in [&mut one, &mut two] {
        assert!(
            get_in(transaction, fixture.primary(), b"k", EXCLUSIVE)
                .unwrap()
                .is_none()
        );
    }
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let added = apply(&mut one, vec![fixture.insert(b"k", b"1")]);
            drop(one);
            added
        });
        until_waiting(&fixture);
        let second = apply(&mut two, vec![fixture.insert(b"k", b"2")]);
        drop(two);
        let outcomes = [first.join().unwrap(), second];
        let deadlocks = outcomes
            .iter()
            .filter(|o| matches!(o, Err(StoreError::Deadlock)))
            .count();
        let done = outcomes.iter().filter(|o| matches!(o, Ok(Written::Done))).count();
        assert_eq!((deadlocks, done), (1, 1), "{outcomes:?}");
    });
    let report = fixture.store().last_deadlock().unwrap();
    let held = report.circle[0].holds.as_ref().unwrap();
    assert_eq!(
        (held.kind, &held.key[..]),
        (vamos_proto::LockKind::Range, &b"k"[..])
    );
}

#[test]
fn missing_key_is_guarded_and_its_neighbours_are_not() {
    let fixture = Fixture::new();
    let mut reader = fixture.begin();
    for index in [fixture.primary(), fixture.secondary()] {
        let mut builder = RowBlockBuilder::new();
        let fetch = (index == fixture.secondary()).then(|| fixture.primary());
        assert!(!block_on(reader.get(index, b"k", SHARED, fetch, &mut builder)).unwrap());
    }
    assert!(waits(&fixture, fixture.insert(b"k", b"")));
    assert!(waits(&fixture, fixture.entry(b"k", b"")));
    for neighbour in [&b"j"[..], b"k\0"] {
        assert!(!waits(&fixture, fixture.insert(neighbour, b"")));
    }
}

#[test]
fn existing_row_read_by_its_key_is_locked_alone() {
    let fixture = Fixture::new();
    fixture.put(b"k", b"");
    let mut reader = fixture.begin();
    get_in(&mut reader, fixture.primary(), b"k", EXCLUSIVE)
        .unwrap()
        .unwrap();
    assert_eq!(fixture.store().status().locks_held, 1);
    assert!(waits(&fixture, fixture.delete(b"k")));
    assert!(!waits(&fixture, fixture.insert(b"j", b"")));
}

#[test]
fn additions_are_skipped_or_fail_if_the_read_says_so() {
    let fixture = Fixture::new();
    fixture.put(b"a", b"");
    fixture.put(b"c", b"");
    let mut writer = fixture.begin();
    apply(&mut writer, vec![fixture.insert(b"b", b"")]).unwrap();
    let mut reader = fixture.begin();
    let mut request = locking(&fixture, b"", b"");
    request.lock = Lock::Exclusive(LockWait::Skip);
    assert_eq!(keys(&scan(&mut reader, &request, 10).unwrap()), [b"a", b"c"]);
    request.lock = Lock::Exclusive(LockWait::Fail);
    let error = scan(&mut reader, &request, 10).unwrap_err();
    assert!(matches!(error, StoreError::LockNotAvailable));
    assert_eq!(
        tried(&mut writer, fixture.insert(b"ab", b"")),
        Poll::Ready(Written::Done)
    );
}

#[test]
fn addition_that_waits_does_not_keep_its_key_from_the_range_holder() {
    let fixture = Fixture::new();
    let mut holder = fixture.begin();
    scan(&mut holder, &locking(&fixture, b"", b""), 10).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| apply(&mut fixture.begin(), vec![fixture.insert(b"k", b"2")]).unwrap());
        until_waiting(&fixture);
        apply(&mut holder, vec![fixture.insert(b"k", b"1")]).unwrap();
        commit(holder);
        assert_eq!(waiter.join().unwrap(), Written::Duplicate { op: 0 });
    });
}

#[test]
fn scan_behind_a_lost_table_of_rows_covers_what_is_empty() {
    let fixture = Fixture::new();
    let mut reader = fixture.begin();
    assert!(
        scan(&mut reader, &locking(&fixture, b"", b""), 10)
            .unwrap()
            .is_empty()
    );
    assert!(waits(&fixture, fixture.insert(b"anything", b"")));
}

/// Readers that lock a range twice find the same in it, whatever others add,
/// delete and move meanwhile.
#[test]
fn no_phantom_appears_between_two_locking_scans() {
    let fixture = Fixture::new();
    let entry = suffix_entry(1);
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let (fixture, entry) = (&fixture, &entry);
            scope.spawn(move || {
                for round in 0..150u8 {
                    let row = [thread * 16 + round % 16];
                    let old = [round.wrapping_mul(37), row[0]];
                    let new = [round.wrapping_mul(91), row[0]];
                    let index = fixture.secondary();
                    let mut writer = fixture.begin();
                    let ops = match round % 2 {
                        0 => vec![fixture.insert(&row, b"row"), fixture.entry(&new, entry)],
                        _ => vec![fixture.delete(&row), WriteOp::DeleteUnlocked { index, key: &old }],
                    };
                    if apply(&mut writer, ops).is_ok() {
                        commit(writer);
                    }
                }
            });
        }
        for index in [fixture.primary(), fixture.secondary()] {
            let fixture = &fixture;
            scope.spawn(move || {
                let mut request = fixture.whole(index);
                request.lock = SHARED;
                for _ in 0..100 {
                    let mut reader = fixture.begin();
                    let Ok(first) = scan(&mut reader, &request, 3) else {
                        continue;
                    };
                    let Ok(second) = scan(&mut reader, &request, 5) else {
                        continue;
                    };
                    assert_eq!(first, second);
                }
            });
        }
    });
    let status = fixture.store().status();
    assert_eq!((status.locks_held, status.locks_waiting), (0, 0));
}

#[test]
fn what_is_undone_keeps_no_scan_waiting() {
    let fixture = Fixture::new();
    let value = suffix_entry(1);
    fixture.put(b"1", b"row");
    fixture.commit(vec![fixture.entry(b"m1", &value)]);
    let mut by_entry = fixture.whole(fixture.secondary());
    by_entry.lock = Lock::Shared(LockWait::Fail);
    let passes = || scan(&mut fixture.begin(), &by_entry, 10).map(|rows| rows.len());
    let mut writer = fixture.begin();
    writer.set_savepoint(SavepointId(1)).unwrap();
    apply(&mut writer, vec![fixture.entry(b"n2", &value)]).unwrap();
    assert!(matches!(passes(), Err(StoreError::LockNotAvailable)));
    writer.rollback_to(SavepointId(1)).unwrap();
    assert_eq!(passes().unwrap(), 1);
    // A request of which nothing was carried out.
    let ops = vec![fixture.entry(b"n2", &value), fixture.insert(b"1", b"")];
    assert_eq!(apply(&mut writer, ops).unwrap(), Written::Duplicate { op: 1 });
    assert_eq!(passes().unwrap(), 1);
    // What was added before stays, and what is added again counts again.
    apply(&mut writer, vec![fixture.entry(b"n2", &value)]).unwrap();
    writer.set_savepoint(SavepointId(2)).unwrap();
    apply(&mut writer, vec![fixture.entry(b"n2", &value)]).unwrap();
    writer.rollback_to(SavepointId(2)).unwrap();
    assert!(matches!(passes(), Err(StoreError::LockNotAvailable)));
}
