//! What commits note for a build: the keys of the rows that they change.

use crate::keys::FullKey;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use vamos_proto::IndexId;

/// Bytes of keys that all builds of a store may have noted together.
const MAX_BYTES: u64 = 128 << 20;

/// What a noted key takes beside its bytes, about.
const OVERHEAD: u64 = 64;

/// The rows of one table that were changed since a build's last round.
#[derive(Debug)]
pub(crate) struct BuildLog {
    /// The table's primary index.
    pub(crate) primary: IndexId,
    /// The indexes that are being built.
    pub(crate) indexes: Vec<IndexId>,
    noted: Mutex<Noted>,
    /// Bytes noted by all builds of the store.
    total: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Noted {
    keys: BTreeSet<FullKey>,
    bytes: u64,
    overflowed: bool,
}

impl BuildLog {
    pub(super) fn new(primary: IndexId, indexes: Vec<IndexId>, total: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self {
            primary,
            indexes,
            noted: Mutex::default(),
            total,
        })
    }

    /// Notes rows that are about to be changed. Too many of them end the build,
    /// not the commit.
    pub(crate) fn note(&self, keys: &[FullKey]) {
        let mut noted = self.noted.lock();
        if noted.overflowed {
            return;
        }
        for key in keys {
            if noted.keys.insert(FullKey::clone(key)) {
                let bytes = OVERHEAD + key.len() as u64;
                noted.bytes += bytes;
                if self.total.fetch_add(bytes, Relaxed) + bytes > MAX_BYTES {
                    self.forget(&mut noted);
                    noted.overflowed = true;
                    return;
                }
            }
        }
    }

    fn forget(&self, noted: &mut Noted) -> BTreeSet<FullKey> {
        self.total.fetch_sub(std::mem::take(&mut noted.bytes), Relaxed);
        std::mem::take(&mut noted.keys)
    }

    /// Takes what was noted; `None` if it was too much.
    pub(super) fn take(&self) -> Option<Vec<FullKey>> {
        let mut noted = self.noted.lock();
        if noted.overflowed {
            return None;
        }
        Some(self.forget(&mut noted).into_iter().collect())
    }

    /// Whether nothing has changed since it was last taken.
    pub(crate) fn is_empty(&self) -> bool {
        let noted = self.noted.lock();
        noted.keys.is_empty() && !noted.overflowed
    }
}

impl Drop for BuildLog {
    fn drop(&mut self) {
        self.total.fetch_sub(self.noted.get_mut().bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> FullKey {
        FullKey::from(&n.to_be_bytes()[..])
    }

    #[test]
    fn too_many_keys_end_the_build_and_free_their_memory() {
        let total = Arc::new(AtomicU64::new(0));
        let log = BuildLog::new(IndexId(1), vec![IndexId(2)], Arc::clone(&total));
        log.note(&[key(1), key(2), key(1)]);
        assert_eq!(log.take().map(|keys| keys.len()), Some(2));
        assert!(log.is_empty());
        assert_eq!(total.load(Relaxed), 0);
        total.store(MAX_BYTES, Relaxed);
        log.note(&[key(3)]);
        assert_eq!(log.take(), None);
        assert!(!log.is_empty());
        assert_eq!(total.load(Relaxed), MAX_BYTES);
    }
}
