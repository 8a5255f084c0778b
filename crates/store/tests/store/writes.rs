use crate::support::{Fixture, apply, commit, get_in, keys, scan};
use vamos_proto::{Lock, WriteOp, Written};

#[test]
fn insert_finds_committed_and_own_duplicates_and_changes_nothing() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"taken", b"1");
    let mut transaction = fixture.begin();
    // Its snapshot is older than the row, and that does not matter.
    transaction.take_snapshot();
    fixture.put(b"later", b"1");
    apply(&mut transaction, vec![fixture.insert(b"own", b"1")]).unwrap();
    for taken in [&b"taken"[..], b"later", b"own"] {
        let ops = vec![
            fixture.insert(b"x", b"1"),
            fixture.insert(b"y", b"1"),
            fixture.insert(taken, b"2"),
        ];
        assert_eq!(
            apply(&mut transaction, ops).unwrap(),
            Written::Duplicate { op: 2 }
        );
        let rows = scan(&mut transaction, &fixture.whole(index), 10).unwrap();
        assert_eq!(keys(&rows), [&b"own"[..], b"taken"]);
    }
}

#[test]
fn deleted_key_can_be_inserted_again_also_in_one_request() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"k", b"1");
    let mut transaction = fixture.begin();
    let ops = vec![fixture.delete(b"k"), fixture.insert(b"k", b"2")];
    assert_eq!(apply(&mut transaction, ops).unwrap(), Written::Done);
    apply(&mut transaction, vec![fixture.delete(b"k")]).unwrap();
    apply(&mut transaction, vec![fixture.insert(b"k", b"3")]).unwrap();
    commit(transaction);
    let mut reader = fixture.begin();
    assert_eq!(
        get_in(&mut reader, index, b"k", Lock::None).unwrap().unwrap(),
        b"3"
    );
}

#[test]
fn one_of_two_inserts_of_a_key_wins() {
    let fixture = Fixture::new();
    let wins: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..100u8)
                        .filter(|n| {
                            let mut transaction = fixture.begin();
                            let written = apply(&mut transaction, vec![fixture.insert(&[*n], b"")]).unwrap();
                            commit(transaction);
                            written == Written::Done
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(wins, 100);
}

#[test]
fn unlocked_writes_take_no_locks() {
    let fixture = Fixture::new();
    let index = fixture.secondary();
    let mut transaction = fixture.begin();
    let ops = vec![
        fixture.entry(b"e", b"v"),
        WriteOp::DeleteUnlocked { index, key: b"f" },
    ];
    apply(&mut transaction, ops).unwrap();
    assert_eq!(fixture.store().status().locks_held, 0);
    commit(transaction);
}

#[test]
fn empty_keys_and_values_and_large_values_are_kept() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let large = vec![5; 20 << 20];
    fixture.put(b"", b"");
    fixture.put(b"large", &large);
    let mut reader = fixture.begin();
    assert_eq!(get_in(&mut reader, index, b"", Lock::None).unwrap().unwrap(), b"");
    assert_eq!(
        get_in(&mut reader, index, b"large", Lock::None).unwrap().unwrap(),
        large
    );
}
