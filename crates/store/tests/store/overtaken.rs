//! A transaction changes a row that another one has changed since its snapshot
//! was taken: through a secondary index it must see its own version, under that
//! version's entries, and no other.

use crate::support::{Fixture, Row, apply, commit, get_in, rows, scan, suffix_entry, value_entry};
use pollster::block_on;
use vamos_proto::{Direction, Lock, RowBlockBuilder, SavepointId, WriteOp};
use vamos_store::Transaction;

/// Rows `1`, `2` and `3`, each with an entry `a`, and a reader whose snapshot
/// shows that.
fn three_rows() -> (Fixture, Transaction) {
    let fixture = Fixture::new();
    let value = suffix_entry(1);
    for (id, entry) in [(b"1", b"a1"), (b"2", b"a2"), (b"3", b"a3")] {
        fixture.put(id, b"old");
        fixture.commit(vec![fixture.entry(entry, &value)]);
    }
    let mut reader = fixture.begin();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a2 old", "a3 old"]);
    (fixture, reader)
}

/// Another transaction moves row 2 from the entry `a2` to `b2`.
fn move_row(fixture: &Fixture) {
    let (index, value) = (fixture.secondary(), suffix_entry(1));
    let put = WriteOp::Put {
        index: fixture.primary(),
        key: b"2",
        value: b"moved",
    };
    let gone = WriteOp::DeleteUnlocked { index, key: b"a2" };
    fixture.commit(vec![put, gone, fixture.entry(b"b2", &value)]);
}

fn put<'a>(fixture: &Fixture, key: &'a [u8], value: &'a [u8]) -> WriteOp<'a> {
    WriteOp::Put {
        index: fixture.primary(),
        key,
        value,
    }
}

/// What a scan of the secondary index finds, forward and backward, with rows and
/// without, and one key at a time.
fn found(fixture: &Fixture, transaction: &mut Transaction) -> Vec<String> {
    let mut request = fixture.whole(fixture.secondary());
    let covering = scan(transaction, &request, 2).unwrap();
    request.fetch = Some(fixture.primary());
    let forward = scan(transaction, &request, 2).unwrap();
    request.direction = Direction::Backward;
    let mut backward = scan(transaction, &request, 2).unwrap();
    backward.reverse();
    assert_eq!(forward, backward);
    let keys = |rows: &[Row]| rows.iter().map(|(key, ..)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&covering), keys(&forward));
    for key in [b"a1", b"a2", b"a3", b"b2", b"c2"] {
        let there = forward.iter().any(|(found, ..)| found == key);
        let mut builder = RowBlockBuilder::new();
        let (index, primary) = (fixture.secondary(), Some(fixture.primary()));
        let read = transaction.get(index, key, Lock::None, primary, &mut builder);
        assert_eq!(block_on(read).unwrap(), there);
        assert_eq!(rows(&builder).len(), usize::from(there));
        assert_eq!(
            get_in(transaction, index, key, Lock::None).unwrap().is_some(),
            there
        );
        builder.clear();
        block_on(transaction.multi_get(index, &[key], Lock::None, &mut builder, usize::MAX)).unwrap();
        assert_eq!(rows(&builder).len(), usize::from(there));
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    forward
        .iter()
        .map(|(key, _, value)| format!("{} {}", text(key), text(value)))
        .collect()
}

#[test]
fn a_row_changed_without_its_key_is_under_its_newest_entry() {
    let (fixture, mut reader) = three_rows();
    move_row(&fixture);
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a2 old", "a3 old"]);
    apply(&mut reader, vec![put(&fixture, b"2", b"mine")]).unwrap();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a3 old", "b2 mine"]);
    commit(reader);
    let mut after = fixture.begin();
    assert_eq!(found(&fixture, &mut after), ["a1 old", "a3 old", "b2 mine"]);
}

