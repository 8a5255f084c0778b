//! What the tests share.

use pollster::block_on;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use vamos_proto::{
    CommitId, CursorId, Direction, Durability, IndexEntry, IndexId, Isolation, KeyRange, Lock, LockWait,
    PrimaryKey, RowBlockBuilder, Scan, TableId, Write, WriteOp, Written,
};
use vamos_store::{Store, StoreError, StoreOptions, TableInfo, Transaction, TransactionOptions};

pub(crate) const SHARED: Lock = Lock::Shared(LockWait::Wait);
pub(crate) const EXCLUSIVE: Lock = Lock::Exclusive(LockWait::Wait);

/// A store in a directory of its own, with one table of two indexes.
pub(crate) struct Fixture {
    pub(crate) store: Option<Arc<Store>>,
    pub(crate) table: TableInfo,
    options: StoreOptions,
    directory: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut StoreOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = options(&directory);
        change(&mut options);
        let store = Store::open(options.clone()).unwrap();
        let table = store.create_table("t", b"definition", 2, [1, 1]).unwrap();
        Self {
            store: Some(store),
            table,
            options,
            directory,
        }
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        self.store.as_ref().unwrap()
    }

    /// Closes and opens it again.
    pub(crate) fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        let alone = Arc::into_inner(store).expect("no transaction is open");
        drop(alone);
        self.store = Some(Store::open(self.options.clone()).unwrap());
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    pub(crate) fn primary(&self) -> IndexId {
        self.table.indexes[0]
    }

    pub(crate) fn secondary(&self) -> IndexId {
        self.table.indexes[1]
    }

    pub(crate) fn begin(&self) -> Transaction {
        self.store().begin(TransactionOptions {
            isolation: Isolation::RepeatableRead,
            lock_wait: Duration::from_secs(20),
            client: 0,
        })
    }

    pub(crate) fn begin_read_committed(&self) -> Transaction {
        self.store().begin(TransactionOptions {
            isolation: Isolation::ReadCommitted,
            lock_wait: Duration::from_secs(20),
            client: 0,
        })
    }

    /// Commits one transaction with these changes.
    pub(crate) fn commit(&self, ops: Vec<WriteOp<'_>>) {
        let mut transaction = self.begin();
        apply(&mut transaction, ops).unwrap();
        block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
    }

    pub(crate) fn put(&self, key: &[u8], value: &[u8]) {
        let index = self.primary();
        self.commit(vec![WriteOp::Put { index, key, value }]);
    }

    pub(crate) fn insert<'a>(&self, key: &'a [u8], value: &'a [u8]) -> WriteOp<'a> {
        WriteOp::Insert {
            index: self.primary(),
            key,
            value,
        }
    }

    pub(crate) fn delete<'a>(&self, key: &'a [u8]) -> WriteOp<'a> {
        WriteOp::Delete {
            index: self.primary(),
            key,
        }
    }

    /// An entry of the secondary index, which tells this primary key.
    pub(crate) fn entry<'a>(&self, key: &'a [u8], value: &'a [u8]) -> WriteOp<'a> {
        WriteOp::PutUnlocked {
            index: self.secondary(),
            key,
            value,
        }
    }

    pub(crate) fn whole(&self, index: IndexId) -> Scan<'static> {
        Scan {
            cursor: CursorId(1),
            range: KeyRange {
                index,
                low: b"",
                high: b"",
            },
            direction: Direction::Forward,
            lock: Lock::None,
            fetch: None,
            batch_rows: 1,
            max_batch_rows: 0,
            limit: 0,
            credit: 0,
        }
    }
}

fn options(directory: &TempDir) -> StoreOptions {
    let mut options = StoreOptions::new(directory.path());
    options.cache_bytes = 8 << 20;
    options.write_buffer_bytes = 4 << 20;
    options
}

pub(crate) fn commit_id(number: u64) -> CommitId {
    CommitId {
        session: [9; 16],
        number,
    }
}

pub(crate) fn write(ops: Vec<WriteOp<'_>>) -> Write<'_> {
    Write {
        ops,
        raise: vec![],
        row_delta: 0,
        answer: true,
        table: TableId(0),
    }
}

pub(crate) fn apply(transaction: &mut Transaction, ops: Vec<WriteOp<'_>>) -> Result<Written, StoreError> {
    block_on(transaction.apply(&write(ops)))
}

pub(crate) fn commit(transaction: Transaction) {
    block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
}

/// A row: key, primary key, value.
pub(crate) type Row = (Vec<u8>, Vec<u8>, Vec<u8>);

pub(crate) fn rows(builder: &RowBlockBuilder) -> Vec<Row> {
    builder
        .block()
        .iter()
        .map(|row| {
            let row = row.unwrap();
            (row.key.to_vec(), row.primary_key.to_vec(), row.value.to_vec())
        })
        .collect()
}

pub(crate) fn get_in(
    transaction: &mut Transaction,
    index: IndexId,
    key: &[u8],
    lock: Lock,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut builder = RowBlockBuilder::new();
    let found = block_on(transaction.get(index, key, lock, None, &mut builder))?;
    let value = rows(&builder).pop().map(|(_, _, value)| value);
    assert_eq!(found, value.is_some());
    Ok(value)
}

/// All rows of a scan, in batches of this size.
pub(crate) fn scan(
    transaction: &mut Transaction,
    scan: &Scan<'_>,
    batch: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut cursor = transaction.scan(scan)?;
    let mut all = Vec::new();
    let mut builder = RowBlockBuilder::new();
    loop {
        builder.clear();
        let finished = block_on(transaction.next_batch(&mut cursor, &mut builder, batch, 1 << 20))?;
        let batched = rows(&builder);
        let beyond = batched.get(batch - 1..).unwrap_or_default();
        assert!(
            beyond.iter().all(|(key, ..)| *key == beyond[0].0),
            "at most {batch} keys"
        );
        assert!(finished || !builder.is_empty(), "an unfinished batch has rows");
        all.extend(batched);
        if finished {
            return Ok(all);
        }
    }
}

pub(crate) fn keys(rows: &[Row]) -> Vec<&[u8]> {
    rows.iter().map(|(key, _, _)| &key[..]).collect()
}

/// The value of a secondary entry whose key ends with a primary key of this length.
pub(crate) fn suffix_entry(length: usize) -> Vec<u8> {
    let mut value = Vec::new();
    IndexEntry {
        primary_key: PrimaryKey::KeySuffix(length),
        extra: b"",
    }
    .encode(&mut value);
    value
}

/// The value of a secondary entry that holds the primary key.
pub(crate) fn value_entry(primary_key: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    IndexEntry {
        primary_key: PrimaryKey::InValue(primary_key),
        extra: b"extra",
    }
    .encode(&mut value);
    value
}
