//! The words that requests and responses share.

use serde::{Deserialize, Serialize};

/// A table's number in the host's catalogue. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableId(pub u32);

/// An index's number: a range of keys in the store. Never reused; truncating a
/// table gives its indexes new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexId(pub u32);

/// A cursor's number, chosen by the client, unique among its open cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CursorId(pub u32);

/// A savepoint's number, chosen by the client. Setting one that exists moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SavepointId(pub u64);

/// Which snapshot a transaction's consistent reads see (SQL-92, as InnoDB
/// implements it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// A new snapshot for each statement, which the client marks by
    /// [`Request::NewSnapshot`](crate::Request::NewSnapshot).
    ReadCommitted,
    /// One snapshot, taken by the transaction's first consistent read.
    #[default]
    RepeatableRead,
}

/// The lock that a read takes on each row it returns.
///
/// A read without lock is a consistent read of the transaction's snapshot; a
/// locking read sees the newest committed row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lock {
    /// No lock: a consistent read.
    #[default]
    None,
    /// Shared: others may read and share, not write.
    Shared(LockWait),
    /// Exclusive.
    Exclusive(LockWait),
}

/// What a locking read does about a row that another transaction has locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockWait {
    /// Waits, up to the transaction's lock wait timeout.
    #[default]
    Wait,
    /// Fails at once (`NOWAIT`).
    Fail,
    /// Leaves the row out (`SKIP LOCKED`).
    Skip,
}

/// When a commit is answered, as `innodb_flush_log_at_trx_commit` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Durability {
    /// After the log is synced to disk: survives a power cut of the host.
    #[default]
    Commit,
    /// After the log is handed to the host's kernel, which syncs it each
    /// second: survives a crash of every process, not of the host.
    Second,
    /// After the log is handed to the host's kernel, which writes it when it
    /// likes.
    Never,
}

/// The order in which a scan returns keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Ascending.
    #[default]
    Forward,
    /// Descending.
    Backward,
}

/// A range of one index's keys, compared as bytes: `low <= key < high`. An
/// empty `high` has no upper bound.
///
/// "After this key" is written as the key followed by a zero byte; "behind this
/// prefix" as the prefix's [successor](KeyRange::successor).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange<'a> {
    /// The index.
    pub index: IndexId,
    /// The first key that may be in the range.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub low: &'a [u8],
    /// The first key behind the range; empty: none.
    #[serde(borrow, serialize_with = "crate::message::bytes")]
    pub high: &'a [u8],
}

impl KeyRange<'_> {
    /// The smallest byte string above every string that starts with `prefix`,
    /// or an empty one (no bound) if there is none.
    pub fn successor(prefix: &[u8]) -> Vec<u8> {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                break;
            }
        }
        end
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.low && (self.high.is_empty() || key < self.high)
    }
}

/// One change to one index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteOp<'a> {
    /// Adds an entry; fails with a duplicate if the key is there. Takes an
    /// exclusive lock on the key.
    Insert {
        /// The index.
        index: IndexId,
        /// The key.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        key: &'a [u8],
        /// The value.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        value: &'a [u8],
    },
    /// Sets an entry whether or not it is there. Takes an exclusive lock.
    Put {
        /// The index.
        index: IndexId,
        /// The key.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        key: &'a [u8],
        /// The value.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        value: &'a [u8],
    },
    /// Sets an entry that no other transaction can touch, because the client
    /// holds the lock of the row to which it belongs (an entry of a secondary
    /// index that is not unique). Takes no lock.
    PutUnlocked {
        /// The index.
        index: IndexId,
        /// The key.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        key: &'a [u8],
        /// The value.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        value: &'a [u8],
    },
    /// Removes an entry; no error if it is not there. Takes an exclusive lock.
    Delete {
        /// The index.
        index: IndexId,
        /// The key.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        key: &'a [u8],
    },
    /// Removes an entry without a lock; see [`WriteOp::PutUnlocked`].
    DeleteUnlocked {
        /// The index.
        index: IndexId,
        /// The key.
        #[serde(borrow, serialize_with = "crate::message::bytes")]
        key: &'a [u8],
    },
}

impl<'a> WriteOp<'a> {
    /// The index that the operation changes.
    pub fn index(&self) -> IndexId {
        match *self {
            Self::Insert { index, .. }
            | Self::Put { index, .. }
            | Self::PutUnlocked { index, .. }
            | Self::Delete { index, .. }
            | Self::DeleteUnlocked { index, .. } => index,
        }
    }

    /// The key that the operation changes.
    pub fn key(&self) -> &'a [u8] {
        match *self {
            Self::Insert { key, .. }
            | Self::Put { key, .. }
            | Self::PutUnlocked { key, .. }
            | Self::Delete { key, .. }
            | Self::DeleteUnlocked { key, .. } => key,
        }
    }
}

/// Which of a table's two persistent counters: each table has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counter {
    /// The next value of the AUTO_INCREMENT column.
    AutoIncrement,
    /// The next hidden row id of a table without primary key.
    RowId,
}

/// Names one commit, so that its outcome can be asked for after its answer was
/// lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CommitId {
    /// The session: a random number that the client draws when it connects and
    /// keeps over reconnects.
    pub session: [u8; 16],
    /// Counts the session's commits; each is larger than the one before.
    pub number: u64,
}

/// Approximate sizes of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStats {
    /// Rows.
    pub rows: u64,
    /// Bytes on disk of the primary index.
    pub data_bytes: u64,
    /// Bytes on disk of the secondary indexes.
    pub index_bytes: u64,
    /// A prepared transaction changes it: until that one has ended, the table can
    /// not be dropped, renamed, emptied or altered.
    pub prepared: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successor_of_prefix_is_above_all_its_keys() {
        assert_eq!(KeyRange::successor(b"ab"), b"ac");
        assert_eq!(KeyRange::successor(&[1, 0xff, 0xff]), [2]);
        assert!(KeyRange::successor(&[0xff, 0xff]).is_empty());
        assert!(KeyRange::successor(b"").is_empty());
    }
}
