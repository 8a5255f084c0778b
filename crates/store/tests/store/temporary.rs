//! Temporary tables.

use crate::support::{Fixture, apply, commit, commit_id, get_in, scan};
use pollster::block_on;
use std::time::{Duration, Instant};
use vamos_proto::{Durability, ErrorCode, Lock, WriteOp};
use vamos_store::TableInfo;

fn temporary(fixture: &Fixture, name: &str) -> TableInfo {
    fixture
        .store()
        .create_temporary_table(name, b"def", 2, [1, 1])
        .unwrap()
}

fn put<'a>(table: &TableInfo, key: &'a [u8]) -> Vec<WriteOp<'a>> {
    vec![WriteOp::Put {
        index: table.indexes[0],
        key,
        value: b"v",
    }]
}

fn wait_for_reclaim(fixture: &Fixture) {
    let begin = Instant::now();
    while fixture.store().status().reclaiming > 0 {
        assert!(begin.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entries(fixture: &Fixture, table: &TableInfo) -> usize {
    let mut transaction = fixture.begin();
    scan(&mut transaction, &fixture.whole(table.indexes[0]), 9).map_or(0, |rows| rows.len())
}

#[test]
fn they_work_as_others_do_and_are_gone_after_closing() {
    let mut fixture = Fixture::new();
    let table = temporary(&fixture, "#t");
    let mut transaction = fixture.begin();
    apply(&mut transaction, put(&table, b"k")).unwrap();
    commit(transaction);
    assert_eq!(entries(&fixture, &table), 1);
    assert_eq!(fixture.store().open_table("#t").unwrap(), table);
    assert_eq!(fixture.store().table_names("#", "", 9), (vec![], false));
    fixture.reopen();
    let error = fixture.store().open_table("#t").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoSuchTable);
    wait_for_reclaim(&fixture);
    let next = fixture.store().create_table("next", b"", 1, [1, 1]).unwrap();
    assert!(!table.indexes.contains(&next.indexes[0]) && next.table != table.table);
}

#[test]
fn a_transaction_outlives_those_that_are_dropped_or_emptied_in_it() {
    let fixture = Fixture::new();
    let (dropped, emptied) = (temporary(&fixture, "#d"), temporary(&fixture, "#e"));
    let mut transaction = fixture.begin();
    apply(&mut transaction, put(&dropped, b"k")).unwrap();
    apply(&mut transaction, put(&emptied, b"k")).unwrap();
    apply(&mut transaction, vec![fixture.insert(b"kept", b"v")]).unwrap();
    fixture.store().drop_table("#d").unwrap();
    let emptied = fixture.store().truncate_table("#e").unwrap();
    apply(&mut transaction, put(&emptied, b"new")).unwrap();
    block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
    let mut reader = fixture.begin();
    let kept = get_in(&mut reader, fixture.primary(), b"kept", Lock::None);
    assert_eq!(kept.unwrap().unwrap(), b"v");
    let new = get_in(&mut reader, emptied.indexes[0], b"new", Lock::None);
    assert_eq!(new.unwrap().unwrap(), b"v");
    let old = get_in(&mut reader, dropped.indexes[0], b"k", Lock::None);
    assert_eq!(old.unwrap_err().code(), ErrorCode::NoSuchTable);
}

#[test]
fn the_owner_s_end_drops_them_and_a_name_can_be_had_again() {
    let fixture = Fixture::new();
    let first = temporary(&fixture, "#t");
    let second = temporary(&fixture, "#t");
    assert_ne!(first.table, second.table);
    fixture.store().drop_temporary_table("#t", first.table);
    assert_eq!(fixture.store().open_table("#t").unwrap(), second);
    fixture.store().drop_temporary_table("#t", second.table);
    assert!(fixture.store().open_table("#t").is_err());
    fixture.store().drop_temporary_table("t", fixture.table.table);
    assert!(
        fixture.store().open_table("t").is_ok(),
        "only temporary tables end with their owner"
    );
    let taken = fixture.store().create_temporary_table("t", b"", 1, [1, 1]);
    assert_eq!(taken.unwrap_err().code(), ErrorCode::TableExists);
}
