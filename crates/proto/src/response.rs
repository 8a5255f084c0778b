//! What the store module answers.

use crate::message::messages;
use crate::{Deadlock, Failure, IndexId, RowBlock, TableId, TableStats, TransactionList};
use serde::{Deserialize, Serialize};

messages! {
    /// A response of the store module; it carries its request's tag.
    pub enum Response<'a> {
        /// Done, nothing to say.
        128 => Done(()),
        /// Not done.
        129 => Failed(Failure<'a>),
        /// Rows; more are to come.
        130 => Rows(RowBlock<'a>),
        /// Rows, maybe none; the last of this request.
        131 => LastRows(RowBlock<'a>),
        /// What became of a [`Request::Write`](crate::Request::Write).
        132 => Written(Written),
        /// A table.
        133 => Table(TableInfo<'a>),
        /// A table's sizes.
        134 => Stats(TableStats),
        /// The sizes of ranges.
        135 => RangeSizes(RangeSizesReply),
        /// A commit's outcome.
        136 => Outcome(CommitOutcome),
        /// Names of tables.
        142 => TableNames(TableNames<'a>),
        /// Transactions and locks.
        145 => Transactions(TransactionList),
        /// The deadlock that was found last, if there was one.
        146 => Deadlock(Option<Deadlock>),
    }
}

/// See [`Response::Written`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Written {
    /// All changes were made.
    Done,
    /// The insert at this position found its key taken; no change was made.
    Duplicate {
        /// The position in [`Write::ops`](crate::Write::ops).
        op: u32,
    },
}

/// A table as the host's catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo<'a> {
    /// Its number.
    pub table: TableId,
    /// Its indexes; the first is the primary one.
    pub indexes: Vec<IndexId>,
    /// The client's own description, as it was given.
    #[serde(borrow)]
    pub definition: &'a [u8],
    /// The next values of the counters `AutoIncrement` and `RowId`.
    pub counters: [u64; 2],
}

/// See [`Response::TableNames`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableNames<'a> {
    /// The names, sorted as bytes; at most [`MAX_NAMES`](crate::MAX_NAMES).
    #[serde(borrow)]
    pub names: Vec<&'a str>,
    /// There are more behind the last of these.
    pub more: bool,
}

/// See [`Response::RangeSizes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSizesReply {
    /// The approximate number of entries of each range asked for, in order.
    pub entries: Vec<u64>,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitOutcome {
    /// It, or a later one of its session, is in the store.
    Committed,
    /// It is not, and will not be.
    NotCommitted,
}
