//! The binding against a real RocksDB.

use std::sync::Arc;
use vamos_rocks::{
    ColumnFamily, ColumnFamilyOptions, Db, DbOptions, ErrorKind, MergeOperator, ReadOptions, WriteBatch,
    WriteMode, blocks_read,
};

fn sum(values: &mut dyn Iterator<Item = &[u8]>) -> Option<Vec<u8>> {
    let mut total = 0u64;
    for part in values {
        total += u64::from_le_bytes(part.try_into().ok()?);
    }
    Some(total.to_le_bytes().to_vec())
}

fn open(path: &std::path::Path) -> Result<(Db, Vec<ColumnFamily>), vamos_rocks::Error> {
    let mut sums = ColumnFamilyOptions::new("sums");
    sums.merge = Some(MergeOperator {
        name: c"test.sum",
        merge: sum,
    });
    Db::open(
        path,
        &DbOptions::default(),
        &[ColumnFamilyOptions::new("default"), sums],
    )
}

#[test]
fn second_opening_fails_as_locked() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    drop(first);
    open(directory.path()).unwrap();
}

#[test]
fn concat_keeps_all_changes_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let (db, families) = open(directory.path()).unwrap();
    let data = &families[0];
    let (mut a, mut b) = (WriteBatch::new(), WriteBatch::new());
    a.put(data, b"x", b"1");
    a.put(data, b"y", &vec![7; 70_000]);
    a.merge(&families[1], b"n", &5u64.to_le_bytes());
    b.put(data, b"x", b"2");
    b.delete(data, b"y");
    b.merge(&families[1], b"n", &6u64.to_le_bytes());
    let mut both = WriteBatch::concat(&mut [&mut a, &mut b]);
    assert_eq!(both.len(), 6);
    db.write(&mut both, WriteMode::Synced).unwrap();
    let read = ReadOptions::new();
    assert_eq!(data.get(b"x", &read).unwrap().as_deref(), Some(&b"2"[..]));
    assert!(data.get(b"y", &read).unwrap().is_none());
    let n = families[1].get(b"n", &read).unwrap().unwrap();
    assert_eq!(*n, 11u64.to_le_bytes());
}

#[test]
fn merges_survive_flush_compaction_and_restart() {
    let directory = tempfile::tempdir().unwrap();
    for round in 1..=3u64 {
        let (db, families) = open(directory.path()).unwrap();
        for _ in 0..100 {
            let mut batch = WriteBatch::new();
            batch.merge(&families[1], b"n", &1u64.to_le_bytes());
            db.write(&mut batch, WriteMode::Buffered).unwrap();
        }
        if round > 1 {
            families[1].flush().unwrap();
            families[1].compact_range(b""..b"z");
        }
        let n = families[1].get(b"n", &ReadOptions::new()).unwrap().unwrap();
        assert_eq!(*n, (round * 100).to_le_bytes());
    }
}

#[test]
fn cursors_respect_bounds_and_snapshots_both_ways() {
    let directory = tempfile::tempdir().unwrap();
    let (db, families) = open(directory.path()).unwrap();
    let data = &families[0];
    let put = |key: &[u8]| {
        let mut batch = WriteBatch::new();
        batch.put(data, key, b"");
        db.write(&mut batch, WriteMode::Buffered).unwrap();
    };
    for key in [b"a", b"b", b"c", b"d"] {
        put(key);
    }
    let snapshot = Arc::new(db.snapshot());
    put(b"bb");
    let options = || ReadOptions::new().bounds(b"b".to_vec(), b"d".to_vec());
    let mut old = data.cursor(options().snapshot(Arc::clone(&snapshot)));
    let mut new = data.cursor(options());
    drop((snapshot, db));
    let mut forward = Vec::new();
    old.seek_to_first();
    while let Some(key) = old.key() {
        forward.push(key.to_vec());
        old.step_forward();
    }
    old.step_forward();
    old.status().unwrap();
    assert_eq!(forward, [b"b", b"c"]);
    let mut backward = Vec::new();
    new.seek_to_last();
    while let Some(key) = new.key() {
        assert_eq!(new.value(), Some(&b""[..]));
        backward.push(key.to_vec());
        new.step_back();
    }
    assert_eq!(backward, [&b"c"[..], b"bb", b"b"]);
}

#[test]
fn multi_get_answers_in_the_keys_order() {
    let directory = tempfile::tempdir().unwrap();
    let (db, families) = open(directory.path()).unwrap();
    let data = &families[0];
    let mut batch = WriteBatch::new();
    for i in 0..100u8 {
        batch.put(data, &[i], &[i, i]);
    }
    db.write(&mut batch, WriteMode::Buffered).unwrap();
    data.flush().unwrap();
    let keys = [[200u8], [7], [99], [0], [7]];
    let values = data.multi_get(&keys, &ReadOptions::new()).unwrap();
    let values: Vec<_> = values.iter().map(|v| v.as_deref().map(<[u8]>::to_vec)).collect();
    assert_eq!(
        values,
        [
            None,
            Some(vec![7, 7]),
            Some(vec![99, 99]),
            Some(vec![0, 0]),
            Some(vec![7, 7])
        ]
    );
    assert!(db.tickers().count("rocksdb.block.cache.hit").is_some());
}

#[test]
fn cached_only_read_fails_where_it_would_need_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let (db, families) = open(directory.path()).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(&families[0], b"k", b"v");
    db.write(&mut batch, WriteMode::Buffered).unwrap();
    families[0].flush().unwrap();
    let error = families[0]
        .get(b"k", &ReadOptions::new().cached_only())
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotCached, "{error}");
    families[0].get(b"k", &ReadOptions::new()).unwrap().unwrap();
    families[0]
        .get(b"k", &ReadOptions::new().cached_only())
        .unwrap()
        .unwrap();
}

