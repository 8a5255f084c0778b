//! The messages of the VAMOS store module, and their encoding.
//!
//! A guest-side middleware (for MariaDB: the engine plugin) sends a
//! [`Request`]; the store module on the host answers with [`Response`]s. This
//! crate says what those messages are, what their bytes look like, and nothing
//! else: it does no I/O, has no clock and knows no transport. The transport
//! gives every message an opcode, a tag and a body; [`Request::encode`] and
//! [`Request::decode`] (and the same on [`Response`]) turn a message into
//! opcode and body and back. The tag pairs answers with requests and is the
//! client's business.
//!
//! Bodies are encoded by [postcard](https://docs.rs/postcard), whose wire
//! format is specified; rows travel as a [`RowBlock`], which both sides read in
//! place.
//!
//! Decoding never panics and never allocates more than the input's length
//! justifies, whatever the bytes are.
//!
//! ```
//! use vamos_proto::{Get, IndexId, Lock, Request};
//!
//! let request = Request::Get(Get { index: IndexId(7), key: b"k", lock: Lock::None, fetch: None });
//! let mut body = Vec::new();
//! let opcode = request.encode(&mut body);
//! assert_eq!(Request::decode(opcode, &body), Ok(request));
//! ```

mod alter;
mod entry;
mod error;
mod message;
mod monitor;
mod prepared;
pub mod program;
mod request;
mod response;
mod rows;
mod upkeep;
mod words;

pub use alter::{AlterTable, AlterTables, Build, BuildStep, Building};
pub use entry::{IndexEntry, PrimaryKey};
pub use error::{DecodeError, ErrorCode, Failure};
pub use monitor::{
    Deadlock, DeadlockPart, LockInfo, LockKind, Monitor, SHOWN_KEY, TransactionInfo, TransactionList,
    TransactionState, WaitInfo,
};
pub use prepared::{
    Barrier, BarrierEnd, CommitPrepared, LockWaits, MAX_XID_PART, Prepare, PreparedList, Recover,
    RollbackPrepared, Ticket, Xid,
};
pub use request::{
    Begin, Commit, CounterRaise, CreateTable, Credit, Get, ListTables, MultiGet, Outcome, RangeSizes,
    RenameTable, Request, Scan, ScanRanges, ScanWhere, SetDefinition, Summarize, Survey, Unlock, Write,
};
pub use response::{
    CommitOutcome, EvenKeys, IndexSurvey, RangeSizesReply, Response, SurveyReply, SurveyStep, TableInfo,
    TableNames, Written,
};
pub use rows::{Row, RowBlock, RowBlockBuilder, RowBlockIter, RowsEnd};
pub use upkeep::{
    Compact, Compacted, CountEntries, Counted, FileList, FileSize, IndexDetail, TableDetail, TablesPage,
};
pub use words::{
    CommitId, Counter, CursorId, Direction, Durability, IndexId, Isolation, KeyRange, Lock, LockWait,
    SavepointId, TableId, TableStats, WriteOp,
};

/// The name under which the store module is registered with the host runtime.
pub const MODULE_NAME: &str = "store";

/// The version of the messages in this crate. Both sides of a lane must have
/// the same one; the hand-shake refuses others.
pub const MODULE_VERSION: u32 = 2;

/// The longest key, in bytes, without its index id.
pub const MAX_KEY_LEN: usize = 16 * 1024;

/// The longest table name, in bytes.
pub const MAX_NAME_LEN: usize = 1024;

/// The most names in one answer to [`Request::ListTables`].
pub const MAX_NAMES: usize = 1000;

/// The longest body of one message, in bytes: a row with a LONGBLOB must fit,
/// as MariaDB's largest `max_allowed_packet` (1 GiB) lets it in.
pub const MAX_BODY_LEN: usize = (1 << 30) + (1 << 20);
