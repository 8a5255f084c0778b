//! Lists of owners and locks, for people.

use super::queue::{Mode, OwnerId, Queue};
use super::table::LockTable;
use super::waits::Wait;
use crate::keys::{self, FullKey};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use vamos_proto::{
    IndexId, LockInfo, LockKind, SHOWN_KEY, TransactionInfo, TransactionList, TransactionState, WaitInfo,
};

/// Blockers that are listed of one wait.
const MAX_BLOCKERS: usize = 16;

impl LockTable {
    /// Open transactions and locks, at most so many of each: those that wait
    /// first. The tables' names are left empty.
    pub(crate) fn list(&self, transactions: usize, locks: usize) -> TransactionList {
        TransactionList {
            transactions: self.transactions(transactions),
            locks: self.locks(locks),
            open: self.registry.len() as u64,
            held: self.held.load(Relaxed),
        }
    }

    fn transactions(&self, limit: usize) -> Vec<TransactionInfo> {
        let waits: HashMap<OwnerId, Arc<Wait>> = {
            let graph = self.graph.lock();
            graph.waits().map(|wait| (wait.owner, Arc::clone(wait))).collect()
        };
        let mut owners = self.registry.all();
        // Numbers are given in the order in which transactions begin.
        owners.sort_by_key(|owner| (!waits.contains_key(&owner.id), owner.id));
        owners.truncate(limit);
        let described = owners.iter().map(|owner| {
            let mut info = owner.describe();
            if let Some(wait) = waits.get(&owner.id) {
                info.state = TransactionState::Waiting;
                info.wait = Some(self.describe_wait(wait));
            }
            info
        });
        described.collect()
    }

    /// A wait as it stands.
    pub(super) fn describe_wait(&self, wait: &Wait) -> WaitInfo {
        let mut blockers = self.blockers(wait);
        blockers.truncate(MAX_BLOCKERS);
        WaitInfo {
            lock: row_lock(&wait.key, wait.owner, wait.mode, false),
            waited_ms: u64::try_from(wait.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            blockers,
        }
    }

    /// What an owner has that a wait waits for.
    pub(super) fn describe_held(&self, wait: &Wait, owner: OwnerId) -> LockInfo {
        let shard = self.shard(&wait.key).lock();
        let held = shard.get(&wait.key).and_then(|queue| queue.held_by(owner));
        row_lock(&wait.key, owner, held.unwrap_or(Mode::Exclusive), held.is_some())
    }

    /// Locks: those for which somebody waits first.
    fn locks(&self, limit: usize) -> Vec<LockInfo> {
        let mut locks = Vec::new();
        for contended in [true, false] {
            for shard in &self.shards {
                let shard = shard.lock();
                let queues = shard.iter().filter(|(_, queue)| queue.has_waiters() == contended);
                for (key, queue) in queues {
                    if locks.len() >= limit {
                        return locks;
                    }
                    push_queue(&mut locks, key, queue, limit);
                }
            }
        }
        locks
    }
}

fn push_queue(locks: &mut Vec<LockInfo>, key: &FullKey, queue: &Queue, limit: usize) {
    let left = limit.saturating_sub(locks.len());
    let all = queue.locks().take(left);
    locks.extend(all.map(|(owner, mode, granted)| row_lock(key, owner, mode, granted)));
}

fn row_lock(key: &FullKey, transaction: OwnerId, mode: Mode, granted: bool) -> LockInfo {
    LockInfo {
        transaction,
        kind: LockKind::Row,
        exclusive: mode == Mode::Exclusive,
        granted,
        table: String::new(),
        index: 0,
        index_id: index_of(key),
        key: shown(key),
        end: Vec::new(),
    }
}

/// The index of a full key.
fn index_of(key: &[u8]) -> IndexId {
    IndexId(key.first_chunk().map_or(0, |id| u32::from_be_bytes(*id)))
}

/// The client's key, cut.
fn shown(key: &[u8]) -> Vec<u8> {
    let key = keys::client_key(key);
    key.get(..SHOWN_KEY).unwrap_or(key).to_vec()
}
