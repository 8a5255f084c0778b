use crate::support::{EXCLUSIVE, Fixture, SHARED, apply, commit, get_in, keys, scan, suffix_entry};
use pollster::block_on;
use vamos_proto::{Lock, RowBlockBuilder, WriteOp};

#[test]
fn repeatable_read_sees_one_snapshot_taken_at_the_first_read() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"k", b"1");
    let mut reader = fixture.begin();
    fixture.put(b"k", b"2");
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"2"
    );
    fixture.put(b"k", b"3");
    fixture.put(b"l", b"3");
    reader.new_snapshot();
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"2"
    );
    assert_eq!(scan(&mut reader, &fixture.whole(index), 10).unwrap().len(), 1);
}

#[test]
fn snapshot_can_be_taken_early() {
    let fixture = Fixture::new();
    fixture.put(b"k", b"1");
    let mut reader = fixture.begin();
    reader.take_snapshot();
    fixture.put(b"k", b"2");
    assert_eq!(
        get_in(&mut reader, fixture.primary(), b"k", Lock::None)
            .unwrap()
            .unwrap(),
        b"1"
    );
}

#[test]
fn read_committed_sees_a_new_snapshot_for_each_statement() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"k", b"1");
    let mut reader = fixture.begin_read_committed();
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"1"
    );
    fixture.put(b"k", b"2");
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"1"
    );
    reader.new_snapshot();
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"2"
    );
}

#[test]
fn locking_reads_see_what_is_committed_last() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"k", b"1");
    let mut reader = fixture.begin();
    reader.take_snapshot();
    fixture.put(b"k", b"2");
    fixture.put(b"l", b"2");
    assert_eq!(get_in(&mut reader, index, b"k", SHARED).unwrap().unwrap(), b"2");
    let mut locking = fixture.whole(index);
    locking.lock = EXCLUSIVE;
    assert_eq!(keys(&scan(&mut reader, &locking, 1).unwrap()), [b"k", b"l"]);
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"1"
    );
}

#[test]
fn own_writes_are_seen_by_their_transaction_alone_until_it_commits() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"a", b"1");
    let mut writer = fixture.begin();
    let put = WriteOp::Put {
        index,
        key: b"b",
        value: b"2",
    };
    apply(&mut writer, vec![put, fixture.delete(b"a")]).unwrap();
    let mut reader = fixture.begin_read_committed();
    for (transaction, a, b) in [(&mut writer, false, true), (&mut reader, true, false)] {
        assert_eq!(get_in(transaction, index, b"a", Lock::None).unwrap().is_some(), a);
        assert_eq!(get_in(transaction, index, b"b", Lock::None).unwrap().is_some(), b);
    }
    commit(writer);
    reader.new_snapshot();
    assert!(get_in(&mut reader, index, b"a", Lock::None).unwrap().is_none());
    assert!(get_in(&mut reader, index, b"b", Lock::None).unwrap().is_some());
}

#[test]
fn rolled_back_writes_are_gone() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut writer = fixture.begin();
    apply(&mut writer, vec![fixture.insert(b"k", b"v")]).unwrap();
    writer.rollback();
    let mut reader = fixture.begin();
    assert!(get_in(&mut reader, index, b"k", SHARED).unwrap().is_none());
}

/// Two transactions that each read and then write the other's row must not both
/// succeed on stale reads if they lock what they read.
#[test]
fn no_update_is_lost_by_locking_readers() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"n", &0u64.to_le_bytes());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let mut transaction = fixture.begin();
                    let value = get_in(&mut transaction, index, b"n", EXCLUSIVE).unwrap().unwrap();
                    let next = u64::from_le_bytes(value.try_into().unwrap()) + 1;
                    let value = &next.to_le_bytes();
                    apply(
                        &mut transaction,
                        vec![WriteOp::Put {
                            index,
                            key: b"n",
                            value,
                        }],
                    )
                    .unwrap();
                    commit(transaction);
                }
            });
        }
    });
    let mut reader = fixture.begin();
    let value = get_in(&mut reader, index, b"n", Lock::None).unwrap().unwrap();
    assert_eq!(value, 800u64.to_le_bytes());
}

/// A transaction that changes a row which is newer than its snapshot sees the row
/// as it made it: once, wherever it looks.
#[test]
fn changed_row_that_was_newer_than_the_snapshot_is_seen_once() {
    let fixture = Fixture::new();
    let (primary, secondary) = (fixture.primary(), fixture.secondary());
    let entry = suffix_entry(1);
    fixture.put(b"1", b"10");
    fixture.commit(vec![fixture.entry(b"a1", &entry)]);
    let mut transaction = fixture.begin();
    transaction.take_snapshot();
    let moved = |from, to| {
        let index = secondary;
        vec![
            WriteOp::DeleteUnlocked { index, key: from },
            fixture.entry(to, &entry),
        ]
    };
    fixture.put(b"1", b"15");
    fixture.commit(moved(b"a1", b"b1"));
    get_in(&mut transaction, primary, b"1", EXCLUSIVE).unwrap();
    let index = primary;
    let value = b"16";
    let mut change = vec![WriteOp::Put {
        index,
        key: b"1",
        value,
    }];
    change.extend(moved(b"b1", b"c1"));
    apply(&mut transaction, change).unwrap();
    let mut request = fixture.whole(secondary);
    assert_eq!(keys(&scan(&mut transaction, &request, 10).unwrap()), [b"c1"]);
    request.fetch = Some(primary);
    let rows = scan(&mut transaction, &request, 10).unwrap();
    assert_eq!(rows, [(b"c1".to_vec(), b"1".to_vec(), b"16".to_vec())]);
    let mut builder = RowBlockBuilder::new();
    for (entry, there) in [(b"a1", false), (b"b1", false), (b"c1", true)] {
        let found = block_on(transaction.get(secondary, entry, Lock::None, Some(primary), &mut builder));
        assert_eq!(found.unwrap(), there, "{entry:?}");
    }
}
