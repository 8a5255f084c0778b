use crate::support::{Fixture, commit_id};
use pollster::block_on;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_proto::{Durability, Write, WriteOp};
use vamos_store::{Store, TableInfo, TransactionOptions};

const ROWS: u32 = 30_000;

/// Bytes that do not compress.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = u64::from(seed) | 1 << 40;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(400).collect()
}

fn fill(store: &Arc<Store>, table: &TableInfo) {
    for chunk in 0..10 {
        let rows: Vec<_> = (0..ROWS / 10)
            .map(|i| chunk * ROWS + i)
            .map(|n| (n.to_be_bytes(), noise(n)))
            .collect();
        let index = table.indexes[0];
        let ops = rows
            .iter()
            .map(|(key, value)| WriteOp::Put { index, key, value })
            .collect();
        let mut transaction = store.begin(TransactionOptions::default());
        let write = Write {
            ops,
            raise: vec![],
            row_delta: i64::from(ROWS / 10),
            answer: true,
            table: table.table,
        };
        block_on(transaction.apply(&write)).unwrap();
        block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
    }
}

fn wait_for_reclaim(store: &Store) {
    let begin = Instant::now();
    while store.status().reclaiming > 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", store.status());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn space_of_dropped_and_truncated_tables_is_reclaimed() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let dropped = store.create_table("dropped", b"", 1, [1, 1]).unwrap();
    let truncated = store.create_table("truncated", b"", 1, [1, 1]).unwrap();
    fill(store, &dropped);
    fill(store, &truncated);
    fixture.put(b"kept", b"v");
    let full = store.status();
    assert!(full.file_bytes > 4 << 20, "{full:?}");
    store.drop_table("dropped").unwrap();
    let table = store.truncate_table("truncated").unwrap().table;
    assert_eq!(store.table_stats(table).unwrap().rows, 0);
    wait_for_reclaim(store);
    let empty = store.status();
    assert!(empty.file_bytes < full.file_bytes / 4, "{full:?} {empty:?}");
    let mut reader = fixture.begin();
    let kept = crate::support::get_in(&mut reader, fixture.primary(), b"kept", vamos_proto::Lock::None);
    assert_eq!(kept.unwrap().unwrap(), b"v");
}

#[test]
fn reclaim_goes_on_after_closing() {
    let mut fixture = Fixture::new();
    let table = fixture.store().create_table("dropped", b"", 1, [1, 1]).unwrap();
    fill(fixture.store(), &table);
    fixture.store().drop_table("dropped").unwrap();
    fixture.reopen();
    wait_for_reclaim(fixture.store());
    fixture.reopen();
    let status = fixture.store().status();
    assert_eq!(status.reclaiming, 0);
    assert!(status.file_bytes < 4 << 20, "{status:?}");
}
