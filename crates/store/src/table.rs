//! A table as the catalogue has it.

use vamos_proto::{IndexId, TableId};

/// A table as the catalogue has it, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its number.
    pub table: TableId,
    /// Its name.
    pub name: String,
    /// Its indexes; the first is the primary one.
    pub indexes: Vec<IndexId>,
    /// The client's own description, as it was given.
    pub definition: Vec<u8>,
    /// The next values of the counters `AutoIncrement` and `RowId`.
    pub counters: [u64; 2],
}

impl TableInfo {
    /// The same as the protocol's message.
    pub fn as_message(&self) -> vamos_proto::TableInfo<'_> {
        vamos_proto::TableInfo {
            table: self.table,
            indexes: self.indexes.clone(),
            definition: &self.definition,
            counters: self.counters,
        }
    }
}

/// What a table becomes: see [`Store::alter_tables`](crate::Store::alter_tables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableChange {
    /// The table.
    pub table: TableId,
    /// The client's new description.
    pub definition: Vec<u8>,
    /// All its indexes from now on, the primary one first.
    pub indexes: Vec<IndexId>,
}
