use crate::support::{Fixture, apply, commit_id, get_in};
use pollster::block_on;
use std::collections::HashSet;
use vamos_proto::{Counter, CounterRaise, Durability, ErrorCode, Lock, TableId, Write, WriteOp};
use vamos_store::{Store, StoreError, StoreOptions, TransactionOptions};

#[test]
fn tables_survive_closing() {
    let mut fixture = Fixture::new();
    let other = fixture
        .store()
        .create_table("ü/2", &[0, 1, 255], 3, [10, 20])
        .unwrap();
    fixture.reopen();
    assert_eq!(fixture.store().open_table("ü/2").unwrap(), other);
    assert_eq!(fixture.store().tables(), [fixture.table.clone(), other]);
}

#[test]
fn names_are_unique_and_renaming_keeps_the_table() {
    let mut fixture = Fixture::new();
    let store = fixture.store();
    assert_eq!(
        store.create_table("t", b"", 1, [1, 1]).unwrap_err().code(),
        ErrorCode::TableExists
    );
    store.create_table("u", b"", 1, [1, 1]).unwrap();
    assert_eq!(
        store.rename_table("t", "u").unwrap_err().code(),
        ErrorCode::TableExists
    );
    assert_eq!(
        store.rename_table("no", "v").unwrap_err().code(),
        ErrorCode::NoSuchTable
    );
    store.rename_table("t", "v").unwrap();
    fixture.reopen();
    let renamed = fixture.store().open_table("v").unwrap();
    assert_eq!(renamed.indexes, fixture.table.indexes);
    assert_eq!(renamed.table, fixture.table.table);
    assert!(fixture.store().open_table("t").is_err());
}

#[test]
fn names_are_listed_by_their_beginning_and_in_pieces() {
    let fixture = Fixture::new();
    let store = fixture.store();
    for name in ["d/b", "d/a", "d", "e/a", "d/c", "c/z"] {
        store.create_table(name, b"", 1, [1, 1]).unwrap();
    }
    let names = |after, limit| store.table_names("d/", after, limit);
    assert_eq!(
        names("", 9),
        (vec!["d/a".to_owned(), "d/b".into(), "d/c".into()], false)
    );
    assert_eq!(names("", 2), (vec!["d/a".to_owned(), "d/b".into()], true));
    assert_eq!(names("d/b", 2), (vec!["d/c".to_owned()], false));
    assert_eq!(names("d/c", 2), (vec![], false));
    assert_eq!(names("zzz", 2), (vec![], false));
}

#[test]
fn a_definition_can_be_replaced_and_is_kept() {
    let mut fixture = Fixture::new();
    fixture.put(b"k", b"v");
    fixture.store().set_definition("t", b"another").unwrap();
    let error = fixture.store().set_definition("no", b"x").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoSuchTable);
    fixture.reopen();
    let table = fixture.store().open_table("t").unwrap();
    assert_eq!(table.definition, b"another");
    assert_eq!(table.indexes, fixture.table.indexes);
}

#[test]
fn ids_are_never_reused() {
    let mut fixture = Fixture::new();
    let mut indexes: HashSet<_> = fixture.table.indexes.iter().copied().collect();
    let mut tables = HashSet::from([fixture.table.table]);
    for round in 0..4 {
        let created = fixture.store().create_table("x", b"", 5, [1, 1]).unwrap();
        assert!(tables.insert(created.table));
        assert!(created.indexes.iter().all(|index| indexes.insert(*index)));
        let truncated = fixture.store().truncate_table("x").unwrap();
        assert_eq!(truncated.table, created.table);
        assert!(truncated.indexes.iter().all(|index| indexes.insert(*index)));
        fixture.store().drop_table("x").unwrap();
        if round % 2 == 0 {
            fixture.reopen();
        }
    }
}

#[test]
fn indexes_of_a_dropped_or_truncated_table_are_not_touched() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    fixture.put(b"k", b"v");
    let mut old = fixture.begin();
    assert!(get_in(&mut old, index, b"k", Lock::None).unwrap().is_some());
    let truncated = fixture.store().truncate_table("t").unwrap();
    let error = get_in(&mut old, index, b"k", Lock::None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoSuchTable);
    let put = |index| {
        vec![WriteOp::Put {
            index,
            key: b"k",
            value: b"w",
        }]
    };
    assert_eq!(
        apply(&mut old, put(index)).unwrap_err().code(),
        ErrorCode::NoSuchTable
    );
    assert!(old.is_open());
    apply(&mut old, put(truncated.indexes[0])).unwrap();
    fixture.store().drop_table("t").unwrap();
    let error = block_on(old.commit(Durability::Commit, commit_id(1))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoSuchTable);
    assert_eq!(fixture.store().status().commits_failed, 1);
}

