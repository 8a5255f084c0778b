//! How keys look in RocksDB.
//!
//! Data: index id (big-endian `u32`), then the client's key. Other families
//! start each key with a letter that says what follows.

use crate::StoreError;
use std::sync::Arc;
use vamos_proto::{Counter, IndexId, KeyRange, MAX_KEY_LEN};

/// A key in the data family, shared by a transaction's writes and its locks.
pub(crate) type FullKey = Arc<[u8]>;

/// Bytes of the index id in front of the client's key.
pub(crate) const PREFIX: usize = 4;

/// The full key of a client's key.
pub(crate) fn full(index: IndexId, key: &[u8]) -> Result<FullKey, StoreError> {
    check_length(key)?;
    let mut buffer = [0; 256];
    let length = PREFIX + key.len();
    // One allocation for the usual short key: no vector on the way.
    if let Some(bytes) = buffer.get_mut(..length) {
        bytes[..PREFIX].copy_from_slice(&index.0.to_be_bytes());
        bytes[PREFIX..].copy_from_slice(key);
        return Ok(FullKey::from(&*bytes));
    }
    Ok(joined(index, key).into())
}

fn joined(index: IndexId, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX + key.len());
    bytes.extend_from_slice(&index.0.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

fn check_length(key: &[u8]) -> Result<(), StoreError> {
    if key.len() > MAX_KEY_LEN {
        return Err(StoreError::Invalid {
            reason: format!("a key of {} bytes; at most {MAX_KEY_LEN} are allowed", key.len()),
        });
    }
    Ok(())
}

/// The index of a full key.
pub(crate) fn index_of(full: &[u8]) -> IndexId {
    let prefix = full.first_chunk().copied().unwrap_or_default();
    IndexId(u32::from_be_bytes(prefix))
}

/// The client's key in a full key.
pub(crate) fn client_key(full: &[u8]) -> &[u8] {
    full.get(PREFIX..).unwrap_or_default()
}

/// The full keys between which a range lies; the second is never empty.
pub(crate) fn bounds(range: &KeyRange<'_>) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    check_length(range.low)?;
    check_length(range.high)?;
    let high = if range.high.is_empty() {
        index_end(range.index)
    } else {
        joined(range.index, range.high)
    };
    Ok((joined(range.index, range.low), high))
}

/// The full keys between which a whole index lies.
pub(crate) fn index_bounds(index: IndexId) -> (Vec<u8>, Vec<u8>) {
    (index.0.to_be_bytes().to_vec(), index_end(index))
}

/// Index ids are below `u32::MAX`, so each has a successor.
fn index_end(index: IndexId) -> Vec<u8> {
    index.0.saturating_add(1).to_be_bytes().to_vec()
}

/// Catalogue: the format's version.
pub(crate) const FORMAT: &[u8] = b"format";
/// Catalogue: the next table and index ids.
pub(crate) const NEXT_IDS: &[u8] = b"next";
/// Catalogue: first letter of the tables' records.
pub(crate) const TABLE: u8 = b't';
/// Catalogue: first letter of the dropped indexes' records.
pub(crate) const DROPPED: u8 = b'd';
/// System: first letter of the row counts.
const ROWS: u8 = b'r';
/// System: first letter of the counters.
const COUNTER: u8 = b'c';
/// System: first letter of the commits' marks.
pub(crate) const MARK: u8 = b'm';

/// Catalogue: a table's or a dropped index's record.
pub(crate) fn numbered(letter: u8, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [letter, a, b, c, d]
}

/// System: the number of rows of the table with this primary index.
pub(crate) fn rows(primary: IndexId) -> [u8; 5] {
    numbered(ROWS, primary.0)
}

/// System: a counter of the table with this primary index.
pub(crate) fn counter(primary: IndexId, position: usize) -> [u8; 6] {
    let [a, b, c, d, e] = numbered(COUNTER, primary.0);
    [a, b, c, d, e, position as u8]
}

/// Where a counter stands in `TableInfo::counters`.
pub(crate) fn counter_position(counter: Counter) -> usize {
    match counter {
        Counter::AutoIncrement => 0,
        Counter::RowId => 1,
    }
}

/// The counter that stands there.
pub(crate) fn counter_at(position: usize) -> Counter {
    match position {
        0 => Counter::AutoIncrement,
        _ => Counter::RowId,
    }
}

/// System: the mark of a session's last commit.
pub(crate) fn mark(session: &[u8; 16]) -> [u8; 17] {
    let mut key = [MARK; 17];
    key[1..].copy_from_slice(session);
    key
}
