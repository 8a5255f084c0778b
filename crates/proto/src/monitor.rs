//! What a client may learn of the store's transactions and locks.

use crate::{IndexId, Isolation};
use serde::{Deserialize, Serialize};

/// Bytes of a key that a report shows at most; longer ones are cut.
pub const SHOWN_KEY: usize = 128;

/// See [`Request::Monitor`](crate::Request::Monitor).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Monitor {
    /// The open transactions and the locks. Answered by `Transactions`.
    Transactions {
        /// At most so many transactions; those that wait come first, then the
        /// oldest. The host has a limit of its own.
        transactions: u32,
        /// At most so many locks. The host has a limit of its own.
        locks: u32,
    },
    /// The deadlock that was found last. Answered by `Deadlock`.
    LastDeadlock,
}

/// See [`Monitor::Transactions`]. A picture that was taken piece by piece while
/// the transactions went on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionList {
    /// Open transactions: those that wait first, then by age.
    pub transactions: Vec<TransactionInfo>,
    /// Locks, held and waited for.
    pub locks: Vec<LockInfo>,
    /// How many transactions are open.
    pub open: u64,
    /// How many locks are held.
    pub held: u64,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionInfo {
    /// Its number in the store, never reused while the store is open.
    pub id: u64,
    /// What [`Begin::client`](crate::Begin::client) said.
    pub client: u64,
    /// Its isolation.
    pub isolation: Isolation,
    /// How long it has been open, in milliseconds.
    pub age_ms: u64,
    /// What it does.
    pub state: TransactionState,
    /// Locks that it holds, on rows and on ranges.
    pub locks: u64,
    /// Entries, of all indexes, that it has changed.
    pub changes: u64,
    /// The lock that it waits for.
    pub wait: Option<WaitInfo>,
}

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionState {
    /// It is open; the store waits for its next request or works for it.
    Open,
    /// It waits for a lock.
    Waiting,
    /// Its commit has begun.
    Committing,
}

/// A wait for a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitInfo {
    /// The lock.
    pub lock: LockInfo,
    /// For how long, in milliseconds.
    pub waited_ms: u64,
    /// Transactions that stand in its way: some of them, if they are many.
    pub blockers: Vec<u64>,
}

/// A lock, held or waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// The transaction.
    pub transaction: u64,
    /// What it locks.
    pub kind: LockKind,
    /// Whether it excludes other locks on the same row.
    pub exclusive: bool,
    /// Held, or waited for.
    pub granted: bool,
    /// The table's name; empty if it is gone.
    pub table: String,
    /// The index: its place in the table, 0 for the primary one.
    pub index: u16,
    /// The index's number.
    pub index_id: IndexId,
    /// The key, or the first key of a range; at most [`SHOWN_KEY`] bytes.
    pub key: Vec<u8>,
    /// The first key behind a range; empty: to the index's end. At most
    /// [`SHOWN_KEY`] bytes.
    pub end: Vec<u8>,
}

/// What a lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockKind {
    /// An entry: a row, or a key of a unique index.
    Row,
    /// A range of an index: nobody else inserts into it.
    Range,
    /// The wish to insert into ranges that others hold.
    Insert,
}

/// See [`Monitor::LastDeadlock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlock {
    /// When, in microseconds since 1970 by the host's clock.
    pub unix_micros: u64,
    /// The transactions of the circle: each waits for the next, the last for the
    /// first.
    pub circle: Vec<DeadlockPart>,
    /// The transaction that was rolled back.
    pub victim: u64,
}

/// One transaction of a [`Deadlock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlockPart {
    /// The transaction, with what it waited for.
    pub transaction: TransactionInfo,
    /// The lock of its own for which the one before it waited.
    pub holds: Option<LockInfo>,
}
