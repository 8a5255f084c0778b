//! What an administrator asks: what there is, whether it is whole, and to put it
//! in order. What takes long is asked step by step, so that the client can tell
//! how far it is, and stop.

use crate::{IndexId, TableId};
use serde::{Deserialize, Serialize};

/// See [`Request::SizeTables`](crate::Request::SizeTables).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablesPage<'a> {
    /// Tables in the order of their names; not all, if `more`.
    #[serde(borrow)]
    pub tables: Vec<TableDetail<'a>>,
    /// There are more: ask again, after the last name of these.
    pub more: bool,
}

/// A table and what it takes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDetail<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub table: TableId,
    /// Its rows.
    pub rows: u64,
    /// The next values of the counters `AutoIncrement` and `RowId`.
    pub counters: [u64; 2],
    /// Its indexes; the first is the primary one.
    pub indexes: Vec<IndexDetail>,
}

/// An index and what it takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDetail {
    /// Its number.
    pub index: IndexId,
    /// About how many bytes it has in files.
    pub bytes: u64,
}

/// See [`Request::CountEntries`](crate::Request::CountEntries).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountEntries<'a> {
    /// The index.
    pub index: IndexId,
    /// Where to begin: at this key, or behind it if `behind`.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub from: &'a [u8],
    /// Whether the first key itself has been counted.
    pub behind: bool,
}

/// See [`Response::Counted`](crate::Response::Counted).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted<'a> {
    /// So many.
    pub entries: u64,
    /// The last key counted, if the index goes on behind it.
    #[serde(borrow)]
    pub last: Option<&'a [u8]>,
}

/// The files in which a table's entries lie; other tables' may lie there too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileList {
    /// The files.
    pub files: Vec<FileSize>,
}

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSize {
    /// Its number.
    pub number: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// See [`Request::Compact`](crate::Request::Compact).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compact<'a> {
    /// The table.
    pub table: TableId,
    /// Where the step before ended; empty for the first one.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub from: &'a [u8],
}

/// See [`Response::Compacted`](crate::Response::Compacted).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted<'a> {
    /// Where the next step begins; empty: this was the last.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub next: &'a [u8],
    /// About how many bytes are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}
