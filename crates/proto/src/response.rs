//! What the store module answers.

use crate::message::messages;
use crate::{
    Building, Compacted, Counted, Deadlock, Failure, FileList, IndexId, LockWaits, PreparedList, RowBlock,
    TableId, TableStats, TablesPage, TransactionList,
};
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
        /// Prepared transactions.
        137 => Prepared(PreparedList<'a>),
        /// For whose locks a transaction waits.
        138 => LockWaits(LockWaits),
        /// A build has begun.
        140 => Building(Building),
        /// A round of a build has begun: so many rows have changed.
        141 => Round(u64),
        /// Names of tables.
        142 => TableNames(TableNames<'a>),
        /// Transactions and locks.
        145 => Transactions(TransactionList),
        /// The deadlock that was found last, if there was one.
        146 => Deadlock(Option<Deadlock>),
        /// What a table's indexes are like.
        148 => Survey(SurveyReply<'a>),
        /// Tables and what they take up.
        153 => Tables(TablesPage<'a>),
        /// A number of entries.
        154 => Counted(Counted<'a>),
        /// A table's files.
        155 => Files(FileList),
        /// A piece was compacted.
        156 => Compacted(Compacted<'a>),
        /// Text for a person.
        157 => Text(&'a str),
        /// How many rows a scan's programs have rejected since it said so last.
        151 => Rejected(u64),
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
    #[serde(borrow, serialize_with = "crate::message::bytes")]
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

/// See [`Response::Survey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyReply<'a> {
    /// The table's committed rows.
    pub rows: u64,
    /// Its indexes in their order.
    #[serde(borrow)]
    pub indexes: Vec<IndexSurvey<'a>>,
}

/// What the committed entries of one index are like: the host looked at all of
/// them, or at some runs of neighbours spread over the index.
///
/// The host does not know where the columns of a key end. It tells instead in
/// how many bytes each entry agrees with the one before it; the client, who
/// knows which columns those bytes hold, learns so how many different values
/// each beginning of the key has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSurvey<'a> {
    /// Entries that were looked at.
    pub seen: u64,
    /// In how many runs.
    pub runs: u32,
    /// Bytes of their keys.
    pub key_bytes: u64,
    /// Bytes of their values.
    pub value_bytes: u64,
    /// The pairs of neighbours by how many bytes they agree in, ascending.
    #[serde(borrow)]
    pub steps: Vec<SurveyStep<'a>>,
    /// Its keys are spread evenly.
    #[serde(borrow)]
    pub even: Option<EvenKeys<'a>>,
}

/// An index whose keys are spread evenly, taken as numbers: the eight bytes (big-endian,
/// zeros behind the end) behind those that the first and the last key begin with alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvenKeys<'a> {
    /// The first key of the index.
    pub first: &'a [u8],
    /// The last one.
    pub last: &'a [u8],
    /// By so many entries a key's place among its neighbours differed from the one that
    /// its number gives it, at most.
    pub off_by: u64,
}

/// Pairs of neighbouring entries that agree in the same number of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyStep<'a> {
    /// Pairs within a run.
    pub within: u64,
    /// Pairs of a run's last entry and the first one of the next run.
    pub between: u64,
    /// For some of the pairs, the bytes that both keys begin with.
    #[serde(borrow)]
    pub common: Vec<&'a [u8]>,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitOutcome {
    /// It, or a later one of its session, is in the store.
    Committed,
    /// It is not, and will not be.
    NotCommitted,
}
