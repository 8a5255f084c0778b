//! The catalogue's records on disk.

use super::Table;
use crate::StoreError;
use serde::{Deserialize, Serialize};
use vamos_proto::{IndexId, TableId};

/// A table's record; its key has the table's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableRecord {
    pub(super) name: String,
    pub(super) indexes: Vec<IndexId>,
    pub(super) definition: Vec<u8>,
}

impl TableRecord {
    pub(super) fn of(name: &str, table: &Table) -> Self {
        Self {
            name: name.to_owned(),
            indexes: table.indexes.clone(),
            definition: table.definition().to_vec(),
        }
    }
}

/// The ids that the next table and the next index get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IdsRecord {
    pub(super) table: TableId,
    pub(super) index: IndexId,
}

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_allocvec(record).map_err(|error| StoreError::Invalid {
        reason: format!("a catalogue record cannot be encoded: {error}"),
    })
}

pub(super) fn decode<'a, T: Deserialize<'a>>(what: &str, bytes: &'a [u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| StoreError::Corruption {
        reason: format!("the catalogue's record of {what} cannot be read: {error}"),
    })
}
