//! What an engine call can fail with, and how the server is told.

use crate::codec::CodecError;
use std::ffi::c_int;
use vamos_guest::ErrorCode;

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// A scan is behind its last row.
    EndOfFile,
    /// No row has the key.
    KeyNotFound,
    /// A unique key is taken; which one, by the server's count.
    Duplicate {
        /// The key.
        key: u32,
    },
    /// A unique key is taken: found by the change at this position of the batch
    /// that the connection has kept for whoever filled it.
    DuplicateInBatch {
        /// The position.
        op: usize,
    },
    /// An update changes nothing.
    SameRow,
    /// The server asked for something that an ordered index does not do.
    WrongCommand,
    /// The host's table does not fit the server's.
    OtherDefinition {
        /// In which way.
        what: String,
    },
    /// The host could not be reached a moment ago, and is not asked again yet.
    HostAwayLately,
    /// The server's description of the table is not its last one.
    OldDefinition,
    /// One that the server was given before, and kept to itself.
    Untold {
        /// Its code.
        code: c_int,
        /// Its sentence.
        sentence: Option<String>,
    },
    /// Stored bytes make no sense.
    Codec(CodecError),
    /// The host or the way to it.
    Guest(vamos_guest::Error),
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<vamos_guest::Error> for Error {
    fn from(error: vamos_guest::Error) -> Self {
        Self::Guest(error)
    }
}

/// Codes of the server's (include/my_base.h).
mod code {
    use std::ffi::c_int;

    pub(super) const KEY_NOT_FOUND: c_int = 120;
    pub(super) const FOUND_DUPLICATE_KEY: c_int = 121;
    pub(super) const CRASHED: c_int = 126;
    pub(super) const WRONG_COMMAND: c_int = 131;
    pub(super) const END_OF_FILE: c_int = 137;
    pub(super) const LOCK_WAIT_TIMEOUT: c_int = 146;
    pub(super) const LOCK_DEADLOCK: c_int = 149;
    pub(super) const NO_SUCH_TABLE: c_int = 155;
    pub(super) const TABLE_EXISTS: c_int = 156;
    pub(super) const NO_CONNECTION: c_int = 157;
    pub(super) const TABLE_DEF_CHANGED: c_int = 159;
    pub(super) const GENERIC: c_int = 168;
    pub(super) const RECORD_IS_THE_SAME: c_int = 169;
    pub(super) const INDEX_COLUMN_TOO_LONG: c_int = 179;
    pub(super) const ABORTED_BY_USER: c_int = 188;
    pub(super) const ROLLED_BACK: c_int = 200;
}

impl Error {
    /// The server's code for this.
    pub(crate) fn code(&self) -> c_int {
        match self {
            Self::EndOfFile => code::END_OF_FILE,
            Self::KeyNotFound => code::KEY_NOT_FOUND,
            Self::Duplicate { .. } | Self::DuplicateInBatch { .. } => code::FOUND_DUPLICATE_KEY,
            Self::SameRow => code::RECORD_IS_THE_SAME,
            Self::WrongCommand => code::WRONG_COMMAND,
            Self::OtherDefinition { .. } => code::GENERIC,
            Self::OldDefinition => code::TABLE_DEF_CHANGED,
            Self::HostAwayLately => code::NO_CONNECTION,
            Self::Untold { code, .. } => *code,
            Self::Codec(CodecError::KeyTooLong(_)) => code::INDEX_COLUMN_TOO_LONG,
            Self::Codec(_) => code::CRASHED,
            Self::Guest(error) => guest_code(error),
        }
    }

    /// The sentence for the user, where the server's own for the code says less.
    pub(crate) fn sentence(&self) -> Option<String> {
        use vamos_guest::Error as Guest;
        match self {
            Self::OtherDefinition { what } => Some(what.clone()),
            Self::Untold { sentence, .. } => sentence.clone(),
            Self::HostAwayLately => Some("the host cannot be reached".into()),
            Self::Codec(error) => Some(error.to_string()),
            // The server's own sentences for these are what clients look for.
            Self::Guest(
                Guest::Interrupted
                | Guest::Failed {
                    code:
                        ErrorCode::Deadlock
                        | ErrorCode::LockWaitTimeout
                        | ErrorCode::LockNotAvailable
                        | ErrorCode::TableChanged,
                    ..
                },
            ) => None,
            Self::Guest(Guest::HostAway { endpoint, cause }) => Some(format!(
                "the host at {endpoint} cannot be reached: {}",
                with_sources(cause)
            )),
            Self::Guest(error) => Some(error.to_string()),
            _ => None,
        }
    }

    /// Whether the transaction no longer exists.
    pub(crate) fn ended_transaction(&self) -> bool {
        matches!(self, Self::Guest(error) if error.ended_transaction())
    }
}

/// The error and what caused it, unless its own sentence has that already.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn guest_code(error: &vamos_guest::Error) -> c_int {
    use vamos_guest::Error as Guest;
    match error {
        Guest::HostAway { .. } => code::NO_CONNECTION,
        // The client can try the transaction again, as after a deadlock.
        Guest::ConnectionLost { .. } | Guest::CommitsInDoubt { .. } => code::ROLLED_BACK,
        Guest::OutcomeUnknown { .. } | Guest::Protocol { .. } => code::GENERIC,
        Guest::Interrupted => code::ABORTED_BY_USER,
        Guest::Failed { code, .. } => match code {
            ErrorCode::NoSuchTable => code::NO_SUCH_TABLE,
            ErrorCode::TableExists => code::TABLE_EXISTS,
            ErrorCode::LockWaitTimeout | ErrorCode::LockNotAvailable => code::LOCK_WAIT_TIMEOUT,
            ErrorCode::Deadlock => code::LOCK_DEADLOCK,
            ErrorCode::Cancelled => code::ABORTED_BY_USER,
            ErrorCode::Corruption => code::CRASHED,
            ErrorCode::TableChanged => code::TABLE_DEF_CHANGED,
            ErrorCode::TransactionTooLarge
            | ErrorCode::Storage
            | ErrorCode::Invalid
            | ErrorCode::NotFound => code::GENERIC,
        },
    }
}
