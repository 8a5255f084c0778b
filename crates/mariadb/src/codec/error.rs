//! What can be wrong with stored bytes.

/// Stored bytes that do not fit the table, or a key that does not fit the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// A row or an index entry has a format that this version does not know.
    UnknownFormat(u8),
    /// A row has another number of columns than the table.
    WrongColumnCount(usize),
    /// Bytes break off in the middle of a column.
    Truncated,
    /// A stored value is longer than its column.
    TooLong,
    /// The key is longer than the store takes.
    KeyTooLong(usize),
}

impl std::fmt::Display for CodecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFormat(format) => {
                write!(f, "a row has format {format}, which this version does not know")
            }
            Self::WrongColumnCount(count) => {
                write!(f, "a row has {count} columns, the table has another number")
            }
            Self::Truncated => write!(f, "a row breaks off in the middle of a column"),
            Self::TooLong => write!(f, "a stored value is longer than its column"),
            Self::KeyTooLong(length) => write!(
                f,
                "a key has {length} bytes with its collation's weights, more than the {} that the store takes",
                vamos_proto::MAX_KEY_LEN
            ),
        }
    }
}

impl std::error::Error for CodecError {}
