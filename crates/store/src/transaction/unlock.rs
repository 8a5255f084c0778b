//! Locks that a READ COMMITTED transaction may give back before its end.

use super::Transaction;
use crate::keys::FullKey;
use crate::{StoreError, keys};
use std::collections::HashSet;
use vamos_proto::IndexId;

/// So many locks can be given back; of more the older ones stay until the end.
const MOST: usize = 4096;

/// Locks that one read of the present statement has acquired and nothing else has
/// asked for.
#[derive(Debug, Default)]
pub(super) struct Unlockable(HashSet<FullKey>);

impl Unlockable {
    /// A read has acquired a lock: newly, or one that was held.
    pub(super) fn note(&mut self, key: &FullKey, newly: bool) {
        if !newly {
            self.0.remove(key);
            return;
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(FullKey::clone(key));
    }

    /// The statement is over: its locks stay.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Transaction {
    /// Releases the locks of rows that reads of the present statement have
    /// returned and that are not wanted after all. Does nothing above READ
    /// COMMITTED; the lock of a row that was locked before, is wanted by another
    /// read too, or was changed, stays.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a key that is too long.
    pub fn unlock(&mut self, index: IndexId, keys: &[&[u8]]) -> Result<(), StoreError> {
        for key in keys {
            let key = keys::full(index, key)?;
            if self.unlockable.0.remove(&key) && self.overlay.get(&key).is_none() {
                self.locks.release_newest(&key);
            }
        }
        Ok(())
    }
}
