//! What can be wrong with a message, and what a request can fail with.

use serde::{Deserialize, Serialize};

/// Bytes that are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No message has this opcode.
    #[error("no message has opcode {opcode}; do both sides have the same version?")]
    UnknownOpcode {
        /// The opcode.
        opcode: u16,
    },
    /// The body breaks off or holds a value that cannot be.
    #[error("the {length} bytes of a {message} message are malformed")]
    Malformed {
        /// The message's name.
        message: &'static str,
        /// The body's length in bytes.
        length: usize,
    },
    /// The body is longer than its message.
    #[error("a {message} message is followed by {count} bytes that do not belong to it")]
    TrailingBytes {
        /// The message's name.
        message: &'static str,
        /// How many.
        count: usize,
    },
    /// A row block or an index entry breaks off or holds a length that cannot be.
    #[error("the {what} breaks off at byte {at}")]
    Truncated {
        /// What was read.
        what: &'static str,
        /// Where.
        at: usize,
    },
}

/// The kind of a request's failure: what the client can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The table does not exist.
    NoSuchTable,
    /// A table of that name exists.
    TableExists,
    /// The lock wait timeout passed. The transaction goes on.
    LockWaitTimeout,
    /// The wait would have closed a circle. The transaction was rolled back.
    Deadlock,
    /// The row is locked and the read said not to wait. The transaction goes on.
    LockNotAvailable,
    /// The client cancelled the request. The transaction goes on.
    Cancelled,
    /// The transaction holds more than the host's limit allows. It was rolled back.
    TransactionTooLarge,
    /// The request makes no sense: an error of the client's.
    Invalid,
    /// The savepoint or the cursor does not exist.
    NotFound,
    /// The host's disk or store failed. The transaction was rolled back.
    Storage,
    /// The store found damaged data.
    Corruption,
    /// An index is newer than the transaction's snapshot, or was changed
    /// meanwhile. The transaction goes on.
    TableChanged,
}

/// A request's failure, with a sentence for the log and the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure<'a> {
    /// The kind.
    pub code: ErrorCode,
    /// What was wrong, with what value.
    pub message: std::borrow::Cow<'a, str>,
}
