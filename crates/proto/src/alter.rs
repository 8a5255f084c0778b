//! Changing a table that others use: building indexes, and making a change of
//! the table's description visible.

use crate::{IndexId, TableId};
use serde::{Deserialize, Serialize};

/// See [`Request::AlterTables`](crate::Request::AlterTables).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlterTables<'a> {
    /// The tables: all of them are changed at once, or none.
    #[serde(borrow)]
    pub tables: Vec<AlterTable<'a>>,
}

/// What a table becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlterTable<'a> {
    /// The table.
    pub table: TableId,
    /// The client's new description.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub definition: &'a [u8],
    /// The table's indexes from now on: its own or those that this session has
    /// built, each once, the primary one first as before. What it had and is not
    /// named here is dropped.
    pub indexes: Vec<IndexId>,
}

/// See [`Request::Build`](crate::Request::Build).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The table.
    pub table: TableId,
    /// What to do.
    pub step: BuildStep,
}

/// A step of a build. In order: `Begin`; `Scan` until its end; then again and
/// again `Round` and, if rows have changed, `Changes` until their end, once to
/// remove entries and once to add them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildStep {
    /// Makes so many new indexes, which nobody sees yet. From now on the host
    /// notes which rows of the table others change. Answered by `Building`.
    Begin(u16),
    /// The next rows of the table as it was at `Begin`. Answered by `Rows`, or by
    /// `LastRows` at their end.
    Scan,
    /// Begins a round: what has changed since the last one (or since `Begin`) is
    /// to be brought into the new indexes. Answered by `Round`.
    Round,
    /// The next rows that changed between the last round and this one: key,
    /// primary key and value of a [`Row`](crate::Row) are the row's key, the row
    /// as it was and the row as it is; empty where there was or is none. Answered
    /// by `Rows`, or by `LastRows` at their end, after which they start anew.
    Changes,
    /// Gives the build up. Answered by `Done`.
    Abandon,
}

/// See [`Response::Building`](crate::Response::Building).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Building {
    /// The new indexes.
    pub indexes: Vec<IndexId>,
    /// About how many rows the table has.
    pub rows: u64,
}
