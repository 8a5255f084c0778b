//! Prepared transactions: durable, with the locks of their changes, until they
//! are committed or rolled back by their name.
//!
//! One that is prepared belongs to the store and to no lane. Its record on disk
//! holds all that is to be written; in memory the changes lie ready as a batch,
//! and the locks are those that the transaction had. After a restart the records
//! are read again, and each gets exclusive locks on the keys that it changes
//! before the store is open.

mod record;
mod registry;

pub(crate) use record::Record;
pub(crate) use registry::{Limits, Place, Prepared};

use crate::StoreError;
use vamos_proto::{MAX_XID_PART, Xid};

/// The name of a prepared transaction; see [`Xid`], which it owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct XidName {
    global: Vec<u8>,
    branch: Vec<u8>,
}

impl XidName {
    /// Takes a name over.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if a part is too long.
    pub(crate) fn new(xid: &Xid<'_>) -> Result<Self, StoreError> {
        let longest = xid.global.len().max(xid.branch.len());
        if longest > MAX_XID_PART {
            return Err(StoreError::Invalid {
                reason: format!("a part of {longest} bytes of an XID; it has at most {MAX_XID_PART}"),
            });
        }
        Ok(Self {
            global: xid.global.to_vec(),
            branch: xid.branch.to_vec(),
        })
    }

    /// The key of its record.
    fn key(&self) -> Vec<u8> {
        // Both parts are at most 64 bytes long.
        let mut key = vec![self.global.len() as u8];
        key.extend_from_slice(&self.global);
        key.extend_from_slice(&self.branch);
        key
    }

    fn of_key(key: &[u8]) -> Option<Self> {
        let (&length, rest) = key.split_first()?;
        let (global, branch) = rest.split_at_checked(length.into())?;
        Some(Self {
            global: global.to_vec(),
            branch: branch.to_vec(),
        })
    }
}

impl std::fmt::Display for XidName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.global.escape_ascii(), self.branch.escape_ascii())
    }
}

/// A prepared transaction in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedTransaction {
    format: i64,
    name: XidName,
}

impl PreparedTransaction {
    /// Its name.
    pub fn xid(&self) -> Xid<'_> {
        Xid {
            format: self.format,
            global: &self.name.global,
            branch: &self.name.branch,
        }
    }
}