#[test]
fn a_row_moved_on_is_under_its_own_entry_alone() {
    let (fixture, mut reader) = three_rows();
    move_row(&fixture);
    let (index, value) = (fixture.secondary(), suffix_entry(1));
    let gone = WriteOp::DeleteUnlocked { index, key: b"b2" };
    apply(
        &mut reader,
        vec![put(&fixture, b"2", b"mine"), gone, fixture.entry(b"c2", &value)],
    )
    .unwrap();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a3 old", "c2 mine"]);
}

#[test]
fn a_row_deleted_has_no_entry() {
    let (fixture, mut reader) = three_rows();
    move_row(&fixture);
    let index = fixture.secondary();
    let gone = WriteOp::DeleteUnlocked { index, key: b"b2" };
    apply(&mut reader, vec![fixture.delete(b"2"), gone]).unwrap();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a3 old"]);
}

#[test]
fn a_row_inserted_where_another_was_deleted_has_its_own_entry_alone() {
    let (fixture, mut reader) = three_rows();
    let (index, value) = (fixture.secondary(), suffix_entry(1));
    let gone = WriteOp::DeleteUnlocked { index, key: b"a2" };
    fixture.commit(vec![fixture.delete(b"2"), gone]);
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a2 old", "a3 old"]);
    let insert = fixture.insert(b"2", b"mine");
    apply(&mut reader, vec![insert, fixture.entry(b"c2", &value)]).unwrap();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a3 old", "c2 mine"]);
}

#[test]
fn what_is_undone_is_as_the_snapshot_shows_it() {
    let (fixture, mut reader) = three_rows();
    move_row(&fixture);
    reader.set_savepoint(SavepointId(1)).unwrap();
    apply(&mut reader, vec![put(&fixture, b"2", b"mine")]).unwrap();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a3 old", "b2 mine"]);
    reader.rollback_to(SavepointId(1)).unwrap();
    assert_eq!(found(&fixture, &mut reader), ["a1 old", "a2 old", "a3 old"]);
}

#[test]
fn an_open_scan_learns_of_it() {
    let (fixture, mut reader) = three_rows();
    move_row(&fixture);
    let request = fixture.whole(fixture.secondary());
    let mut cursor = reader.scan(&request).unwrap();
    let mut builder = RowBlockBuilder::new();
    assert!(!block_on(reader.next_batch(&mut cursor, &mut builder, 1, 1 << 20)).unwrap());
    apply(&mut reader, vec![put(&fixture, b"2", b"mine")]).unwrap();
    builder.clear();
    assert!(block_on(reader.next_batch(&mut cursor, &mut builder, 9, 1 << 20)).unwrap());
    let keys: Vec<Vec<u8>> = rows(&builder).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, [b"a3", b"b2"]);
}

/// Rows `1` and `2`, the first with the unique entry `u`, and a reader whose
/// snapshot shows that; then the entry goes from row 1 to row 2.
fn unique_entry_that_moves() -> (Fixture, Transaction) {
    let fixture = Fixture::new();
    fixture.put(b"1", b"old");
    fixture.put(b"2", b"old");
    fixture.commit(vec![fixture.entry(b"u", &value_entry(b"1"))]);
    let mut reader = fixture.begin();
    assert_eq!(rows_of_entry(&fixture, &mut reader), ["1 old"]);
    fixture.commit(vec![
        put(&fixture, b"1", b"new"),
        put(&fixture, b"2", b"new"),
        fixture.entry(b"u", &value_entry(b"2")),
    ]);
    (fixture, reader)
}

