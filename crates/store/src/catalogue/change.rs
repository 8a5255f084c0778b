//! Creating, dropping, renaming and truncating tables.

use super::record::{IdsRecord, TableRecord, encode};
use super::{Catalogue, NextIds, Table};
use crate::numbers::Number;
use crate::{StoreError, TableInfo, keys};
use std::sync::Arc;
use vamos_proto::{CounterRaise, IndexId, MAX_NAME_LEN, TableId};
use vamos_rocks::{WriteBatch, WriteMode};

pub(super) const MAX_INDEXES: u16 = 128;

impl Catalogue {
    pub(crate) fn create_table(
        &self,
        name: &str,
        definition: &[u8],
        indexes: u16,
        counters: [u64; 2],
    ) -> Result<TableInfo, StoreError> {
        check_name(name)?;
        check_indexes(indexes)?;
        let mut next = self.changing.lock();
        self.check_free(name)?;
        let bytes = next.bytes + (name.len() + definition.len()) as u64;
        self.check_room(bytes)?;
        let id = TableId(next.table);
        let mut after = NextIds {
            table: checked_next(next.table, 1)?,
            bytes,
            ..*next
        };
        let indexes = after.take_indexes(indexes.into())?;
        let table = Table::new(id, indexes, definition.to_vec(), 0, counters);
        let mut batch = WriteBatch::new();
        self.put_ids(&mut batch, &after)?;
        self.put_table(&mut batch, name, &table)?;
        self.put_counters(&mut batch, &table, counters);
        self.engine.write(&mut batch, WriteMode::Synced)?;
        *next = after;
        let table = Arc::new(table.new_since(self.engine.version()));
        self.maps.write().insert(name, &table);
        Ok(table.info(name))
    }

    /// Drops a table; returns its indexes, whose entries can be removed now.
    pub(crate) fn drop_table(&self, name: &str) -> Result<Vec<IndexId>, StoreError> {
        let mut next = self.changing.lock();
        let table = self.with_name(name)?;
        if table.temporary {
            return Ok(self.remove_temporary(&mut next, name, &table));
        }
        let mut batch = WriteBatch::new();
        batch.delete(&self.engine.catalogue, &keys::numbered(keys::TABLE, table.id.0));
        self.put_dropped(&mut batch, &table);
        self.write_for_removal(name, &table, &mut batch)?;
        next.bytes -= (name.len() + table.definition().len()) as u64;
        let _no_commit = self.fence.write();
        self.maps.write().remove(name);
        Ok(table.indexes.clone())
    }

    /// Writes a batch that removes a table's indexes. No commit writes to them any
    /// more; nothing happens if a prepared transaction is still to do so.
    fn write_for_removal(&self, name: &str, table: &Table, batch: &mut WriteBatch) -> Result<(), StoreError> {
        {
            // What is being prepared has pinned its tables before it takes the
            // fence, and looks whether they live when it has it.
            let _no_commit = self.fence.write();
            check_unpinned(name, table)?;
            table.kill();
        }
        let written = self.engine.write(batch, WriteMode::Synced);
        if written.is_err() {
            table.revive();
        }
        written
    }

    pub(crate) fn rename_table(&self, from: &str, to: &str) -> Result<(), StoreError> {
        check_name(to)?;
        let mut next = self.changing.lock();
        let table = self.with_name(from)?;
        self.check_free(to)?;
        check_unpinned(from, &table)?;
        if table.temporary {
            return Err(StoreError::Invalid {
                reason: format!("temporary table {from} cannot be renamed"),
            });
        }
        let mut batch = WriteBatch::new();
        self.put_table(&mut batch, to, &table)?;
        self.engine.write(&mut batch, WriteMode::Synced)?;
        next.bytes = next.bytes - from.len() as u64 + to.len() as u64;
        let mut maps = self.maps.write();
        maps.by_name.remove(from);
        maps.by_name.insert(to.to_owned(), table);
        Ok(())
    }

    /// Gives a table new indexes; returns it, and the old ones.
    pub(crate) fn truncate_table(&self, name: &str) -> Result<(TableInfo, Vec<IndexId>), StoreError> {
        let mut next = self.changing.lock();
        let old = self.with_name(name)?;
        if old.temporary {
            let info = self.truncate_temporary(&mut next, name, &old)?;
            return Ok((info, old.indexes.clone()));
        }
        let mut after = *next;
        let indexes = after.take_indexes(old.indexes.len())?;
        let counters = [1, 1];
        let table = Table::new(old.id, indexes, old.definition().to_vec(), 0, counters);
        let mut batch = WriteBatch::new();
        self.put_ids(&mut batch, &after)?;
        self.put_table(&mut batch, name, &table)?;
        self.put_counters(&mut batch, &table, counters);
        self.put_dropped(&mut batch, &old);
        self.write_for_removal(name, &old, &mut batch)?;
        *next = after;
        let table = Arc::new(table.new_since(self.engine.version()));
        let _no_commit = self.fence.write();
        let mut maps = self.maps.write();
        maps.remove(name);
        maps.insert(name, &table);
        Ok((table.info(name), old.indexes.clone()))
    }