#[test]
fn unknown_names_and_numbers_fail() {
    let fixture = Fixture::new();
    let store = fixture.store();
    assert!(matches!(
        store.drop_table("no"),
        Err(StoreError::NoSuchTable { .. })
    ));
    assert!(matches!(
        store.truncate_table("no"),
        Err(StoreError::NoSuchTable { .. })
    ));
    assert!(matches!(
        store.table_stats(TableId(77)),
        Err(StoreError::NoSuchTableId { .. })
    ));
    for (name, indexes) in [("", 1), (&"x".repeat(2000)[..], 1), ("y", 0), ("y", 129)] {
        let error = store.create_table(name, b"", indexes, [1, 1]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Invalid, "{error}");
    }
}

#[test]
fn counters_rise_at_once_and_last_with_the_commit() {
    let mut fixture = Fixture::new();
    let table = fixture.table.table;
    let raise = |next| Write {
        ops: vec![],
        raise: vec![CounterRaise {
            table,
            counter: Counter::AutoIncrement,
            next,
        }],
        row_delta: 0,
        answer: true,
        table,
    };
    let counters = |fixture: &Fixture| fixture.store().open_table("t").unwrap().counters;
    let mut committed = fixture.begin();
    block_on(committed.apply(&raise(50))).unwrap();
    assert_eq!(counters(&fixture), [50, 1]);
    block_on(committed.commit(Durability::Commit, commit_id(1))).unwrap();
    let mut rolled_back = fixture.begin();
    block_on(rolled_back.apply(&raise(90))).unwrap();
    rolled_back.rollback();
    let mut late = fixture.begin();
    block_on(late.apply(&raise(40))).unwrap();
    block_on(late.commit(Durability::Second, commit_id(2))).unwrap();
    assert_eq!(counters(&fixture), [90, 1]);
    fixture.reopen();
    assert_eq!(counters(&fixture), [50, 1]);
    let lower = CounterRaise {
        table,
        counter: Counter::AutoIncrement,
        next: 7,
    };
    fixture.store().set_counter(lower).unwrap();
    assert_eq!(counters(&fixture), [7, 1]);
    fixture.reopen();
    assert_eq!(counters(&fixture), [7, 1]);
    assert_eq!(fixture.store().truncate_table("t").unwrap().counters, [1, 1]);
    fixture.reopen();
    assert_eq!(counters(&fixture), [1, 1]);
}

#[test]
fn store_has_one_owner() {
    let fixture = Fixture::new();
    let error = Store::open(StoreOptions::new(fixture.path())).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn catalogue_has_a_limit() {
    let fixture = Fixture::with(|options| options.max_catalogue_bytes = 1000);
    let error = fixture
        .store()
        .create_table("big", &[0; 1000], 1, [1, 1])
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid, "{error}");
    for _ in 0..10 {
        fixture.store().create_table("big", &[0; 900], 1, [1, 1]).unwrap();
        fixture.store().drop_table("big").unwrap();
    }
}

/// The futures of all requests can move between an executor's threads.
#[test]
fn futures_are_send() {
    fn check<T: Send>(value: T) -> T {
        value
    }
    let fixture = Fixture::new();
    let mut rows = vamos_proto::RowBlockBuilder::new();
    let mut transaction = check(fixture.store().begin(TransactionOptions::default()));
    let index = fixture.primary();
    drop(check(transaction.get(index, b"", Lock::None, None, &mut rows)));
    drop(check(transaction.multi_get(
        index,
        &[b""],
        Lock::None,
        &mut rows,
        usize::MAX,
    )));
    drop(check(transaction.apply(&crate::support::write(vec![]))));
    let mut cursor = check(transaction.scan(&fixture.whole(index)).unwrap());
    drop(check(transaction.next_batch(&mut cursor, &mut rows, 1, 1)));
    drop(check(transaction.commit(Durability::Commit, commit_id(1))));
    drop(check(fixture.store().outcome(commit_id(1))));
}
