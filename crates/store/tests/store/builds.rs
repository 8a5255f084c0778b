//! Building indexes of a table that others change, and altering tables.

use crate::support::{Fixture, apply, commit, commit_id, get_in, rows, scan, suffix_entry};
use pollster::block_on;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use vamos_proto::{Durability, ErrorCode, IndexId, Lock, RowBlockBuilder, WriteOp};
use vamos_store::{Build, Store, TableChange, TransactionOptions};

/// The key of a row's entry: its value, then its key.
fn entry_key(key: &[u8], value: &[u8]) -> Vec<u8> {
    [value, key].concat()
}

/// Changes of the builder's, committed.
fn write_entries(store: &Arc<Store>, puts: &[Vec<u8>], deletes: &[Vec<u8>], index: IndexId) {
    let value = suffix_entry(8);
    let puts = puts.iter().map(|key| WriteOp::PutUnlocked {
        index,
        key,
        value: &value,
    });
    let deletes = deletes.iter().map(|key| WriteOp::DeleteUnlocked { index, key });
    let mut transaction = store.begin(TransactionOptions::default());
    apply(&mut transaction, deletes.chain(puts).collect()).unwrap();
    commit(transaction);
}

/// All rows of a build's scan or round.
fn all(
    build: &mut Build,
    step: fn(&mut Build, &mut RowBlockBuilder, usize, usize) -> Result<bool, vamos_store::StoreError>,
) -> Vec<crate::support::Row> {
    let mut all = Vec::new();
    let mut builder = RowBlockBuilder::new();
    loop {
        builder.clear();
        let last = step(build, &mut builder, 7, 1 << 20).unwrap();
        all.extend(rows(&builder));
        if last {
            return all;
        }
    }
}

fn scan_into(build: &mut Build, store: &Arc<Store>, index: IndexId) {
    let scanned = all(build, Build::scan);
    let keys: Vec<_> = scanned
        .iter()
        .map(|(key, _, value)| entry_key(key, value))
        .collect();
    write_entries(store, &keys, &[], index);
}

/// One round; returns how many rows had changed.
fn round(build: &mut Build, store: &Arc<Store>, index: IndexId) -> u64 {
    let count = build.round().unwrap();
    let changes = all(build, Build::changes);
    assert_eq!(changes, all(build, Build::changes), "they come again");
    assert_eq!(changes.len() as u64, count);
    let entries = |side: fn(&crate::support::Row) -> &Vec<u8>| -> Vec<_> {
        let present = changes.iter().filter(|row| !side(row).is_empty());
        present.map(|row| entry_key(&row.0, side(row))).collect()
    };
    write_entries(store, &entries(|row| &row.2), &entries(|row| &row.1), index);
    count
}

fn change(fixture: &Fixture, indexes: Vec<IndexId>) -> TableChange {
    TableChange {
        table: fixture.table.table,
        definition: b"another".to_vec(),
        indexes,
    }
}

#[test]
fn index_built_beside_writers_has_the_entry_of_each_row() {
    let mut fixture = Fixture::new();
    for key in 0..500u64 {
        fixture.put(&key.to_be_bytes(), b"old");
    }
    let store = Arc::clone(fixture.store());
    let stop = AtomicBool::new(false);
    let commits = AtomicU64::new(0);
    let built = std::thread::scope(|scope| {
        for writer in 0..3u64 {
            let (fixture, stop, commits) = (&fixture, &stop, &commits);
            scope.spawn(move || {
                let mut number = writer + 1;
                while !stop.load(Relaxed) {
                    number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let key = (number >> 33) % 700;
                    let (key, value) = (key.to_be_bytes(), (number >> 20).to_be_bytes());
                    let mut transaction = fixture.begin();
                    let op = match number >> 60 {
                        0..4 => fixture.delete(&key),
                        _ => WriteOp::Put {
                            index: fixture.primary(),
                            key: &key,
                            value: &value,
                        },
                    };
                    apply(&mut transaction, vec![op]).unwrap();
                    let durability = match number >> 59 & 1 {
                        0 => Durability::Commit,
                        _ => Durability::Never,
                    };
                    let commit = transaction.commit(durability, commit_id(number >> 1));
                    match block_on(commit) {
                        Ok(()) => _ = commits.fetch_add(1, Relaxed),
                        // Collided with the build's beginning.
                        Err(error) => assert_eq!(error.code(), ErrorCode::TableChanged),
                    }
                }
            });
        }
        let wait_for_commits = |more: u64| {
            let until = commits.load(Relaxed) + more;
            while commits.load(Relaxed) < until {
                std::thread::yield_now();
            }
        };
        wait_for_commits(20);
        let mut build = store.begin_build(fixture.table.table, 1).unwrap();
        let index = build.info().unwrap().indexes[0];
        wait_for_commits(200);
        scan_into(&mut build, &store, index);
        for _ in 0..20 {
            wait_for_commits(50);
            assert!(round(&mut build, &store, index) > 0);
        }
        stop.store(true, Relaxed);
        (build, index)
    });
    let (mut build, index) = built;
    while round(&mut build, &store, index) > 0 {}
    let indexes = vec![fixture.primary(), index];
    store
        .alter_tables(&[change(&fixture, indexes.clone())], &mut vec![build])
        .unwrap();
    drop(store);
    fixture.reopen();
    let table = fixture.store().open_table("t").unwrap();
    assert_eq!(
        (&table.indexes, &table.definition[..]),
        (&indexes, &b"another"[..])
    );
    let mut transaction = fixture.begin();
    let of_rows = scan(&mut transaction, &fixture.whole(fixture.primary()), 100).unwrap();
    let mut expected: Vec<_> = of_rows.iter().map(|row| entry_key(&row.0, &row.2)).collect();
    expected.sort();
    let entries = scan(&mut transaction, &fixture.whole(index), 100).unwrap();
    let entries: Vec<_> = entries.into_iter().map(|entry| entry.0).collect();
    assert_eq!(entries, expected);
    let dropped = get_in(&mut transaction, fixture.secondary(), b"x", Lock::None);
    assert_eq!(dropped.unwrap_err().code(), ErrorCode::NoSuchTable);
}

