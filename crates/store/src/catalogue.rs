//! The catalogue: which tables and indexes exist, durably and in memory.
//!
//! Its records: the next ids; one for each table; one for each dropped index
//! whose entries have not been removed yet. Each change is one synced batch.

mod alter;
mod change;
mod load;
mod record;
mod table;
mod temporary;

pub(crate) use table::{Pins, Table};

use crate::engine::Engine;
use crate::{StoreError, TableInfo};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;
use vamos_proto::{IndexId, TableId};

#[derive(Debug)]
pub(crate) struct Catalogue {
    engine: Arc<Engine>,
    maps: RwLock<Maps>,
    /// Held while a table is created, dropped, renamed, truncated or altered.
    changing: Mutex<NextIds>,
    /// Commits hold it shared from their check of their tables to the end of
    /// their write, so that nothing is written to an index that is being removed.
    fence: RwLock<()>,
    /// Bytes that names and definitions may have together.
    max_bytes: u64,
}

#[derive(Debug, Default)]
struct Maps {
    by_name: BTreeMap<String, Arc<Table>>,
    by_id: HashMap<TableId, Arc<Table>>,
    by_index: HashMap<IndexId, Arc<Table>>,
}

#[derive(Clone, Copy, Debug)]
struct NextIds {
    table: u32,
    index: u32,
    /// Bytes of names and definitions.
    bytes: u64,
}

impl Maps {
    fn insert(&mut self, name: &str, table: &Arc<Table>) {
        self.by_name.insert(name.to_owned(), Arc::clone(table));
        self.by_id.insert(table.id, Arc::clone(table));
        for &index in &table.indexes {
            self.by_index.insert(index, Arc::clone(table));
        }
    }

    fn remove(&mut self, name: &str) {
        let Some(table) = self.by_name.remove(name) else {
            return;
        };
        table.kill();
        self.by_id.remove(&table.id);
        let building = table.build().map(|log| log.indexes.clone());
        self.remove_indexes(&table.indexes);
        self.remove_indexes(&building.unwrap_or_default());
    }

    /// Removes indexes; nothing more is written by way of the tables under which
    /// they were known.
    fn remove_indexes(&mut self, indexes: &[IndexId]) {
        for index in indexes {
            if let Some(table) = self.by_index.remove(index) {
                table.kill();
            }
        }
    }
}

impl Catalogue {
    /// Holds off drops and truncations while a commit is written.
    pub(crate) fn fence(&self) -> RwLockReadGuard<'_, ()> {
        self.fence.read()
    }

    /// The table that has an index.
    pub(crate) fn with_index(&self, id: IndexId) -> Result<Arc<Table>, StoreError> {
        let maps = self.maps.read();
        maps.by_index
            .get(&id)
            .cloned()
            .ok_or(StoreError::NoSuchIndex { id })
    }

    pub(crate) fn with_id(&self, id: TableId) -> Result<Arc<Table>, StoreError> {
        let maps = self.maps.read();
        maps.by_id
            .get(&id)
            .cloned()
            .ok_or(StoreError::NoSuchTableId { id })
    }

    fn with_name(&self, name: &str) -> Result<Arc<Table>, StoreError> {
        let maps = self.maps.read();
        let table = maps.by_name.get(name).cloned();
        table.ok_or_else(|| StoreError::NoSuchTable {
            name: name.to_owned(),
        })
    }

    pub(crate) fn open_table(&self, name: &str) -> Result<TableInfo, StoreError> {
        self.with_name(name).map(|table| table.info(name))
    }

    pub(crate) fn tables(&self) -> Vec<TableInfo> {
        let maps = self.maps.read();
        maps.by_name
            .iter()
            .map(|(name, table)| table.info(name))
            .collect()
    }

    /// Names of tables, but temporary ones, that begin with `prefix` and sort behind `after`, at most `limit`,
    /// and whether there are more.
    pub(crate) fn names(&self, prefix: &str, after: &str, limit: usize) -> (Vec<String>, bool) {
        let first = match after < prefix {
            true => Bound::Included(prefix),
            false => Bound::Excluded(after),
        };
        let maps = self.maps.read();
        let mut names = maps
            .by_name
            .range::<str, _>((first, Bound::Unbounded))
            .take_while(|(name, _)| name.starts_with(prefix))
            .filter(|(_, table)| !table.temporary)
            .map(|(name, _)| name);
        let some = names.by_ref().take(limit).cloned().collect();
        (some, names.next().is_some())
    }

    /// Where these indexes belong: the table's name, and the place in it.
    pub(crate) fn places(&self, indexes: &HashSet<IndexId>) -> HashMap<IndexId, (String, u16)> {
        let maps = self.maps.read();
        let mut places = HashMap::new();
        for (name, table) in &maps.by_name {
            for (place, index) in (0u16..).zip(&table.indexes) {
                if indexes.contains(index) {
                    places.insert(*index, (name.clone(), place));
                }
            }
        }
        places
    }

    /// Tables and their numbers of rows, in the order of their names, from behind
    /// a name on.
    pub(crate) fn tables_behind(&self, name: &str, most: usize) -> Vec<(TableInfo, u64)> {
        let maps = self.maps.read();
        let behind = (Bound::Excluded(name), Bound::Unbounded);
        maps.by_name
            .range::<str, _>(behind)
            .take(most)
            .map(|(name, table)| (table.info(name), table.rows()))
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.maps.read().by_name.len()
    }
}
