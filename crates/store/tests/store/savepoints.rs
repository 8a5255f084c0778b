use crate::support::{Fixture, apply, commit_id, get_in, keys, scan};
use pollster::block_on;
use vamos_proto::{Durability, ErrorCode, Lock, LockWait, SavepointId, Write, WriteOp};
use vamos_store::StoreError;

#[test]
fn rollback_to_savepoint_undoes_what_came_after_it_and_keeps_locks() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let mut transaction = fixture.begin();
    let put = |key, value| vec![WriteOp::Put { index, key, value }];
    apply(&mut transaction, put(b"a", b"1")).unwrap();
    transaction.set_savepoint(SavepointId(1)).unwrap();
    apply(&mut transaction, put(b"a", b"2")).unwrap();
    transaction.set_savepoint(SavepointId(2)).unwrap();
    apply(&mut transaction, put(b"b", b"1")).unwrap();
    transaction.rollback_to(SavepointId(1)).unwrap();
    assert_eq!(
        get_in(&mut transaction, index, b"a", Lock::None)
            .unwrap()
            .unwrap(),
        b"1"
    );
    assert!(
        get_in(&mut transaction, index, b"b", Lock::None)
            .unwrap()
            .is_none()
    );
    let error = transaction.rollback_to(SavepointId(2)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    transaction.rollback_to(SavepointId(1)).unwrap();
    let mut other = fixture.begin();
    let error = get_in(&mut other, index, b"b", Lock::Shared(LockWait::Fail)).unwrap_err();
    assert!(matches!(error, StoreError::LockNotAvailable));
    block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
    assert_eq!(
        keys(&scan(&mut other, &fixture.whole(index), 10).unwrap()),
        [b"a"]
    );
}

#[test]
fn row_counts_obey_savepoints_commits_and_restarts() {
    let mut fixture = Fixture::new();
    let table = fixture.table.table;
    let delta = |row_delta| Write {
        ops: vec![],
        raise: vec![],
        row_delta,
        answer: true,
        table,
    };
    let count = |fixture: &Fixture| fixture.store().table_stats(table).unwrap().rows;
    let mut transaction = fixture.begin();
    block_on(transaction.apply(&delta(10))).unwrap();
    transaction.set_savepoint(SavepointId(1)).unwrap();
    block_on(transaction.apply(&delta(100))).unwrap();
    transaction.rollback_to(SavepointId(1)).unwrap();
    transaction.release_savepoint(SavepointId(1)).unwrap();
    block_on(transaction.apply(&delta(-3))).unwrap();
    assert_eq!(count(&fixture), 0);
    block_on(transaction.commit(Durability::Commit, commit_id(1))).unwrap();
    assert_eq!(count(&fixture), 7);
    let mut transaction = fixture.begin();
    block_on(transaction.apply(&delta(1000))).unwrap();
    transaction.rollback();
    fixture.reopen();
    assert_eq!(count(&fixture), 7);
}

#[test]
fn failed_request_leaves_the_savepoints_as_they_were() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"taken", b"");
    let mut transaction = fixture.begin();
    transaction.set_savepoint(SavepointId(1)).unwrap();
    apply(&mut transaction, vec![fixture.insert(b"a", b"")]).unwrap();
    transaction.set_savepoint(SavepointId(2)).unwrap();
    let written = apply(
        &mut transaction,
        vec![fixture.insert(b"b", b""), fixture.insert(b"taken", b"")],
    );
    assert_eq!(written.unwrap(), vamos_proto::Written::Duplicate { op: 1 });
    transaction.rollback_to(SavepointId(2)).unwrap();
    let rows = scan(&mut transaction, &fixture.whole(index), 10).unwrap();
    assert_eq!(keys(&rows), [&b"a"[..], b"taken"]);
    transaction.rollback_to(SavepointId(1)).unwrap();
    let rows = scan(&mut transaction, &fixture.whole(index), 10).unwrap();
    assert_eq!(keys(&rows), [b"taken"]);
}

#[test]
fn inserted_rows_are_locked_no_more_when_they_are_undone() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"taken", b"");
    fixture.put(b"deleted", b"");
    let locked = |key: &[u8]| {
        let lock = Lock::Exclusive(LockWait::Fail);
        match get_in(&mut fixture.begin(), index, key, lock) {
            Ok(_) => false,
            Err(StoreError::LockNotAvailable) => true,
            Err(other) => panic!("{other}"),
        }
    };
    let mut transaction = fixture.begin();
    apply(&mut transaction, vec![fixture.insert(b"a", b"")]).unwrap();
    apply(&mut transaction, vec![fixture.delete(b"deleted")]).unwrap();
    transaction.set_savepoint(SavepointId(1)).unwrap();
    let inserts = |keys: &[&'static [u8]]| keys.iter().map(|key| fixture.insert(key, b"")).collect();
    apply(&mut transaction, inserts(&[b"b", b"deleted"])).unwrap();
    let written = apply(&mut transaction, inserts(&[b"c", b"taken"]));
    assert_eq!(written.unwrap(), vamos_proto::Written::Duplicate { op: 1 });
    assert!(locked(b"b") && !locked(b"c") && locked(b"taken"));
    transaction.rollback_to(SavepointId(1)).unwrap();
    assert!(locked(b"a") && !locked(b"b") && locked(b"deleted") && locked(b"taken"));
    // Another one takes its place.
    let mut other = fixture.begin();
    apply(&mut other, inserts(&[b"b"])).unwrap();
    drop(transaction);
    assert!(!locked(b"a") && !locked(b"deleted") && !locked(b"taken"));
}
