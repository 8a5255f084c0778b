use crate::support::{Fixture, apply};
use vamos_proto::{TableId, WriteOp};
use vamos_store::{StoreError, TransactionOptions};

/// More than are counted at once.
const ENTRIES: u32 = 60_000;

fn fill(fixture: &Fixture, from: u32, to: u32) {
    let rows: Vec<_> = (from..to).map(u32::to_be_bytes).collect();
    let index = fixture.primary();
    let put = |key| WriteOp::Put {
        index,
        key,
        value: &[7; 40],
    };
    fixture.commit(rows.iter().map(|row| put(&row[..])).collect());
}

#[test]
fn counts_what_the_snapshot_shows() {
    let fixture = Fixture::new();
    fill(&fixture, 0, ENTRIES);
    let mut reader = fixture.begin();
    reader.take_snapshot();
    fill(&fixture, ENTRIES, ENTRIES + 10);

    let first = reader.count_entries(fixture.primary(), b"", false).unwrap();
    let first = first.run().unwrap();
    let last = first.last.expect("they are too many for one step");
    let rest = reader.count_entries(fixture.primary(), &last, true).unwrap();
    let rest = rest.run().unwrap();
    assert_eq!(rest.last, None);
    assert_eq!(first.entries + rest.entries, u64::from(ENTRIES));

    let secondary = reader.count_entries(fixture.secondary(), b"", false).unwrap();
    assert_eq!(secondary.run().unwrap().entries, 0);
    let mut now = fixture.store().begin(TransactionOptions::default());
    let behind = now.count_entries(fixture.primary(), &last, true).unwrap();
    assert_eq!(behind.run().unwrap().entries, rest.entries + 10);
}

#[test]
fn the_counted_rows_are_those_of_the_snapshot() {
    let fixture = Fixture::new();
    let count = |delta| {
        let mut transaction = fixture.begin();
        apply(&mut transaction, vec![fixture.insert(&[delta as u8], b"v")]).unwrap();
        let mut write = crate::support::write(vec![]);
        (write.table, write.row_delta) = (fixture.table.table, delta);
        pollster::block_on(transaction.apply(&write)).unwrap();
        crate::support::commit(transaction);
    };
    count(5);
    let mut reader = fixture.begin();
    assert_eq!(reader.counted_rows(fixture.table.table).unwrap(), 5);
    count(-2);
    assert_eq!(reader.counted_rows(fixture.table.table).unwrap(), 5);
    assert_eq!(fixture.begin().counted_rows(fixture.table.table).unwrap(), 3);
    let gone = reader.counted_rows(TableId(4711)).unwrap_err();
    assert!(matches!(gone, StoreError::NoSuchTableId { .. }));
}

#[test]
fn a_damaged_file_is_found_and_named() {
    let fixture = Fixture::new();
    fill(&fixture, 0, 1000);
    let store = fixture.store();
    let files = store.table_files(fixture.table.table).unwrap();
    let &[(number, bytes)] = &files[..] else {
        panic!("all of the table is in one file: {files:?}");
    };
    store.verify_file(number).unwrap();
    let path = fixture.path().join(format!("{number:06}.sst"));
    let mut content = std::fs::read(&path).unwrap();
    assert_eq!(content.len() as u64, bytes);
    content[200] ^= 4;
    std::fs::write(&path, content).unwrap();
    let error = store.verify_file(number).unwrap_err();
    assert!(matches!(error, StoreError::Corruption { .. }));
    assert!(error.to_string().contains(&format!("{number:06}.sst")), "{error}");
    // A file that compactions have replaced is no damage.
    store.verify_file(4711).unwrap();
}

#[test]
fn compaction_takes_deleted_entries_away_and_stays_within_its_table() {
    let fixture = Fixture::new();
    fill(&fixture, 0, ENTRIES);
    let store = fixture.store();
    let table = fixture.table.table;
    let before: u64 = store.table_files(table).unwrap().iter().map(|file| file.1).sum();
    let keys: Vec<_> = (10..ENTRIES).map(u32::to_be_bytes).collect();
    fixture.commit(keys.iter().map(|key| fixture.delete(key)).collect());

    let mut from = Vec::new();
    loop {
        let piece = store.compact_piece(table, &from).unwrap();
        assert!(piece.done <= piece.total);
        if piece.next.is_empty() {
            break;
        }
        assert!(piece.next > from, "it moves on");
        from = piece.next;
    }
    let after: u64 = store.table_files(table).unwrap().iter().map(|file| file.1).sum();
    assert!(after < before / 10, "{before} bytes became {after}");

    let other = store.create_table("other", b"", 1, [1, 1]).unwrap();
    let foreign = store.compact_piece(other.table, fixture.primary().0.to_be_bytes().as_slice());
    assert!(matches!(foreign, Err(StoreError::Invalid { .. })));
}

#[test]
fn tables_are_listed_page_by_page() {
    let fixture = Fixture::new();
    for name in ["b", "a", "c"] {
        fixture.store().create_table(name, b"", 2, [1, 1]).unwrap();
    }
    let (first, more) = fixture.store().table_sizes("", 2).unwrap();
    let names = |page: &[vamos_store::TableSizes]| -> Vec<String> {
        page.iter().map(|sizes| sizes.table.name.clone()).collect()
    };
    assert_eq!((names(&first), more), (vec!["a".into(), "b".into()], true));
    assert_eq!(first[0].index_bytes.len(), 2);
    let (rest, more) = fixture.store().table_sizes("b", 2).unwrap();
    assert_eq!((names(&rest), more), (vec!["c".into(), "t".into()], false));
}
