//! Changes.

use super::{Transaction, lookup};
use crate::catalogue::Table;
use crate::keys::FullKey;
use crate::locks::{Adding, Mode};
use crate::overlay::Mark;
use crate::{StoreError, keys};
use std::sync::Arc;
use vamos_proto::{IndexId, LockWait, Write, WriteOp, Written};

/// Undoes a request's changes unless it comes to its end: also when its future is
/// dropped in a lock wait.
struct Applying<'t> {
    transaction: &'t mut Transaction,
    begin: Mark,
    /// How many entries had been added, and how many rows were overtaken.
    additions: usize,
    overtaken: usize,
    complete: bool,
}

impl Drop for Applying<'_> {
    fn drop(&mut self) {
        if !self.complete {
            self.transaction.overlay.undo_to(self.begin);
            self.transaction.locks.undo_additions(self.additions);
            // Also a row that an insert met and left alone.
            if self.transaction.overtaken.len() > self.overtaken {
                self.transaction.forget_undone();
            }
        }
    }
}

impl Transaction {
    /// Makes the changes, all or none.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::NoSuchTableId`],
    /// [`StoreError::Invalid`], [`StoreError::TransactionTooLarge`], and those of
    /// locks.
    pub async fn apply(&mut self, write: &Write<'_>) -> Result<Written, StoreError> {
        let result = self.apply_all(write).await;
        self.after(result)
    }

    async fn apply_all(&mut self, write: &Write<'_>) -> Result<Written, StoreError> {
        self.check_open()?;
        let raised = self.raises_of(write)?;
        let mut applying = Applying {
            begin: self.overlay.mark(),
            additions: self.locks.additions(),
            overtaken: self.overtaken.len(),
            transaction: self,
            complete: false,
        };
        for (place, op) in (0u32..).zip(&write.ops) {
            if !applying.transaction.apply_one(op).await? {
                return Ok(Written::Duplicate { op: place });
            }
        }
        applying.transaction.add_rows(write)?;
        applying.complete = true;
        drop(applying);
        self.raise(write, raised);
        self.overlay.settle();
        self.locks.note_changes(self.overlay.len());
        Ok(Written::Done)
    }

    /// Makes one change; `false` if it is an insert whose key is taken.
    async fn apply_one(&mut self, op: &WriteOp<'_>) -> Result<bool, StoreError> {
        let key = self.changed_key(op.index(), op.key())?;
        let additions = self.locks.additions();
        self.acquire_for(op, &key).await?;
        self.note_overtaken(op, &key)?;
        let change = match *op {
            WriteOp::Insert { value, .. } => {
                let engine = &self.store.engine;
                if lookup(&self.overlay, engine, &key, &engine.newest)?.is_some() {
                    self.locks.forget_additions(additions);
                    return Ok(false);
                }
                Some(value.into())
            }
            WriteOp::Put { value, .. } | WriteOp::PutUnlocked { value, .. } => Some(value.into()),
            WriteOp::Delete { .. } | WriteOp::DeleteUnlocked { .. } => None,
        };
        self.overlay.set(&key, change);
        self.check_size()?;
        Ok(true)
    }

    /// Acquires the locks that a change takes.
    async fn acquire_for(&mut self, op: &WriteOp<'_>, key: &FullKey) -> Result<(), StoreError> {
        let adding = match op {
            WriteOp::Insert { .. } => Adding::Locked,
            WriteOp::Put { .. } => Adding::Maybe,
            WriteOp::PutUnlocked { .. } => Adding::Unlocked,
            WriteOp::DeleteUnlocked { .. } => return Ok(()),
            WriteOp::Delete { .. } => {
                self.acquire(key, Mode::Exclusive, LockWait::Wait).await?;
                return Ok(());
            }
        };
        let mut patience = self.patience();
        self.locks.acquire_addition(key, adding, &mut patience).await
    }

    /// The full key of a change, whose table is noted.
    fn changed_key(&mut self, index: IndexId, key: &[u8]) -> Result<FullKey, StoreError> {
        let key = keys::full(index, key)?;
        let table = Arc::clone(self.table_of(index)?);
        let known = self.changed.entry(table.id).or_insert_with(|| Arc::clone(&table));
        // A table that was altered in the middle of the transaction, or one of
        // its indexes that is only being built, beside the table itself.
        match Arc::ptr_eq(known, &table) {
            true => Ok(key),
            false => Err(StoreError::NoSuchIndex { id: index }),
        }
    }

    fn add_rows(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        if write.row_delta != 0 {
            if !self.changed.contains_key(&write.table) {
                let table = self.store.catalogue.with_id(write.table)?;
                self.changed.insert(write.table, table);
            }
            self.overlay.add_rows(write.table, write.row_delta);
        }
        self.check_size()
    }

    /// The tables of the counters to raise; fails if one does not exist.
    fn raises_of(&self, write: &Write<'_>) -> Result<Vec<Arc<Table>>, StoreError> {
        let tables = write.raise.iter();
        tables
            .map(|raise| self.store.catalogue.with_id(raise.table))
            .collect()
    }

    /// Raises counters: in memory now, durably with the commit.
    fn raise(&mut self, write: &Write<'_>, tables: Vec<Arc<Table>>) {
        for (raise, table) in write.raise.iter().zip(tables) {
            table.raise(raise.counter, raise.next);
            let counter = (table.primary(), keys::counter_position(raise.counter));
            let highest = self.raises.entry(counter).or_default();
            *highest = raise.next.max(*highest);
            self.changed.entry(table.id).or_insert(table);
        }
    }
}