/// The rows under `u`, in the order of their primary keys: by scans both ways, in
/// batches of one, too; and the first by a read.
fn rows_of_entry(fixture: &Fixture, reader: &mut Transaction) -> Vec<String> {
    let mut request = fixture.whole(fixture.secondary());
    let covering = scan(reader, &request, 1).unwrap();
    request.fetch = Some(fixture.primary());
    let scanned = scan(reader, &request, 9).unwrap();
    assert_eq!(scan(reader, &request, 1).unwrap(), scanned);
    assert_eq!(covering.len(), scanned.len());
    assert!(scanned.is_sorted_by_key(|(_, row, _)| row));
    request.direction = Direction::Backward;
    let mut backward = scan(reader, &request, 1).unwrap();
    backward.reverse();
    assert_eq!(backward, scanned);
    let mut builder = RowBlockBuilder::new();
    let (index, primary) = (fixture.secondary(), Some(fixture.primary()));
    block_on(reader.get(index, b"u", Lock::None, primary, &mut builder)).unwrap();
    assert_eq!(rows(&builder).first(), scanned.first());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    scanned
        .iter()
        .map(|(_, row, value)| format!("{} {}", text(row), text(value)))
        .collect()
}

#[test]
fn a_unique_entry_that_went_to_another_row_stays_with_the_snapshots_beside_it() {
    let (fixture, mut reader) = unique_entry_that_moves();
    apply(&mut reader, vec![put(&fixture, b"2", b"mine")]).unwrap();
    assert_eq!(rows_of_entry(&fixture, &mut reader), ["1 old", "2 mine"]);
    // And then the other one, which has the value no more.
    apply(&mut reader, vec![put(&fixture, b"1", b"mine")]).unwrap();
    assert_eq!(rows_of_entry(&fixture, &mut reader), ["2 mine"]);
}

#[test]
fn a_unique_entry_stays_with_the_snapshots_row_beside_one_that_the_transaction_adds() {
    for added in [b"0", b"3"] {
        let (fixture, mut reader) = unique_entry_that_moves();
        let value = value_entry(added);
        let entry = fixture.entry(b"u", &value);
        apply(
            &mut reader,
            vec![fixture.delete(b"2"), put(&fixture, added, b"mine"), entry],
        )
        .unwrap();
        let mine = format!("{} mine", char::from(added[0]));
        let mut expected = vec!["1 old".to_owned(), mine];
        expected.sort();
        assert_eq!(rows_of_entry(&fixture, &mut reader), expected);
        apply(&mut reader, vec![put(&fixture, b"1", b"mine")]).unwrap();
        assert_eq!(
            rows_of_entry(&fixture, &mut reader),
            expected[usize::from(added == b"3")..][..1]
        );
    }
}

#[test]
fn a_unique_entry_stays_with_the_snapshots_row_when_the_other_row_loses_it() {
    let (fixture, mut reader) = unique_entry_that_moves();
    let index = fixture.secondary();
    let gone = WriteOp::Delete { index, key: b"u" };
    apply(&mut reader, vec![fixture.delete(b"2"), gone]).unwrap();
    assert_eq!(rows_of_entry(&fixture, &mut reader), ["1 old"]);
    apply(&mut reader, vec![put(&fixture, b"1", b"mine")]).unwrap();
    assert!(rows_of_entry(&fixture, &mut reader).is_empty());
}

#[test]
fn a_unique_entry_that_was_given_up_stays_with_the_snapshots_row_beside_an_added_one() {
    for added in [b"0", b"3"] {
        let fixture = Fixture::new();
        fixture.put(b"1", b"old");
        fixture.commit(vec![fixture.entry(b"u", &value_entry(b"1"))]);
        let mut reader = fixture.begin();
        assert_eq!(rows_of_entry(&fixture, &mut reader), ["1 old"]);
        let index = fixture.secondary();
        let gone = WriteOp::Delete { index, key: b"u" };
        fixture.commit(vec![fixture.delete(b"1"), gone]);
        let value = value_entry(added);
        let entry = fixture.entry(b"u", &value);
        apply(&mut reader, vec![fixture.insert(added, b"mine"), entry]).unwrap();
        assert_eq!(
            scan(&mut reader, &fixture.whole(fixture.primary()), 9)
                .unwrap()
                .len(),
            2
        );
        let mut expected = vec!["1 old".to_owned(), format!("{} mine", char::from(added[0]))];
        expected.sort();
        assert_eq!(rows_of_entry(&fixture, &mut reader), expected);
    }
}

