use crate::support::{EXCLUSIVE, Fixture, apply, rows, suffix_entry, value_entry};
use pollster::block_on;
use vamos_proto::{ErrorCode, Lock, RowBlockBuilder, WriteOp};

#[test]
fn multi_get_gives_found_rows_in_the_order_asked() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    for key in [b"a", b"b", b"c", b"d"] {
        fixture.put(key, key);
    }
    for lock in [Lock::None, EXCLUSIVE] {
        let mut transaction = fixture.begin();
        let put = WriteOp::Put {
            index,
            key: b"own",
            value: b"mine",
        };
        apply(&mut transaction, vec![put, fixture.delete(b"b")]).unwrap();
        let mut builder = RowBlockBuilder::new();
        let keys: [&[u8]; 6] = [b"d", b"own", b"b", b"a", b"none", b"d"];
        block_on(transaction.multi_get(index, &keys, lock, &mut builder, usize::MAX)).unwrap();
        let found: Vec<_> = rows(&builder)
            .into_iter()
            .map(|(key, _, value)| (key, value))
            .collect();
        let expected = [("d", "d"), ("own", "mine"), ("a", "a"), ("d", "d")];
        let expected = expected.map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec()));
        assert_eq!(found, expected);
    }
}

#[test]
fn multi_get_of_thousands_of_keys() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    let keys: Vec<_> = (0..3000u32).map(u32::to_be_bytes).collect();
    fixture.commit(
        keys.iter()
            .map(|key| WriteOp::Put {
                index,
                key,
                value: key,
            })
            .collect(),
    );
    let mut transaction = fixture.begin();
    let mut builder = RowBlockBuilder::new();
    let asked: Vec<_> = keys.iter().rev().map(|key| &key[..]).collect();
    block_on(transaction.multi_get(index, &asked, Lock::None, &mut builder, usize::MAX)).unwrap();
    assert_eq!(builder.rows(), 3000);
    assert_eq!(rows(&builder)[0].0, 2999u32.to_be_bytes());
}

#[test]
fn row_is_fetched_through_both_kinds_of_entries() {
    let fixture = Fixture::new();
    let (primary, secondary) = (fixture.primary(), fixture.secondary());
    fixture.put(b"pk", b"the row");
    fixture.commit(vec![
        fixture.entry(b"namepk", &suffix_entry(2)),
        fixture.entry(b"u", &value_entry(b"pk")),
    ]);
    for lock in [Lock::None, EXCLUSIVE] {
        for key in [&b"namepk"[..], b"u"] {
            let mut transaction = fixture.begin();
            let mut builder = RowBlockBuilder::new();
            assert!(block_on(transaction.get(secondary, key, lock, Some(primary), &mut builder)).unwrap());
            assert_eq!(
                rows(&builder),
                [(key.to_vec(), b"pk".to_vec(), b"the row".to_vec())]
            );
            let get = transaction.get(secondary, b"none", lock, Some(primary), &mut builder);
            assert!(!block_on(get).unwrap());
        }
    }
}

#[test]
fn entry_without_row_is_damage() {
    let fixture = Fixture::new();
    let (primary, secondary) = (fixture.primary(), fixture.secondary());
    fixture.commit(vec![
        fixture.entry(b"u", &value_entry(b"pk")),
        fixture.entry(b"v", b"\x07"),
    ]);
    for key in [b"u", b"v"] {
        let mut transaction = fixture.begin();
        let mut builder = RowBlockBuilder::new();
        let get = transaction.get(secondary, key, Lock::None, Some(primary), &mut builder);
        assert_eq!(block_on(get).unwrap_err().code(), ErrorCode::Corruption);
        assert!(transaction.is_open());
    }
}

#[test]
fn a_batch_of_fetched_rows_has_few_more_bytes_than_asked_for() {
    let fixture = Fixture::new();
    let (primary, value) = (fixture.primary(), suffix_entry(1));
    let row_bytes = |row: u8| if row < 100 { 10 } else { 100_000 };
    for row in 0..140u8 {
        let bytes = vec![row; row_bytes(row)];
        fixture.put(&[row], &bytes);
        fixture.commit(vec![fixture.entry(&[7, row], &value)]);
    }
    let mut request = fixture.whole(fixture.secondary());
    request.fetch = Some(primary);
    let mut transaction = fixture.begin();
    let mut cursor = transaction.scan(&request).unwrap();
    let mut found = Vec::new();
    let mut finished = false;
    while !finished {
        let mut batch = RowBlockBuilder::new();
        finished = block_on(transaction.next_batch(&mut cursor, &mut batch, 1000, 150_000)).unwrap();
        assert!(batch.len() < 300_000, "{} bytes", batch.len());
        found.extend(
            rows(&batch)
                .into_iter()
                .map(|(_, key, value)| (key[0], value.len())),
        );
    }
    let expected: Vec<_> = (0..140u8).map(|row| (row, row_bytes(row))).collect();
    assert_eq!(found, expected);
}
