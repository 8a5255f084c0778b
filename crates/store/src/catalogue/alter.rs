//! Changing a table whose rows stay: other indexes, another description.

use super::change::{MAX_INDEXES, check_unpinned};
use super::{Catalogue, Table};
use crate::build::{Build, BuildLog};
use crate::view::View;
use crate::{StoreError, TableChange, keys};
use std::collections::HashSet;
use std::sync::Arc;
use vamos_proto::{IndexId, TableId};
use vamos_rocks::{WriteBatch, WriteMode};

fn invalid(reason: String) -> StoreError {
    StoreError::Invalid { reason }
}

/// A temporary table has no record that could be changed.
fn check_durable(table: &Table) -> Result<(), StoreError> {
    match table.temporary {
        true => Err(invalid(format!(
            "table {} is a temporary one, which can only be copied",
            table.id.0
        ))),
        false => Ok(()),
    }
}

impl Catalogue {
    /// Does something while no commit is being written.
    pub(crate) fn between_commits<T>(&self, work: impl FnOnce() -> T) -> T {
        let _no_commit = self.fence.write();
        work()
    }

    /// Makes indexes that nobody sees yet, and has commits note from now on what
    /// they change in the table. Returns the table as it is.
    pub(crate) fn begin_build(
        &self,
        id: TableId,
        count: u16,
        log: impl FnOnce(IndexId, Vec<IndexId>) -> Arc<BuildLog>,
    ) -> Result<(Arc<BuildLog>, Arc<View>), StoreError> {
        let mut next = self.changing.lock();
        let table = self.with_id(id)?;
        check_durable(&table)?;
        if table.build().is_some() {
            return Err(invalid(format!(
                "an index of table {} is being built already",
                id.0
            )));
        }
        if table.indexes.len() + usize::from(count) > usize::from(MAX_INDEXES) || count == 0 {
            return Err(invalid(format!(
                "{count} more indexes; a table has 1 to {MAX_INDEXES}"
            )));
        }
        let name = self.name_of(id)?;
        check_unpinned(&name, &table)?;
        let mut after = *next;
        let indexes = after.take_indexes(count.into())?;
        let mut batch = WriteBatch::new();
        self.put_ids(&mut batch, &after)?;
        for index in &indexes {
            let key = keys::numbered(keys::DROPPED, index.0);
            batch.put(&self.engine.catalogue, &key, b"");
        }
        self.engine.write(&mut batch, WriteMode::Synced)?;
        *next = after;
        let log = log(table.primary(), indexes);
        let _no_commit = self.fence.write();
        // A prepared transaction knows of no build that begins now, and may have
        // been prepared since.
        check_unpinned(&name, &table)?;
        let mut maps = self.maps.write();
        // They have a table of their own, so that what is written to them ends with
        // the build, whatever becomes of the table.
        let with_new = [&[table.primary()], &log.indexes[..]].concat();
        let building = Arc::new(table.altered(with_new, Vec::new()));
        for &index in &log.indexes {
            maps.by_index.insert(index, Arc::clone(&building));
        }
        table.set_build(Some(Arc::clone(&log)));
        drop(maps);
        Ok((log, self.engine.newest_view()))
    }

    /// Forgets a build; nothing is written to its indexes any more.
    pub(crate) fn abandon(&self, table: TableId, log: &Arc<BuildLog>) {
        let _changing = self.changing.lock();
        let _no_commit = self.fence.write();
        let mut maps = self.maps.write();
        maps.remove_indexes(&log.indexes);
        if let Some(table) = maps.by_id.get(&table)
            && table.build().is_some_and(|other| Arc::ptr_eq(&other, log))
        {
            table.set_build(None);
        }
    }

    /// Changes tables, all or none. Returns the indexes that are dropped.
    pub(crate) fn alter_tables(
        &self,
        changes: &[TableChange],
        builds: &[Build],
    ) -> Result<Vec<IndexId>, StoreError> {
        let mut next = self.changing.lock();
        let _no_commit = self.fence.write();
        let mut after = *next;
        let mut batch = WriteBatch::new();
        let mut altered = Vec::new();
        let mut dropped = Vec::new();
        let mut seen = HashSet::new();
        for change in changes {
            let table = self.with_id(change.table)?;
            if !seen.insert(table.id) {
                return Err(invalid(format!("table {} is changed twice at once", table.id.0)));
            }
            let build = builds.iter().find(|build| build.table() == table.id);
            check_indexes(&table, change, build)?;
            let name = self.name_of(table.id)?;
            check_unpinned(&name, &table)?;
            after.bytes = after.bytes - table.definition().len() as u64 + change.definition.len() as u64;
            check_durable(&table)?;
            let gone: Vec<_> = table
                .indexes
                .iter()
                .filter(|index| !change.indexes.contains(index))
                .collect();
            for index in gone {
                let key = keys::numbered(keys::DROPPED, index.0);
                batch.put(&self.engine.catalogue, &key, b"");
                dropped.push(*index);
            }
            for index in change
                .indexes
                .iter()
                .filter(|index| !table.indexes.contains(index))
            {
                batch.delete(&self.engine.catalogue, &keys::numbered(keys::DROPPED, index.0));
            }
            let new = table.altered(change.indexes.clone(), change.definition.clone());
            self.put_table(&mut batch, &name, &new)?;
            altered.push((name, new));
        }
        self.check_room(after.bytes)?;
        self.engine.write(&mut batch, WriteMode::Synced)?;
        *next = after;
        let since = self.engine.version();
        let mut maps = self.maps.write();
        for (name, mut table) in altered {
            table.complete_since(since);
            maps.remove(&name);
            table.set_build(None);
            maps.insert(&name, &Arc::new(table));
        }
        Ok(dropped)
    }

    fn name_of(&self, id: TableId) -> Result<String, StoreError> {
        let maps = self.maps.read();
        let found = maps.by_name.iter().find(|(_, table)| table.id == id);
        found
            .map(|(name, _)| name.clone())
            .ok_or(StoreError::NoSuchTableId { id })
    }
}

/// Refuses a list of indexes that the table cannot have.
fn check_indexes(table: &Table, change: &TableChange, build: Option<&Build>) -> Result<(), StoreError> {
    let built = build.map_or(&[][..], Build::indexes);
    match (table.build(), build) {
        (None, None) => {}
        (Some(log), Some(build)) if Arc::ptr_eq(&log, build.log()) && build.is_caught_up() => {}
        (Some(log), Some(build)) if Arc::ptr_eq(&log, build.log()) => {
            return Err(StoreError::TableChanged {
                what: "rows changed since the last round of the build",
            });
        }
        _ => {
            return Err(invalid(format!(
                "an index of table {} is being built by another session",
                table.id.0
            )));
        }
    }
    if change.indexes.first() != Some(&table.primary()) {
        return Err(invalid(format!(
            "table {} keeps its primary index, which comes first",
            table.id.0
        )));
    }
    let mut seen = HashSet::new();
    for index in &change.indexes {
        let known = table.indexes.contains(index) || built.contains(index);
        if !known || !seen.insert(*index) {
            return Err(invalid(format!(
                "index {} is not table {}'s, or is named twice",
                index.0, table.id.0
            )));
        }
    }
    match built.iter().all(|index| seen.contains(index)) {
        true => Ok(()),
        false => Err(invalid("an index that was built is not named".to_owned())),
    }
}
