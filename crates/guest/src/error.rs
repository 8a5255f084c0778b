//! What a session's calls can fail with.

use vamos_channel::{ConnectError, LaneError};
use vamos_proto::{DecodeError, ErrorCode, Failure};

/// Why a call failed, and what that means for the transaction.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host cannot be reached. No transaction was open.
    #[error("the VAMOS host at {endpoint} cannot be reached: {cause}")]
    HostAway {
        /// Where it should be.
        endpoint: String,
        /// What connecting failed with.
        #[source]
        cause: ConnectError,
    },
    /// The lane broke while a transaction was open; the host has rolled it back.
    /// It can be tried again.
    #[error(
        "the connection to the VAMOS host was lost ({reason}); the transaction was rolled back, try it again"
    )]
    ConnectionLost {
        /// What happened to the lane.
        reason: String,
    },
    /// The lane broke during a commit and the host could not be asked, within
    /// the time allowed, how it ended.
    #[error(
        "the connection to the VAMOS host was lost during a commit and did not come back within {seconds} s: \
         whether the transaction was committed is not known"
    )]
    OutcomeUnknown {
        /// How long it was tried.
        seconds: u64,
    },
    /// Commits before a snapshot were lost on their way, and are not done yet: the snapshot
    /// would not show them. The transaction goes on, without a snapshot.
    #[error(
        "connections to the VAMOS host were lost, and commits before the snapshot were not done within \
         {seconds} s; try it again"
    )]
    CommitsInDoubt {
        /// How long the snapshot waited for them.
        seconds: u64,
    },
    /// The caller's interrupt said to stop. The transaction goes on.
    #[error("the request was interrupted")]
    Interrupted,
    /// The host answered with a failure; its code says what became of the
    /// transaction.
    #[error("{message}")]
    Failed {
        /// The kind.
        code: ErrorCode,
        /// The host's sentence.
        message: String,
    },
    /// The host sent something that makes no sense here. The lane was closed and
    /// the transaction with it.
    #[error(
        "the VAMOS host sent an answer that makes no sense ({what}); do both sides have the same version?"
    )]
    Protocol {
        /// What.
        what: String,
    },
}

impl Error {
    /// Whether the transaction in which this happened no longer exists.
    pub fn ended_transaction(&self) -> bool {
        match self {
            Self::HostAway { .. }
            | Self::ConnectionLost { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Protocol { .. } => true,
            Self::Interrupted | Self::CommitsInDoubt { .. } => false,
            Self::Failed { code, .. } => matches!(
                code,
                ErrorCode::Deadlock | ErrorCode::TransactionTooLarge | ErrorCode::Storage
            ),
        }
    }

    pub(crate) fn unexpected(opcode: u16, request: &str) -> Self {
        Self::Protocol {
            what: format!("opcode {opcode} in answer to {request}"),
        }
    }
}

impl From<Failure<'_>> for Error {
    fn from(failure: Failure<'_>) -> Self {
        match failure.code {
            ErrorCode::Cancelled => Self::Interrupted,
            code => Self::Failed {
                code,
                message: failure.message.into_owned(),
            },
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Protocol {
            what: error.to_string(),
        }
    }
}

impl From<LaneError> for Error {
    fn from(error: LaneError) -> Self {
        Self::ConnectionLost {
            reason: error.to_string(),
        }
    }
}