    /// Replaces a table's definition. Transactions on the table go on.
    pub(crate) fn set_definition(&self, name: &str, definition: &[u8]) -> Result<(), StoreError> {
        let mut next = self.changing.lock();
        let table = self.with_name(name)?;
        let bytes = next.bytes - table.definition().len() as u64 + definition.len() as u64;
        self.check_room(bytes)?;
        if !table.temporary {
            let record = encode(&TableRecord {
                definition: definition.to_vec(),
                ..TableRecord::of(name, &table)
            })?;
            let key = keys::numbered(keys::TABLE, table.id.0);
            let mut batch = WriteBatch::new();
            batch.put(&self.engine.catalogue, &key, &record);
            self.engine.write(&mut batch, WriteMode::Synced)?;
        }
        next.bytes = bytes;
        table.set_definition(definition.into());
        Ok(())
    }

    pub(crate) fn set_counter(&self, counter: CounterRaise) -> Result<(), StoreError> {
        let _changing = self.changing.lock();
        let table = self.with_id(counter.table)?;
        let mut batch = WriteBatch::new();
        let position = keys::counter_position(counter.counter);
        if !table.temporary {
            self.put_counter(&mut batch, &table, position, counter.next);
            self.engine.write(&mut batch, WriteMode::Synced)?;
        }
        table.set(counter.counter, counter.next);
        Ok(())
    }

    /// Notes that a dropped index's entries are gone.
    pub(crate) fn forget_dropped(&self, index: IndexId) -> Result<(), StoreError> {
        let mut batch = WriteBatch::new();
        batch.delete(&self.engine.catalogue, &keys::numbered(keys::DROPPED, index.0));
        self.engine.write(&mut batch, WriteMode::Buffered)
    }

    /// Refuses a catalogue that would grow too large.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), StoreError> {
        if bytes > self.max_bytes {
            return Err(StoreError::Invalid {
                reason: format!(
                    "names and definitions of {bytes} bytes; the limit is {}",
                    self.max_bytes
                ),
            });
        }
        Ok(())
    }

    pub(super) fn check_free(&self, name: &str) -> Result<(), StoreError> {
        if self.maps.read().by_name.contains_key(name) {
            return Err(StoreError::TableExists {
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    pub(super) fn put_ids(&self, batch: &mut WriteBatch, next: &NextIds) -> Result<(), StoreError> {
        let record = encode(&IdsRecord {
            table: TableId(next.table),
            index: IndexId(next.index),
        })?;
        batch.put(&self.engine.catalogue, keys::NEXT_IDS, &record);
        Ok(())
    }

    pub(super) fn put_table(
        &self,
        batch: &mut WriteBatch,
        name: &str,
        table: &Table,
    ) -> Result<(), StoreError> {
        let record = encode(&TableRecord::of(name, table))?;
        batch.put(
            &self.engine.catalogue,
            &keys::numbered(keys::TABLE, table.id.0),
            &record,
        );
        Ok(())
    }

    pub(super) fn put_dropped(&self, batch: &mut WriteBatch, table: &Table) {
        for index in &table.indexes {
            batch.put(
                &self.engine.catalogue,
                &keys::numbered(keys::DROPPED, index.0),
                b"",
            );
        }
        batch.delete(&self.engine.system, &keys::rows(table.primary()));
        for position in [0, 1] {
            batch.delete(&self.engine.system, &keys::counter(table.primary(), position));
        }
    }

    fn put_counters(&self, batch: &mut WriteBatch, table: &Table, counters: [u64; 2]) {
        for (position, next) in counters.into_iter().enumerate() {
            self.put_counter(batch, table, position, next);
        }
    }

    fn put_counter(&self, batch: &mut WriteBatch, table: &Table, position: usize, next: u64) {
        let key = keys::counter(table.primary(), position);
        batch.put(&self.engine.system, &key, &Number::Highest(next).encode());
    }
}

impl NextIds {
    pub(super) fn take_indexes(&mut self, count: usize) -> Result<Vec<IndexId>, StoreError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let first = self.index;
        self.index = checked_next(first, count)?;
        Ok((first..self.index).map(IndexId).collect())
    }
}

pub(super) fn check_indexes(indexes: u16) -> Result<(), StoreError> {
    if !(1..=MAX_INDEXES).contains(&indexes) {
        return Err(StoreError::Invalid {
            reason: format!("a table with {indexes} indexes; it has 1 to {MAX_INDEXES}"),
        });
    }
    Ok(())
}

/// Ids are not used up to the last one, so that each has a successor.
pub(super) fn checked_next(id: u32, count: u32) -> Result<u32, StoreError> {
    id.checked_add(count)
        .filter(|&next| next < u32::MAX)
        .ok_or_else(|| StoreError::Invalid {
            reason: "all table or index numbers of this store have been used".to_owned(),
        })
}

pub(super) fn check_unpinned(name: &str, table: &Table) -> Result<(), StoreError> {
    match table.is_pinned() {
        false => Ok(()),
        true => Err(StoreError::TableInUse {
            name: name.to_owned(),
        }),
    }
}

pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.len() > MAX_NAME_LEN {
        return Err(StoreError::Invalid {
            reason: format!("a table name of {} bytes; it has 1 to {MAX_NAME_LEN}", name.len()),
        });
    }
    Ok(())
}
