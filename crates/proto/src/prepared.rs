//! Two-phase commit: the messages of prepared transactions.

use crate::{CommitId, Durability};
use serde::{Deserialize, Serialize};

/// The longest global transaction id, and the longest branch qualifier, in
/// bytes: X/Open's limits.
pub const MAX_XID_PART: usize = 64;

/// The name of a prepared transaction, given by the client: X/Open's XID.
///
/// Two are the same if both of their parts are; the format is kept for the
/// client and does not tell them apart (MariaDB compares them so).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xid<'a> {
    /// The format of the parts, as the client says.
    pub format: i64,
    /// The global transaction id; at most [`MAX_XID_PART`] bytes.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub global: &'a [u8],
    /// The branch qualifier; at most [`MAX_XID_PART`] bytes.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub branch: &'a [u8],
}

/// A place in the order in which a server commits.
///
/// A server (a process of the client's that has many lanes) draws a random name
/// when it starts and numbers its commits from 1, without a gap. The host carries
/// them out in that order whichever lane they come over. It does not wait long
/// for a number that does not come: its lane may have died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The server's random name.
    pub server: [u8; 16],
    /// The number.
    pub number: u64,
}

/// See [`Request::Prepare`](crate::Request::Prepare).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare<'a> {
    /// The name by which it will be committed or rolled back.
    #[serde(borrow)]
    pub xid: Xid<'a>,
    /// When to answer.
    pub durability: Durability,
    /// The name of this attempt, from the numbers of the session's commits.
    pub id: CommitId,
    /// The server's random name; see [`Recover::server`].
    pub server: [u8; 16],
}

/// See [`Request::CommitPrepared`](crate::Request::CommitPrepared).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitPrepared<'a> {
    /// The transaction.
    #[serde(borrow)]
    pub xid: Xid<'a>,
    /// When to answer.
    pub durability: Durability,
    /// The name under which the outcome is remembered. A commit that is sent
    /// again under the same name succeeds if it had succeeded before.
    pub id: CommitId,
    /// Its place in the order of commits, if it has one.
    pub ticket: Option<Ticket>,
}

/// See [`Request::RollbackPrepared`](crate::Request::RollbackPrepared).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPrepared<'a> {
    /// The transaction.
    #[serde(borrow)]
    pub xid: Xid<'a>,
    /// The attempt that has prepared it: what another one has prepared under the same
    /// name since is not meant. One whose answer was lost is waited for or, if it has
    /// not come yet, refused when it comes. `None`: whoever has prepared it.
    pub attempt: Option<CommitId>,
}

/// See [`Request::Recover`](crate::Request::Recover).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recover<'a> {
    /// The random name of the server that asks. From now on no other server
    /// prepares: what an earlier one had still under way is over.
    pub server: [u8; 16],
    /// The list goes on behind this one; `None`: it begins.
    #[serde(borrow)]
    pub after: Option<Xid<'a>>,
    /// How many to tell, at most.
    pub limit: u32,
}

/// See [`Request::Barrier`](crate::Request::Barrier).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barrier {
    /// The commits to wait for: this one and all before it.
    pub after: Ticket,
    /// What to do then.
    pub then: BarrierEnd,
}

/// What follows a [`Barrier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarrierEnd {
    /// The lane's transaction takes its snapshot.
    Snapshot,
    /// The log is synced to disk.
    Sync,
}

/// See [`Response::Prepared`](crate::Response::Prepared).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedList<'a> {
    /// Their names, in an order of the host's.
    #[serde(borrow)]
    pub xids: Vec<Xid<'a>>,
}

/// See [`Response::LockWaits`](crate::Response::LockWaits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockWaits {
    /// The clients of the transactions waited for: directly, or because one of
    /// them waits in turn.
    pub clients: Vec<u64>,
}
