//! A locking scan must not miss a row that another transaction has moved ahead
//! of it while the scan was under way.

use crate::support::{EXCLUSIVE, Fixture, rows, suffix_entry};
use pollster::block_on;
use vamos_proto::{RowBlockBuilder, Scan, WriteOp};

/// Reads one row, lets `meanwhile` happen, and returns the keys that follow.
fn keys_after_first(fixture: &Fixture, request: &Scan<'_>, meanwhile: impl FnOnce()) -> Vec<Vec<u8>> {
    let mut transaction = fixture.begin();
    let mut cursor = transaction.scan(request).unwrap();
    let mut builder = RowBlockBuilder::new();
    block_on(transaction.next_batch(&mut cursor, &mut builder, 1, 1 << 20)).unwrap();
    meanwhile();
    builder.clear();
    assert!(block_on(transaction.next_batch(&mut cursor, &mut builder, 100, 1 << 20)).unwrap());
    rows(&builder).into_iter().map(|(key, _, _)| key).collect()
}

#[test]
fn an_entry_that_moved_ahead_is_found_there() {
    let fixture = Fixture::new();
    let value = suffix_entry(1);
    for (id, entry) in [(b"1", b"a1"), (b"2", b"b2"), (b"3", b"c3")] {
        fixture.put(id, b"row");
        fixture.commit(vec![fixture.entry(entry, &value)]);
    }
    let mut request = fixture.whole(fixture.secondary());
    request.fetch = Some(fixture.primary());
    request.lock = EXCLUSIVE;
    let index = fixture.secondary();
    let found = keys_after_first(&fixture, &request, || {
        let moved = vec![
            WriteOp::DeleteUnlocked { index, key: b"b2" },
            fixture.entry(b"d2", &value),
        ];
        fixture.commit(moved);
    });
    assert_eq!(found, [b"c3", b"d2"]);
}

#[test]
fn a_row_whose_key_moved_ahead_is_found_there() {
    let fixture = Fixture::new();
    for id in [b"1", b"2", b"3"] {
        fixture.put(id, b"row");
    }
    let mut request = fixture.whole(fixture.primary());
    request.lock = EXCLUSIVE;
    let found = keys_after_first(&fixture, &request, || {
        fixture.commit(vec![fixture.delete(b"2"), fixture.insert(b"4", b"row")]);
    });
    assert_eq!(found, [b"3", b"4"]);
}
