//! Rows on their way: many of them in one block of bytes.

use crate::DecodeError;
use serde::{Deserialize, Serialize};

/// A row as it lies in a [`RowBlock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The key under which it was found (without the index id).
    pub key: &'a [u8],
    /// The primary key, where a secondary index was read and the row fetched
    /// ([`Scan::fetch`](crate::Scan::fetch)); otherwise empty.
    pub primary_key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// Rows, one behind the other: each is three lengths (little-endian `u32` of
/// key, primary key and value) and then the three byte strings.
///
/// The lengths are checked as the rows are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowBlock<'a> {
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    bytes: &'a [u8],
}

const LENGTHS: usize = 12;

impl<'a> RowBlock<'a> {
    /// A block of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The block's bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The rows in their order; after the first error there are no more.
    pub fn iter(&self) -> RowBlockIter<'a> {
        RowBlockIter {
            bytes: self.bytes,
            at: 0,
        }
    }

    /// The row that starts at byte `at` and the position behind it, or `None`
    /// at the block's end. For readers that keep the block in a buffer.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the row's lengths lead out of the block.
    pub fn row_at(&self, at: usize) -> Result<Option<(Row<'a>, usize)>, DecodeError> {
        let truncated = DecodeError::Truncated {
            what: "row block",
            at,
        };
        let rest = self.bytes.get(at..).ok_or(truncated)?;
        if rest.is_empty() {
            return Ok(None);
        }
        let (lengths, rest) = rest.split_first_chunk::<LENGTHS>().ok_or(truncated)?;
        let length = |i: usize| {
            u32::from_le_bytes([lengths[i], lengths[i + 1], lengths[i + 2], lengths[i + 3]]) as usize
        };
        let (key, rest) = rest.split_at_checked(length(0)).ok_or(truncated)?;
        let (primary_key, rest) = rest.split_at_checked(length(4)).ok_or(truncated)?;
        let (value, rest) = rest.split_at_checked(length(8)).ok_or(truncated)?;
        Ok(Some((
            Row {
                key,
                primary_key,
                value,
            },
            self.bytes.len() - rest.len(),
        )))
    }
}

impl<'a> IntoIterator for RowBlock<'a> {
    type Item = Result<Row<'a>, DecodeError>;
    type IntoIter = RowBlockIter<'a>;

    fn into_iter(self) -> RowBlockIter<'a> {
        self.iter()
    }
}

/// Iterates over a [`RowBlock`].
#[derive(Clone, Debug)]
pub struct RowBlockIter<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for RowBlockIter<'a> {
    type Item = Result<Row<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        match RowBlock::new(self.bytes).row_at(self.at) {
            Ok(None) => None,
            Ok(Some((row, next))) => {
                self.at = next;
                Some(Ok(row))
            }
            Err(error) => {
                self.at = self.bytes.len();
                Some(Err(error))
            }
        }
    }
}

/// A place between two rows of a [`RowBlockBuilder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsEnd {
    bytes: usize,
    rows: usize,
}

/// Builds a [`RowBlock`].
#[derive(Clone, Debug, Default)]
pub struct RowBlockBuilder {
    bytes: Vec<u8>,
    rows: usize,
}

impl RowBlockBuilder {
    /// An empty block.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a row. Lengths above `u32::MAX` cannot come out of the store,
    /// whose keys and values are shorter.
    pub fn push(&mut self, row: &Row<'_>) {
        let parts = [row.key, row.primary_key, row.value];
        // Room once, and the lengths in one piece: rows are short, and there are many.
        self.bytes
            .reserve(LENGTHS + parts.iter().map(|part| part.len()).sum::<usize>());
        let mut lengths = [0; LENGTHS];
        for (length, part) in lengths.as_chunks_mut::<4>().0.iter_mut().zip(parts) {
            *length = (part.len() as u32).to_le_bytes();
        }
        self.bytes.extend_from_slice(&lengths);
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.bytes.extend_from_slice(part);
        }
        self.rows += 1;
    }

    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Where the next row will be.
    pub fn end(&self) -> RowsEnd {
        RowsEnd {
            bytes: self.bytes.len(),
            rows: self.rows,
        }
    }

    /// The first row behind a place, if there is one.
    pub fn row_behind(&self, end: RowsEnd) -> Option<Row<'_>> {
        let found = self.block().row_at(end.bytes).ok().flatten();
        found.map(|(row, _)| row)
    }

    /// Takes back all rows behind a place.
    pub fn truncate(&mut self, end: RowsEnd) {
        self.bytes.truncate(end.bytes);
        self.rows = self.rows.min(end.rows);
    }

    /// The block as it stands.
    pub fn block(&self) -> RowBlock<'_> {
        RowBlock::new(&self.bytes)
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows = 0;
    }

    /// Empties it, and keeps its memory unless it has grown to more than so many
    /// bytes.
    pub fn recycle(&mut self, most: usize) {
        self.clear();
        if self.bytes.capacity() > most {
            self.bytes = Vec::new();
        }
    }
}