#[test]
fn what_memory_has_not_is_announced_before_the_disk_is_read() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static ANNOUNCED: AtomicU32 = AtomicU32::new(0);
    let announced = || ANNOUNCED.load(Ordering::Relaxed);
    let directory = tempfile::tempdir().unwrap();
    let (db, families) = open(directory.path()).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(&families[0], b"k", b"old");
    db.write(&mut batch, WriteMode::Buffered).unwrap();
    let options = ReadOptions::new()
        .before_disk(|| {
            ANNOUNCED.fetch_add(1, Ordering::Relaxed);
        })
        .snapshot(std::sync::Arc::new(db.snapshot()));
    let mut batch = WriteBatch::new();
    batch.put(&families[0], b"k", b"new");
    db.write(&mut batch, WriteMode::Buffered).unwrap();
    let read = || {
        families[0]
            .get(b"k", &options)
            .unwrap()
            .map(|value| value.to_vec())
    };
    assert_eq!(read(), Some(b"old".to_vec()));
    assert_eq!(announced(), 0, "it was in the write buffer");
    families[0].flush().unwrap();
    let blocks = blocks_read();
    assert_eq!(read(), Some(b"old".to_vec()));
    assert_eq!(announced(), 1);
    assert!(blocks_read() > blocks);
    let blocks = blocks_read();
    assert_eq!(read(), Some(b"old".to_vec()));
    assert_eq!(
        (announced(), blocks_read()),
        (1, blocks),
        "it is in the cache now"
    );
}

/// RocksDB does not open all files of a database of many at once, and answers a read of
/// memory only with an empty value where it has not opened the file.
#[test]
fn what_lies_in_files_that_are_not_open_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let options = DbOptions {
        open_files: 20,
        ..DbOptions::default()
    };
    let mut family = ColumnFamilyOptions::new("default");
    family.write_buffer_bytes = 1 << 20;
    let value = |i: u32| {
        let mut state = u64::from(i) + 1;
        let bytes = (0..16 << 10).flat_map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 32).to_le_bytes()
        });
        bytes.collect::<Vec<u8>>()
    };
    let (db, families) = Db::open(directory.path(), &options, std::slice::from_ref(&family)).unwrap();
    for i in 0..600u32 {
        let mut batch = WriteBatch::new();
        batch.put(&families[0], &i.to_be_bytes(), &value(i));
        db.write(&mut batch, WriteMode::Buffered).unwrap();
    }
    families[0].flush().unwrap();
    families[0].compact_range(&0u32.to_be_bytes()[..]..&u32::MAX.to_be_bytes()[..]);
    drop(families);
    drop(db);
    let (_db, families) = Db::open(directory.path(), &options, &[family]).unwrap();
    let memory_first = ReadOptions::new().before_disk(|| {});
    for i in 0..600u32 {
        let found = families[0].get(&i.to_be_bytes(), &memory_first).unwrap().unwrap();
        assert!(*found == value(i)[..], "value {i} has {} bytes", found.len());
    }
}

#[test]
fn range_is_deleted_sized_and_copied() {
    let directory = tempfile::tempdir().unwrap();
    let (db, families) = open(&directory.path().join("db")).unwrap();
    let data = &families[0];
    let mut batch = WriteBatch::new();
    for i in 0..20_000u32 {
        batch.put(data, &i.to_be_bytes(), &i.to_le_bytes().repeat(20));
    }
    db.write(&mut batch, WriteMode::Buffered).unwrap();
    data.flush().unwrap();
    let low = 0u32.to_be_bytes();
    let high = 10_000u32.to_be_bytes();
    let all = u32::MAX.to_be_bytes();
    let sizes = data
        .approximate_sizes(&[&low[..]..&high[..], &low[..]..&all[..]])
        .unwrap();
    assert!(sizes[0] > 0 && sizes[0] < sizes[1], "{sizes:?}");
    let mut batch = WriteBatch::new();
    batch.delete_range(data, &low, &high);
    db.write(&mut batch, WriteMode::Synced).unwrap();
    data.delete_files_in_range(&low..&high).unwrap();
    data.compact_range(&low..&all);
    assert!(data.get(&low, &ReadOptions::new()).unwrap().is_none());
    assert!(data.get(&high, &ReadOptions::new()).unwrap().is_some());
    db.checkpoint()
        .unwrap()
        .create(&directory.path().join("copy"))
        .unwrap();
    let (_copy, families) = open(&directory.path().join("copy")).unwrap();
    assert!(families[0].get(&high, &ReadOptions::new()).unwrap().is_some());
}

#[test]
fn a_flipped_bit_in_a_table_file_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let families = [ColumnFamilyOptions::new("default")];
    let (db, families) = Db::open(directory.path(), &DbOptions::default(), &families).unwrap();
    let mut batch = WriteBatch::new();
    for number in 0..1000_u32 {
        batch.put(&families[0], &number.to_be_bytes(), &[number as u8; 100]);
    }
    db.write(&mut batch, WriteMode::Synced).unwrap();
    families[0].flush().unwrap();

    let files = db.live_files();
    assert_eq!(files.len(), 1);
    let file = &files[0];
    assert_eq!(file.smallest, 0_u32.to_be_bytes());
    assert_eq!(file.largest, 999_u32.to_be_bytes());
    assert_eq!(file.family, "default");
    let path = directory.path().join(file.name());
    assert_eq!(file.bytes, path.metadata().unwrap().len());
    vamos_rocks::verify_table_file(&path).unwrap();

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = vamos_rocks::verify_table_file(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert!(error.to_string().contains(&file.name()), "{error}");

    let missing = vamos_rocks::verify_table_file(&directory.path().join("none.sst")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Io);
}
