//! The guest side of VAMOS: what a guest-side middleware links to reach the
//! store module on the host.
//!
//! A [`Client`] says where the host is; it is shared by the whole process. Each
//! conversation (for MariaDB: each connection) has a [`Session`] of its own,
//! which connects at its first request and, after a loss, at the next one. A
//! session has at most one transaction. A [`Cursor`] reads a range; its rows
//! stream in ahead of the reader.
//!
//! All calls block. What needs no answer (begin, savepoints, the end of a
//! transaction that only read) costs no round trip: it rides on the next
//! request. What is sent without being waited for
//! ([`Session::write_deferred`]) reports a failure at the next call.
//!
//! This crate knows the store module's messages (`vamos-proto`) and the channel
//! (`vamos-channel`); it knows nothing of SQL.
//!
//! ```no_run
//! use vamos_guest::{Client, Config, Lock, Session, Rows, Get};
//! use std::time::Duration;
//!
//! let client = Client::new(Config::new("unix:/run/vamos/guest.sock".parse()?));
//! let mut session = Session::new(client);
//! let table = session.open_table("shop/orders")?;
//! let mut rows = Rows::default();
//! session.begin(Default::default(), Duration::from_secs(50));
//! let found = session.get(
//!     &Get { index: table.indexes[0], key: b"4711", lock: Lock::None, fetch: None },
//!     &mut rows,
//! )?;
//! session.commit(Default::default())?;
//! # let _ = found;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alter;
mod client;
mod commit;
mod connection;
mod cursor;
mod error;
mod monitor;
mod order;
mod prepared;
mod read;
mod session;
mod streams;
mod tables;
mod transaction;
mod undecided;
mod upkeep;
mod write;
mod written_log;

pub use alter::BuildRows;
pub use client::{Client, Config};
pub use cursor::{Conditions, Cursor, ScanSpec};
pub use error::Error;
pub use prepared::XidBuf;
pub use read::Rows;
pub use session::{Interrupt, Session};
pub use tables::Table;
pub use upkeep::{CompactedPiece, TableSizes};
pub use write::WriteTag;

pub use vamos_channel::{Endpoint, LaneCounters};
pub use vamos_proto::{
    AlterTable, AlterTables, BuildStep, Building, Counter, CounterRaise, CreateTable, Deadlock, DeadlockPart,
    Direction, Durability, ErrorCode, EvenKeys, Get, IndexDetail, IndexId, IndexSurvey, Isolation, KeyRange,
    Lock, LockInfo, LockKind, LockWait, MultiGet, Row, SavepointId, SurveyReply, SurveyStep, TableId,
    TableStats, TransactionInfo, TransactionList, TransactionState, WaitInfo, Write, WriteOp, Written, Xid,
};