#[test]
fn build_that_is_given_up_leaves_nothing() {
    let mut fixture = Fixture::new();
    fixture.put(b"12345678", b"v");
    let store = Arc::clone(fixture.store());
    let mut build = store.begin_build(fixture.table.table, 1).unwrap();
    let index = build.info().unwrap().indexes[0];
    assert!(
        store.begin_build(fixture.table.table, 1).is_err(),
        "one at a time"
    );
    scan_into(&mut build, &store, index);
    let mut late = fixture.begin();
    apply(
        &mut late,
        vec![WriteOp::PutUnlocked {
            index,
            key: b"late",
            value: b"",
        }],
    )
    .unwrap();
    drop(build);
    // What was on its way when it was given up does not come.
    let late = block_on(late.commit(Durability::Never, commit_id(3)));
    assert!(late.is_err());
    let gone = get_in(&mut fixture.begin(), index, b"v12345678", Lock::None);
    assert_eq!(gone.unwrap_err().code(), ErrorCode::NoSuchTable);
    // Another can begin; and the table's own commits go on.
    let build = store.begin_build(fixture.table.table, 2).unwrap();
    fixture.put(b"87654321", b"w");
    drop(build);
    drop(store);
    fixture.reopen();
    assert_eq!(
        fixture.store().open_table("t").unwrap().indexes,
        fixture.table.indexes
    );
}

#[test]
fn tables_are_altered_together_or_not_at_all() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let other = store.create_table("u", b"", 2, [1, 1]).unwrap();
    let good = change(&fixture, vec![fixture.primary()]);
    let bad = |indexes: Vec<IndexId>| TableChange {
        table: other.table,
        definition: Vec::new(),
        indexes,
    };
    let [first, second] = other.indexes[..] else {
        panic!("it has two indexes")
    };
    for wrong in [
        vec![],
        vec![second],
        vec![first, first],
        vec![first, fixture.secondary()],
        vec![first, second, IndexId(999)],
    ] {
        let refused = store.alter_tables(&[good.clone(), bad(wrong)], &mut Vec::new());
        assert_eq!(refused.unwrap_err().code(), ErrorCode::Invalid);
        assert_eq!(store.open_table("t").unwrap(), fixture.table);
    }
    assert!(
        store
            .alter_tables(&[good.clone(), good.clone()], &mut Vec::new())
            .is_err()
    );
    store
        .alter_tables(&[good, bad(vec![first, second])], &mut Vec::new())
        .unwrap();
    assert_eq!(store.open_table("t").unwrap().indexes, [fixture.primary()]);
}

#[test]
fn an_index_becomes_the_tables_only_when_it_has_caught_up() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let mut build = store.begin_build(fixture.table.table, 1).unwrap();
    let index = build.info().unwrap().indexes[0];
    let indexes = vec![fixture.primary(), fixture.secondary(), index];
    let mut builds = Vec::new();
    let refused = store.alter_tables(&[change(&fixture, indexes.clone())], &mut builds);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::Invalid, "another's build");
    scan_into(&mut build, store, index);
    assert_eq!(build.round().unwrap(), 0);
    fixture.put(b"12345678", b"v");
    builds.push(build);
    let refused = store.alter_tables(&[change(&fixture, indexes.clone())], &mut builds);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::TableChanged);
    assert_eq!(round(&mut builds[0], store, index), 1);
    let refused = store.alter_tables(&[change(&fixture, indexes.clone())], &mut builds);
    assert_eq!(
        refused.unwrap_err().code(),
        ErrorCode::TableChanged,
        "a round without change is missing"
    );
    assert_eq!(round(&mut builds[0], store, index), 0);
    store
        .alter_tables(&[change(&fixture, indexes)], &mut builds)
        .unwrap();
    assert!(builds.is_empty());
}

#[test]
fn snapshots_older_than_an_index_do_not_read_it() {
    let fixture = Fixture::new();
    fixture.put(b"12345678", b"v");
    let store = fixture.store();
    let mut old = fixture.begin();
    old.take_snapshot();
    let mut build = store.begin_build(fixture.table.table, 1).unwrap();
    let index = build.info().unwrap().indexes[0];
    scan_into(&mut build, store, index);
    assert_eq!(build.round().unwrap(), 0);
    let indexes = vec![fixture.primary(), index];
    store
        .alter_tables(&[change(&fixture, indexes)], &mut vec![build])
        .unwrap();
    let read = get_in(&mut old, index, b"v12345678", Lock::None);
    assert_eq!(read.unwrap_err().code(), ErrorCode::TableChanged);
    let refused = scan(&mut old, &fixture.whole(index), 1);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::TableChanged);
    let row = get_in(&mut old, fixture.primary(), b"12345678", Lock::None);
    assert_eq!(row.unwrap().unwrap(), b"v", "the rows are as old as they were");
    let read = get_in(&mut fixture.begin(), index, b"v12345678", Lock::None);
    assert!(read.unwrap().is_some());
}
