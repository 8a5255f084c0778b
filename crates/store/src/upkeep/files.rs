//! The files in which a table lies, held against their checksums.

use super::has_table;
use crate::{Store, StoreError};
use vamos_proto::TableId;
use vamos_rocks::{ErrorKind, verify_table_file};

impl Store {
    /// Numbers and sizes of the files in which a table's entries lie; those of
    /// other tables may lie there too. What is in memory is written out first,
    /// so that all of the table is in these files. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`].
    pub fn table_files(&self, table: TableId) -> Result<Vec<(u64, u64)>, StoreError> {
        let table = self.catalogue.with_id(table)?;
        self.engine.data.flush()?;
        Ok(self
            .engine
            .data_files()
            .iter()
            .filter(|file| has_table(file, &table))
            .map(|file| (file.number, file.bytes))
            .collect())
    }

    /// Reads a file from beginning to end, past the cache, and holds each of its
    /// blocks against its checksum. A file that is no longer in use was read and
    /// found whole by the compaction that replaced it. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Corruption`] says which block of which file;
    /// [`StoreError::Storage`].
    pub fn verify_file(&self, number: u64) -> Result<(), StoreError> {
        let find = || {
            let files = self.engine.data_files();
            files.into_iter().find(|file| file.number == number)
        };
        let Some(file) = find() else {
            return Ok(());
        };
        match verify_table_file(&self.engine.directory.join(file.name())) {
            Err(error) if error.kind() == ErrorKind::Io && find().is_none() => Ok(()),
            other => Ok(other?),
        }
    }
}
