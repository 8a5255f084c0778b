//! Tables and what they take up.

use crate::{Store, StoreError, TableInfo, keys};

/// A table and what it takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSizes {
    /// The table.
    pub table: TableInfo,
    /// Its rows.
    pub rows: u64,
    /// About how many bytes each of its indexes has in files.
    pub index_bytes: Vec<u64>,
}

impl Store {
    /// At most so many tables in the order of their names, from behind a name on,
    /// and whether there are more. Blocks for reads of the files' indexes.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub fn table_sizes(&self, behind: &str, most: usize) -> Result<(Vec<TableSizes>, bool), StoreError> {
        let mut tables = self.catalogue.tables_behind(behind, most.saturating_add(1));
        let more = tables.len() > most;
        tables.truncate(most);
        let sizes = tables.into_iter().map(|(table, rows)| {
            Ok(TableSizes {
                index_bytes: self.index_bytes(&table)?,
                table,
                rows,
            })
        });
        Ok((sizes.collect::<Result<_, StoreError>>()?, more))
    }

    fn index_bytes(&self, table: &TableInfo) -> Result<Vec<u64>, StoreError> {
        let bounds: Vec<_> = table
            .indexes
            .iter()
            .map(|&index| keys::index_bounds(index))
            .collect();
        let ranges: Vec<_> = bounds.iter().map(|(low, high)| &low[..]..&high[..]).collect();
        Ok(self.engine.data.approximate_sizes(&ranges)?)
    }
}
