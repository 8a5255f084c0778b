//! How the bytes that a program is run on are laid out.

use serde::{Deserialize, Serialize};

/// What a program is run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// A row: the byte [`ROW_FORMAT`](super::ROW_FORMAT), the number of its slots
    /// as a little-endian `u16`, a bitmap of those that are NULL (the lowest bit
    /// of the first byte is the first slot's), and the values of the others. The
    /// slots up to the last one that is read.
    Row(Vec<RowSlot>),
    /// An entry of a secondary index: its key and its value.
    Entry(EntryLayout),
}

/// A place in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSlot {
    /// Its bytes.
    pub width: Width,
    /// What stands there in rows with fewer slots.
    pub missing: Missing,
}

/// What a slot has in rows that were written before it was added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// Nothing that could be read.
    #[default]
    Unknown,
    /// NULL.
    Null,
    /// These bytes.
    Value(Vec<u8>),
}

impl From<Width> for RowSlot {
    fn from(width: Width) -> Self {
        Self {
            width,
            missing: Missing::Unknown,
        }
    }
}

/// How a value lies among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Width {
    /// So many bytes.
    Fixed(u16),
    /// Its length first, seven bits to a byte, the lowest first.
    Prefixed,
}

/// An index entry's parts; see [`IndexEntry`](crate::IndexEntry).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryLayout {
    /// The parts at the beginning of the entry's key.
    pub key: Vec<Part>,
    /// The parts of the primary key.
    pub primary: Vec<Part>,
    /// The values among the entry's extra bytes.
    pub extra: Vec<Extra>,
}

/// A part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// A byte before it is 0 for NULL, and nothing follows then.
    pub nullable: bool,
    /// All its bytes are inverted.
    pub reverse: bool,
    /// Its bytes.
    pub bytes: PartBytes,
}

/// How long a part of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartBytes {
    /// So many bytes.
    Fixed(u16),
    /// Up to six runs of groups, one behind the other.
    Groups([Option<Groups>; 6]),
}

/// A run of groups of bytes, each with a mark behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// Bytes of a group, without its mark.
    pub size: u8,
    /// The mark that tells the last group, or the one that all others have.
    pub mark: u8,
    /// Whether `mark` tells the last group.
    pub ends: bool,
}

/// A value among an entry's extra bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// A byte before it is not 0 for NULL, and nothing follows then.
    pub nullable: bool,
    /// Its bytes.
    pub width: Width,
}

impl Layout {
    /// How many places there are to read from: the columns, or the parts of the
    /// key, then those of the primary key, then the extra values.
    pub fn places(&self) -> usize {
        match self {
            Self::Row(columns) => columns.len(),
            Self::Entry(entry) => entry.key.len() + entry.primary.len() + entry.extra.len(),
        }
    }
}
