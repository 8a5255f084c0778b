//! Who owns locks: what is known of each open transaction, for lists and for the
//! choice of a deadlock's victim.

use super::queue::OwnerId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use vamos_proto::{Isolation, TransactionInfo, TransactionState};

const SHARDS: u64 = 16;

/// How an owner introduces itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Introduction {
    /// The client's own number for it.
    pub(crate) client: u64,
    pub(crate) isolation: Isolation,
}

/// What is known of an owner.
#[derive(Debug)]
pub(super) struct OwnerInfo {
    pub(super) id: OwnerId,
    introduction: Introduction,
    began: Instant,
    /// Locks that it holds.
    pub(super) locks: AtomicU64,
    /// Entries that it has changed.
    pub(super) changes: AtomicU64,
    pub(super) committing: AtomicBool,
}

impl OwnerInfo {
    pub(super) fn new(id: OwnerId, introduction: Introduction) -> Self {
        Self {
            id,
            introduction,
            began: Instant::now(),
            locks: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            committing: AtomicBool::new(false),
        }
    }

    /// The client's own number for it.
    pub(super) fn client(&self) -> u64 {
        self.introduction.client
    }

    /// How much is lost if it is rolled back, about: InnoDB weighs the same.
    pub(super) fn weight(&self) -> u64 {
        self.locks
            .load(Relaxed)
            .saturating_add(self.changes.load(Relaxed))
    }

    /// What it is like now, but for its wait.
    pub(super) fn describe(&self) -> TransactionInfo {
        TransactionInfo {
            id: self.id,
            client: self.introduction.client,
            isolation: self.introduction.isolation,
            age_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            state: match self.committing.load(Relaxed) {
                true => TransactionState::Committing,
                false => TransactionState::Open,
            },
            locks: self.locks.load(Relaxed),
            changes: self.changes.load(Relaxed),
            wait: None,
        }
    }
}

/// All owners, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Registry {
    shards: [Mutex<HashMap<OwnerId, Arc<OwnerInfo>>>; SHARDS as usize],
}

impl Registry {
    fn shard(&self, id: OwnerId) -> &Mutex<HashMap<OwnerId, Arc<OwnerInfo>>> {
        // Less than SHARDS, so it fits.
        &self.shards[(id % SHARDS) as usize]
    }

    pub(super) fn add(&self, info: Arc<OwnerInfo>) {
        self.shard(info.id).lock().insert(info.id, info);
    }

    pub(super) fn remove(&self, id: OwnerId) {
        self.shard(id).lock().remove(&id);
    }

    pub(super) fn get(&self, id: OwnerId) -> Option<Arc<OwnerInfo>> {
        self.shard(id).lock().get(&id).cloned()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// All of them; there is at most one for each lane and commit under way.
    pub(super) fn all(&self) -> Vec<Arc<OwnerInfo>> {
        let owners = |shard: &Mutex<HashMap<OwnerId, Arc<OwnerInfo>>>| -> Vec<_> {
            shard.lock().values().cloned().collect()
        };
        self.shards.iter().flat_map(owners).collect()
    }
}
