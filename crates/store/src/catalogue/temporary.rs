//! Temporary tables: in memory alone, and never waited for.
//!
//! Their entries go the way of all entries, so that what they leave behind must
//! be removed: from the beginning their indexes are recorded as dropped ones. A
//! table that is dropped hands them to the reclaimer; after a crash the next
//! opening of the store does.

use super::change::{check_indexes, check_name, checked_next};
use super::{Catalogue, NextIds, Table};
use crate::{StoreError, TableInfo};
use std::sync::Arc;
use vamos_proto::{IndexId, TableId};
use vamos_rocks::{WriteBatch, WriteMode};

impl Catalogue {
    /// Creates a temporary table. One of the same name is one whose owner is
    /// about to be found dead: it is dropped. Returns that one's indexes, too.
    pub(crate) fn create_temporary_table(
        &self,
        name: &str,
        definition: &[u8],
        indexes: u16,
        counters: [u64; 2],
    ) -> Result<(TableInfo, Vec<IndexId>), StoreError> {
        check_name(name)?;
        check_indexes(indexes)?;
        let mut next = self.changing.lock();
        let old = match self.with_name(name) {
            Ok(table) if table.temporary => self.remove_temporary(&mut next, name, &table),
            _ => Vec::new(),
        };
        self.check_free(name)?;
        let bytes = next.bytes + (name.len() + definition.len()) as u64;
        self.check_room(bytes)?;
        let mut after = NextIds {
            table: checked_next(next.table, 1)?,
            bytes,
            ..*next
        };
        let indexes = after.take_indexes(indexes.into())?;
        let id = TableId(next.table);
        let table = Arc::new(Table::new(id, indexes, definition.to_vec(), 0, counters).temporary());
        self.record_temporary(&after, &table)?;
        *next = after;
        self.maps.write().insert(name, &table);
        Ok((table.info(name), old))
    }

    /// Drops a temporary table if it is still there; returns its indexes.
    pub(crate) fn drop_temporary_table(&self, name: &str, id: TableId) -> Vec<IndexId> {
        let mut next = self.changing.lock();
        match self.with_name(name) {
            Ok(table) if table.temporary && table.id == id => self.remove_temporary(&mut next, name, &table),
            _ => Vec::new(),
        }
    }

    /// The part of a drop that a temporary table has.
    pub(super) fn remove_temporary(&self, next: &mut NextIds, name: &str, table: &Table) -> Vec<IndexId> {
        next.bytes -= (name.len() + table.definition().len()) as u64;
        let _no_commit = self.fence.write();
        self.maps.write().remove(name);
        table.indexes.clone()
    }

    /// Makes a new table in a temporary one's place; returns it. A transaction
    /// that has written to the old one goes on: its changes there are left out.
    pub(super) fn truncate_temporary(
        &self,
        next: &mut NextIds,
        name: &str,
        old: &Table,
    ) -> Result<TableInfo, StoreError> {
        let mut after = NextIds {
            table: checked_next(next.table, 1)?,
            ..*next
        };
        let indexes = after.take_indexes(old.indexes.len())?;
        let definition = old.definition().to_vec();
        let id = TableId(next.table);
        let table = Arc::new(Table::new(id, indexes, definition, 0, [1, 1]).temporary());
        self.record_temporary(&after, &table)?;
        *next = after;
        let _no_commit = self.fence.write();
        let mut maps = self.maps.write();
        maps.remove(name);
        maps.insert(name, &table);
        Ok(table.info(name))
    }

    fn record_temporary(&self, after: &NextIds, table: &Table) -> Result<(), StoreError> {
        let mut batch = WriteBatch::new();
        self.put_ids(&mut batch, after)?;
        self.put_dropped(&mut batch, table);
        self.engine.write(&mut batch, WriteMode::Buffered)
    }
}