#[test]
fn a_limit_parts_no_two_rows_under_one_key() {
    let (fixture, mut reader) = unique_entry_that_moves();
    fixture.commit(vec![
        put(&fixture, b"9", b"old"),
        fixture.entry(b"v", &value_entry(b"9")),
    ]);
    apply(
        &mut reader,
        vec![put(&fixture, b"2", b"mine"), put(&fixture, b"9", b"mine")],
    )
    .unwrap();
    let mut request = fixture.whole(fixture.secondary());
    for fetch in [None, Some(fixture.primary())] {
        request.fetch = fetch;
        for (limit, expected) in [(0, 3), (1, 2), (2, 2), (3, 3)] {
            request.limit = limit;
            assert_eq!(scan(&mut reader, &request, 9).unwrap().len(), expected);
        }
    }
}

#[test]
fn a_deleted_twin_lets_no_batch_grow() {
    let (fixture, mut reader) = unique_entry_that_moves();
    let index = fixture.secondary();
    let gone = WriteOp::Delete { index, key: b"u" };
    let value = value_entry(b"3");
    apply(
        &mut reader,
        vec![
            fixture.delete(b"2"),
            gone,
            put(&fixture, b"3", b"mine"),
            fixture.entry(b"v", &value),
        ],
    )
    .unwrap();
    let mut request = fixture.whole(index);
    for fetch in [None, Some(fixture.primary())] {
        request.fetch = fetch;
        assert_eq!(scan(&mut reader, &request, 1).unwrap().len(), 2);
    }
}

/// How many batches a scan of the secondary index takes, and what it finds.
fn batches(fixture: &Fixture, reader: &mut Transaction) -> (usize, Vec<Vec<u8>>) {
    let mut cursor = reader.scan(&fixture.whole(fixture.secondary())).unwrap();
    let mut builder = RowBlockBuilder::new();
    let mut batches = 1;
    while !block_on(reader.next_batch(&mut cursor, &mut builder, usize::MAX, usize::MAX)).unwrap() {
        batches += 1;
    }
    (batches, rows(&builder).into_iter().map(|(key, ..)| key).collect())
}

#[test]
fn entries_that_are_not_seen_are_passed_in_many_batches() {
    let (fixture, mut reader) = three_rows();
    move_row(&fixture);
    let value = suffix_entry(4);
    for thousand in 0..20u32 {
        let keys: Vec<_> = (0..1000).map(|of| (thousand * 1000 + of).to_be_bytes()).collect();
        fixture.commit(keys.iter().map(|key| fixture.entry(key, &value)).collect());
    }
    apply(&mut reader, vec![put(&fixture, b"2", b"mine")]).unwrap();
    let (batches, found) = batches(&fixture, &mut reader);
    assert!(batches > 4, "{batches} batches");
    assert_eq!(found, [b"a1", b"a3", b"b2"]);
}

#[test]
fn own_deletions_are_passed_in_many_batches() {
    let (fixture, mut reader) = three_rows();
    let value = suffix_entry(4);
    let keys: Vec<_> = (0..20_000u32).map(u32::to_be_bytes).collect();
    for keys in keys.chunks(1000) {
        fixture.commit(keys.iter().map(|key| fixture.entry(key, &value)).collect());
    }
    let index = fixture.secondary();
    for keys in keys.chunks(1000) {
        let gone = |key| WriteOp::DeleteUnlocked { index, key };
        apply(&mut reader, keys.iter().map(|key| gone(key)).collect()).unwrap();
    }
    let (batches, found) = batches(&fixture, &mut reader);
    assert!(batches > 4, "{batches} batches");
    assert_eq!(found, [b"a1", b"a2", b"a3"]);
}
