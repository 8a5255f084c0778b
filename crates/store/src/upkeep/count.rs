//! Counting an index's entries in a transaction's snapshot.

use crate::numbers::Number;
use crate::view::View;
use crate::{StoreError, Transaction, keys};
use std::sync::Arc;
use vamos_proto::{IndexId, TableId};
use vamos_rocks::{ColumnFamily, ReadOptions};

/// Entries counted at once: some tens of milliseconds.
const STEP: u64 = 50_000;

/// A count that is to be made; it may wait for the disk.
#[derive(Debug)]
pub struct EntryCount {
    data: ColumnFamily,
    view: Arc<View>,
    low: Vec<u8>,
    high: Vec<u8>,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedEntries {
    /// So many.
    pub entries: u64,
    /// The last key that was counted, if the index goes on behind it.
    pub last: Option<Vec<u8>>,
}

impl Transaction {
    /// A count of an index's committed entries as the transaction's snapshot
    /// shows them: from this key on, or from behind it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Invalid`], [`StoreError::RolledBack`].
    pub fn count_entries(
        &mut self,
        index: IndexId,
        from: &[u8],
        behind: bool,
    ) -> Result<EntryCount, StoreError> {
        self.check_open()?;
        self.table_of(index)?;
        let mut low = keys::full(index, from)?.to_vec();
        if behind {
            low.push(0);
        }
        let (_, high) = keys::index_bounds(index);
        Ok(EntryCount {
            data: self.store.engine.data.clone(),
            view: self.view(),
            low,
            high,
        })
    }

    /// The number of rows that the catalogue has counted, in the transaction's
    /// snapshot.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`],
    /// [`StoreError::Corruption`], [`StoreError::RolledBack`].
    pub fn counted_rows(&mut self, table: TableId) -> Result<u64, StoreError> {
        self.check_open()?;
        let table = self.store.catalogue.with_id(table)?;
        if table.temporary {
            // Counted in memory alone; nobody else commits to it meanwhile.
            return Ok(table.rows());
        }
        let view = self.view();
        let key = keys::rows(table.primary());
        let Some(value) = self.store.engine.system.get(&key, &view.options)? else {
            return Ok(0);
        };
        match Number::decode(&value) {
            Some(Number::Sum(rows)) => Ok(u64::try_from(rows).unwrap_or(0)),
            _ => Err(StoreError::Corruption {
                reason: format!("the number of rows of table {} cannot be read", table.id.0),
            }),
        }
    }
}

impl EntryCount {
    /// Counts some tens of thousands of entries. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Storage`], [`StoreError::Corruption`].
    pub fn run(self) -> Result<CountedEntries, StoreError> {
        let options = ReadOptions::new()
            .bounds(self.low, self.high)
            .fill_cache(false)
            .snapshot(Arc::clone(&self.view.snapshot));
        let mut cursor = self.data.cursor(options);
        cursor.seek_to_first();
        let mut counted = CountedEntries {
            entries: 0,
            last: None,
        };
        while let Some(key) = cursor.key() {
            counted.entries += 1;
            if counted.entries == STEP {
                counted.last = Some(keys::client_key(key).to_vec());
                return Ok(counted);
            }
            cursor.step_forward();
        }
        cursor.status()?;
        Ok(counted)
    }
}
