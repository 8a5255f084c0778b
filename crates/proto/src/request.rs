//! What a guest asks of the store module.

use crate::message::messages;
use crate::{
    AlterTables, Barrier, Build, CommitId, CommitPrepared, Compact, CountEntries, Counter, CursorId,
    Direction, Durability, IndexId, Isolation, KeyRange, Lock, Monitor, Prepare, Recover, RollbackPrepared,
    SavepointId, TableId, WriteOp,
};
use serde::{Deserialize, Serialize};

messages! {
    /// A request to the store module.
    ///
    /// Requests of one lane are executed in the order in which they were sent.
    /// Each is answered by one [`Response`](crate::Response), except a scan (by
    /// row batches until its end) and those that say "no answer". If one of
    /// these fails, the next Get, MultiGet, Scan, Write, Commit, Prepare or Ping fails in
    /// its place and is not carried out.
    pub enum Request<'a> {
        /// Begins a transaction; an open one is rolled back first. No answer.
        1 => Begin(Begin),
        /// Commits. Answered by `Done` or `Failed`. The transaction is over.
        2 => Commit(Commit),
        /// Rolls back. The field says whether an answer (`Done`) is wanted.
        3 => Rollback(bool),
        /// Sets a savepoint. No answer.
        4 => SetSavepoint(SavepointId),
        /// Undoes all that came after the savepoint, which stays. No answer.
        /// Locks taken since are kept, as InnoDB keeps them.
        5 => RollbackTo(SavepointId),
        /// Forgets a savepoint; those set after it stay. No answer.
        6 => ReleaseSavepoint(SavepointId),
        /// The next consistent read takes a new snapshot: the statement boundary
        /// under READ COMMITTED. No answer.
        7 => NewSnapshot(()),
        /// Takes the transaction's snapshot now
        /// (`START TRANSACTION WITH CONSISTENT SNAPSHOT`). No answer.
        8 => TakeSnapshot(()),
        /// From now on a lock wait of the transaction may last so many
        /// milliseconds. No answer.
        9 => SetLockWait(u32),
        /// Prepares the transaction: it survives whatever happens, with the locks
        /// of its changes, until it is committed or rolled back by its name. The
        /// lane has no transaction any more. Answered by `Done` or `Failed`.
        10 => Prepare(Prepare<'a>),
        /// Commits a prepared transaction, of whichever lane. Answered by `Done`,
        /// or by `Failed` with `NotFound` if there is none of that name.
        11 => CommitPrepared(CommitPrepared<'a>),
        /// Rolls a prepared transaction back. Answered as `CommitPrepared` is.
        12 => RollbackPrepared(RollbackPrepared<'a>),
        /// Lists the prepared transactions. Answered by `Prepared`.
        13 => Recover(Recover<'a>),
        /// Waits for commits and then does something. Answered by `Done`.
        14 => Barrier(Barrier),
        /// Asks for whose locks the transaction of this client (see
        /// [`Begin::client`]) waits. Answered by `LockWaits`.
        15 => LockWaits(u64),

        /// Reads one key. Answered by `LastRows` with one row or none.
        16 => Get(Get<'a>),
        /// Reads many keys of one index. Answered by `LastRows` with the rows found,
        /// in the order asked, each with its own key; or by `Rows`, at least one, if
        /// they are large: the keys behind that of the last row were not read then.
        17 => MultiGet(MultiGet<'a>),
        /// Opens a cursor and starts to stream its rows. Answered by `Rows`,
        /// again and again, the last one marked, or by `Failed`.
        18 => Scan(Scan<'a>),
        /// Lets a cursor's stream go on. No answer.
        19 => Credit(Credit),
        /// Closes a cursor; rows on their way may still arrive, with its tag.
        /// No answer.
        20 => CloseCursor(CursorId),
        /// Changes entries: all of them or, on a failure, none. Answered by
        /// `Written` or `Failed`, if it wants an answer.
        21 => Write(Write<'a>),
        /// Ends the lock wait or the scan that the request with this tag is in;
        /// that one fails with `Cancelled`. No answer of its own.
        22 => Cancel(u32),
        /// Asks for transactions and locks. Answered by `Transactions` or `Deadlock`.
        23 => Monitor(Monitor),
        /// Releases the locks of rows that locking reads have returned since the
        /// last `NewSnapshot` and that the client does not want after all. Only
        /// under READ COMMITTED; a lock that the transaction had before, or has
        /// asked for twice, and that of a row it has changed, stays. No answer.
        24 => Unlock(Unlock<'a>),
        /// Opens a cursor over several ranges of an index, one behind the other.
        /// Answered as a `Scan`; a row whose key is empty marks the end of each
        /// range.
        26 => ScanRanges(ScanRanges<'a>),
        /// Looks at the entries of a table's indexes, for a query optimizer.
        /// Answered by `Survey`.
        25 => Survey(Survey),
        /// As `Scan`, for the rows that programs of the client's accept. Rows
        /// that they reject are counted in [`Rejected`](crate::Response::Rejected)
        /// messages before the batches.
        28 => ScanWhere(ScanWhere<'a>),
        /// Sums up what a scan finds. Answered as the scan would be, by a row for
        /// each group: its key and its totals.
        29 => Summarize(Summarize<'a>),

        /// Creates a table. Answered by `Table`.
        32 => CreateTable(CreateTable<'a>),
        /// Looks a table up by its name. Answered by `Table`.
        33 => OpenTable(&'a str),
        /// Drops a table; its space is reclaimed in the background. Answered by `Done`.
        34 => DropTable(&'a str),
        /// Renames a table. Answered by `Done`.
        35 => RenameTable(RenameTable<'a>),
        /// Empties a table by giving its indexes new ids. Answered by `Table`.
        36 => TruncateTable(&'a str),
        /// Approximate sizes. Answered by `Stats`.
        37 => TableStats(TableId),
        /// Approximate numbers of entries in ranges. Answered by `RangeSizes`.
        38 => RangeSizes(RangeSizes<'a>),
        /// Sets a counter of a table at once and durably (`ALTER TABLE ...
        /// AUTO_INCREMENT`); it may also lower it. Answered by `Done`.
        39 => SetCounter(CounterRaise),
        /// Gives tables new descriptions and other indexes, all at once: their
        /// contents stay. Answered by `Done`.
        40 => AlterTables(AlterTables<'a>),
        /// A step of building indexes of a table that others go on using. A build
        /// belongs to its session and ends with it. Answered as the step says.
        41 => Build(Build),
        /// Asks for names of tables. Answered by `TableNames`.
        44 => ListTables(ListTables<'a>),
        /// Creates a table that is gone with this lane. Nothing is waited for, and
        /// [`Request::ListTables`] does not name it; in all else it is a table as
        /// others. Answered by `Table`.
        46 => CreateTemporaryTable(CreateTable<'a>),
        /// Replaces what the client wants to find with a table. Answered by `Done`.
        45 => SetDefinition(SetDefinition<'a>),

        /// Asks how a commit ended. Answered by `Outcome`.
        48 => Outcome(Outcome),
        /// The session is over and will not ask for outcomes again. No answer.
        49 => ForgetSession([u8; 16]),
        /// Does nothing. Answered by `Done`, or by the failure of an earlier
        /// request without answer that no answer has told yet.
        50 => Ping(()),

        /// Lists tables in the order of their names, from behind the one given
        /// on. Answered by `Tables`.
        51 => SizeTables(&'a str),
        /// Counts some of an index's entries as the transaction's snapshot shows
        /// them, on the host; the transaction's own changes do not count.
        /// Answered by `Counted`.
        52 => CountEntries(CountEntries<'a>),
        /// The number of rows that the catalogue has counted, in the
        /// transaction's snapshot. Answered by `Counted`.
        53 => CountedRows(TableId),
        /// The files in which a table's entries lie. Answered by `Files`.
        54 => TableFiles(TableId),
        /// Reads the file with this number and holds each block against its
        /// checksum. Answered by `Done`, also if the file is no longer in use.
        55 => VerifyFile(u64),
        /// Compacts one piece of a table's files. Answered by `Compacted`.
        56 => Compact(Compact<'a>),
        /// The state of the store, for a person to read. Answered by `Text`.
        57 => StatusText(()),
    }
}

/// See [`Request::Begin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// What its consistent reads see.
    pub isolation: Isolation,
    /// How long one lock wait may last, in milliseconds.
    pub lock_wait_ms: u32,
    /// The client's own number for whoever the transaction belongs to (MariaDB:
    /// the connection's); shown by [`Monitor`], and used by [`Request::LockWaits`].
    pub client: u64,
}

/// See [`Request::Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// When to answer.
    pub durability: Durability,
    /// The name under which the outcome is remembered.
    pub id: CommitId,
}

/// See [`Request::Get`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Get<'a> {
    /// The index.
    pub index: IndexId,
    /// The whole key.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub key: &'a [u8],
    /// The lock to take; taken on the key also if there is no such row.
    pub lock: Lock,
    /// If `index` is secondary and the row itself is wanted: the primary index.
    /// See [`Scan::fetch`].
    pub fetch: Option<IndexId>,
}

/// See [`Request::MultiGet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiGet<'a> {
    /// The index, a primary one.
    pub index: IndexId,
    /// The whole keys.
    #[serde(borrow)]
    pub keys: Vec<&'a [u8]>,
    /// The lock to take on each.
    pub lock: Lock,
}

/// See [`Request::Scan`].
///
/// A batch ends when it has `batch_rows` rows or about `batch_bytes` bytes; both
/// double with each batch, up to a limit of the host's. The host never has more
/// than `credit` bytes (and one batch) of rows under way that the client has not
/// given back by [`Credit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan<'a> {
    /// The cursor's name from now on.
    pub cursor: CursorId,
    /// The keys to return.
    #[serde(borrow)]
    pub range: KeyRange<'a>,
    /// In which order.
    pub direction: Direction,
    /// The lock to take on each row.
    pub lock: Lock,
    /// For a scan of a secondary index (whose values are
    /// [`IndexEntry`](crate::IndexEntry)): the primary index from which to fetch
    /// the row of each entry. Each returned row then has the *entry's* key, and
    /// as value the entry's primary key and the row (see [`Row`](crate::Row)).
    pub fetch: Option<IndexId>,
    /// Rows in the first batch; at least 1.
    pub batch_rows: u32,
    /// No batch has more rows than this (a locking read that must not lock
    /// ahead says 1); 0: no limit but the host's.
    pub max_batch_rows: u32,
    /// The scan ends after so many rows; 0: no limit. A transaction may see two rows
    /// with one key of a unique index (one as its snapshot shows it, one that it has
    /// changed itself): neither this limit nor that of a batch parts them.
    pub limit: u64,
    /// Bytes of rows that may be under way; 0: one batch at a time.
    pub credit: u32,
}

/// See [`Request::ScanRanges`].
///
/// The row at the end of each range has nothing but an empty key, so no key of
/// the index may be empty. Batches do not end with ranges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRanges<'a> {
    /// The cursor, and its first range. Its limit must be 0.
    #[serde(borrow)]
    pub scan: Scan<'a>,
    /// The ranges behind the first: for each the first key that may be in it and
    /// the first one behind it (empty: none), as in [`KeyRange`]. Here and in the
    /// first range two keys that are equal, and not empty, stand for that one
    /// key, which is read, and locked, as by a [`Get`].
    #[serde(borrow)]
    pub more: Vec<(&'a [u8], &'a [u8])>,
}

/// See [`Request::ScanWhere`].
///
/// The programs are as [`Program::encode`](crate::program::Program::encode) makes
/// them; an empty one accepts everything. What a program says nothing of is
/// returned too. A locking scan locks the rows that it rejects as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanWhere<'a> {
    /// The scan. Its `limit` counts the rows that are returned.
    #[serde(borrow)]
    pub scan: Scan<'a>,
    /// Runs on each entry of the scanned index before its row is fetched.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub entry: &'a [u8],
    /// Runs on each row of the primary index, scanned or fetched.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub row: &'a [u8],
}

/// See [`Request::Summarize`].
///
/// A group may come more than once, with totals of different rows, where there
/// are more groups than the host keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summarize<'a> {
    /// The scan: without locks, limit and rows to fetch.
    #[serde(borrow)]
    pub scan: Scan<'a>,
    /// What to compute, as [`Summary::encode`](crate::program::Summary::encode)
    /// makes it.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub summary: &'a [u8],
}

/// See [`Request::Credit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The cursor.
    pub cursor: CursorId,
    /// Bytes of row blocks that the client has consumed since it last said so;
    /// more than that raises the credit.
    pub bytes: u32,
}

/// See [`Request::Unlock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlock<'a> {
    /// The primary index.
    pub index: IndexId,
    /// The rows' keys.
    #[serde(borrow)]
    pub keys: Vec<&'a [u8]>,
}

/// See [`Request::Write`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write<'a> {
    /// The changes, made in this order.
    #[serde(borrow)]
    pub ops: Vec<WriteOp<'a>>,
    /// Counters to raise: in the host's memory at once (a rollback does not
    /// lower them), durably with the commit.
    pub raise: Vec<CounterRaise>,
    /// The table's number of rows changes by so much.
    pub row_delta: i64,
    /// The table to which `row_delta` belongs.
    pub table: TableId,
    /// Whether an answer is wanted. Without one an insert that finds its key
    /// taken is a failure.
    pub answer: bool,
}

/// Raises a table's counter to at least `next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterRaise {
    /// The table.
    pub table: TableId,
    /// Which counter.
    pub counter: Counter,
    /// The next value to be given out.
    pub next: u64,
}

/// See [`Request::CreateTable`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTable<'a> {
    /// The name: any UTF-8 string of at most [`MAX_NAME_LEN`](crate::MAX_NAME_LEN) bytes.
    pub name: &'a str,
    /// What the client wants to find again in [`TableInfo`](crate::TableInfo);
    /// the host does not read it.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub definition: &'a [u8],
    /// How many indexes; the first is the primary one. At least 1, at most 128.
    pub indexes: u16,
    /// The first values of the two counters, `AutoIncrement` and `RowId`.
    pub counters: [u64; 2],
}

/// See [`Request::RenameTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameTable<'a> {
    /// The old name.
    pub from: &'a str,
    /// The new name; must not exist.
    pub to: &'a str,
}

/// See [`Request::ListTables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTables<'a> {
    /// The names begin so.
    pub prefix: &'a str,
    /// They sort, as bytes, behind this one; empty: from the first.
    pub after: &'a str,
}

/// See [`Request::SetDefinition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDefinition<'a> {
    /// The table's name.
    pub name: &'a str,
    /// See [`CreateTable::definition`].
    pub definition: &'a [u8],
}

/// See [`Request::RangeSizes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSizes<'a> {
    /// The ranges.
    #[serde(borrow)]
    pub ranges: Vec<KeyRange<'a>>,
}

/// See [`Request::Survey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// The table.
    pub table: TableId,
    /// About how many entries of each index to look at; the host has a limit of
    /// its own.
    pub entries: u32,
}

/// See [`Request::Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The commit in question.
    pub commit: CommitId,
}
