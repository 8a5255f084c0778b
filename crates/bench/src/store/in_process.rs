//! The store in this process.

use super::{Keys, LOCK_WAIT, ROWS, Side, insert, rate};
use anyhow::{Context, Result};
use pollster::block_on;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vamos_proto::{
    CommitId, CursorId, Direction, Durability, IndexId, Isolation, KeyRange, Lock, RowBlockBuilder, Scan,
    TableId,
};
use vamos_store::{Store, StoreOptions, Transaction, TransactionOptions};

/// As the store module of the host streams them.
const BATCH_BYTES: usize = 64 << 10;

pub(super) struct InProcess {
    store: Arc<Store>,
    index: IndexId,
    table: TableId,
    keys: Keys,
    next: u64,
}

impl InProcess {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let store = Store::open(StoreOptions::new(path))?;
        let info = store.create_table("t", b"", 1, [1, 1])?;
        let mut this = Self {
            index: info.indexes[0],
            table: info.table,
            store,
            keys: Keys(1),
            next: 0,
        };
        while this.next < ROWS {
            this.commit(1000, Durability::Never)?;
        }
        // Opened anew, the store has its rows in table files.
        let Self {
            store,
            index,
            table,
            keys,
            next,
        } = this;
        drop(Arc::into_inner(store).context("the store is still in use")?);
        let store = Store::open(StoreOptions::new(path))?;
        Ok(Self {
            store,
            index,
            table,
            keys,
            next,
        })
    }

    fn begin(&self) -> Transaction {
        self.store.begin(TransactionOptions {
            isolation: Isolation::ReadCommitted,
            lock_wait: LOCK_WAIT,
            ..TransactionOptions::default()
        })
    }

    fn commit(&mut self, rows: u64, durability: Durability) -> Result<()> {
        let mut transaction = self.begin();
        for _ in 0..rows {
            let key = self.next.to_be_bytes();
            self.next += 1;
            block_on(transaction.apply(&insert(self.index, self.table, &key)))?;
        }
        let id = CommitId {
            session: [1; 16],
            number: self.next,
        };
        block_on(transaction.commit(durability, id))?;
        Ok(())
    }
}

impl Side for InProcess {
    fn point_reads(&mut self, round: Duration) -> Result<f64> {
        let mut transaction = self.begin();
        let mut rows = RowBlockBuilder::new();
        let (index, keys) = (self.index, &mut self.keys);
        rate(round, || {
            rows.clear();
            block_on(transaction.get(index, &keys.next(), Lock::None, None, &mut rows))?;
            Ok(rows.rows() as u64)
        })
    }

    fn scan(&mut self, round: Duration) -> Result<f64> {
        let mut transaction = self.begin();
        let mut rows = RowBlockBuilder::new();
        let scan = Scan {
            cursor: CursorId(1),
            range: KeyRange {
                index: self.index,
                low: b"",
                high: &ROWS.to_be_bytes(),
            },
            direction: Direction::Forward,
            lock: Lock::None,
            fetch: None,
            batch_rows: 1,
            max_batch_rows: 0,
            limit: 0,
            credit: 0,
        };
        rate(round, || {
            let mut cursor = transaction.scan(&scan)?;
            let mut count = 0;
            loop {
                rows.clear();
                let last = block_on(transaction.next_batch(&mut cursor, &mut rows, usize::MAX, BATCH_BYTES))?;
                count += rows.rows() as u64;
                if last {
                    return Ok(count);
                }
            }
        })
    }

    fn commits(&mut self, durability: Durability, round: Duration) -> Result<f64> {
        rate(round, || self.commit(1, durability).map(|()| 1))
    }
}
