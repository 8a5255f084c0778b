use crate::support::{Fixture, commit_id};
use pollster::block_on;
use vamos_proto::{Durability, KeyRange, Write, WriteOp};

fn range(fixture: &Fixture, low: u32, high: u32) -> u64 {
    let (low, high) = (low.to_be_bytes(), high.to_be_bytes());
    let index = fixture.primary();
    fixture
        .store()
        .range_sizes(&[KeyRange {
            index,
            low: &low,
            high: &high,
        }])
        .unwrap()[0]
}

fn fill(fixture: &Fixture, rows: u32) {
    let keys: Vec<_> = (0..rows).map(u32::to_be_bytes).collect();
    let index = fixture.primary();
    let ops = keys
        .iter()
        .map(|key| WriteOp::Insert {
            index,
            key,
            value: &[7; 100],
        })
        .collect();
    let table = fixture.table.table;
    let mut transaction = fixture.begin();
    let write = Write {
        ops,
        raise: vec![],
        row_delta: rows.into(),
        answer: true,
        table,
    };
    block_on(transaction.apply(&write)).unwrap();
    block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
}

fn check(fixture: &Fixture, rows: u32) {
    assert_eq!(range(fixture, 10, 20), 10);
    assert_eq!(range(fixture, 10, 10), 0);
    assert_eq!(range(fixture, 20, 10), 0);
    assert_eq!(range(fixture, rows, rows + 10), 0);
    let half = range(fixture, 0, rows / 2);
    let expected = u64::from(rows / 2);
    assert!(
        (expected / 2..expected * 2).contains(&half),
        "{half} for {expected}"
    );
    let tenth = range(fixture, rows / 2, rows / 2 + rows / 10);
    let expected = u64::from(rows / 10);
    assert!(
        (expected / 3..expected * 3).contains(&tenth),
        "{tenth} for {expected}"
    );
}

#[test]
fn small_ranges_are_counted_and_large_ones_estimated_in_memory_and_in_files() {
    let mut fixture = Fixture::new();
    let rows = 20_000;
    fill(&fixture, rows);
    check(&fixture, rows);
    // Opening writes what the log has to files.
    fixture.reopen();
    check(&fixture, rows);
    let stats = fixture.store().table_stats(fixture.table.table).unwrap();
    assert_eq!(stats.rows, u64::from(rows));
    assert!(stats.data_bytes > 10_000, "{stats:?}");
}
