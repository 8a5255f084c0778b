//! Lists of owners and locks, for people.

use super::index::IndexLocks;
use super::queue::{Mode, OwnerId, Queue};
use super::ranges::index_number;
use super::table::LockTable;
use super::waits::{Wait, Wanted};
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

    /// The clients for whose locks a client's transaction waits, directly or
    /// because one of them waits in turn.
    pub(crate) fn waited_for(&self, client: u64) -> Vec<u64> {
        let graph = self.graph.lock();
        let client_of = |owner: OwnerId| self.registry.get(owner).map(|info| info.client());
        let waiting = graph.waits().map(|wait| wait.owner);
        let mut clients: Vec<_> = waiting
            .filter(|&owner| client_of(owner) == Some(client))
            .flat_map(|owner| graph.reached(owner, |wait| self.blockers(wait)))
            .filter_map(client_of)
            .collect();
        clients.sort_unstable();
        clients.dedup();
        clients
    }

    /// A wait as it stands.
    pub(super) fn describe_wait(&self, wait: &Wait) -> WaitInfo {
        let mut blockers = self.blockers(wait);
        blockers.truncate(MAX_BLOCKERS);
        let lock = match wait.wanted {
            Wanted::Row(mode) => row_lock(&wait.key, wait.owner, mode, false),
            Wanted::Passage => row_lock(&wait.key, wait.owner, Mode::Shared, false),
            Wanted::Addition => LockInfo {
                kind: LockKind::Insert,
                ..row_lock(&wait.key, wait.owner, Mode::Exclusive, false)
            },
        };
        WaitInfo {
            lock,
            waited_ms: u64::try_from(wait.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            blockers,
        }
    }

    /// What an owner has that a wait waits for.
    pub(super) fn describe_held(&self, wait: &Wait, owner: OwnerId) -> LockInfo {
        if wait.wanted == Wanted::Addition {
            let range = |locks: &IndexLocks| {
                let (low, high) = locks.range_of(owner, &wait.key)?;
                Some(range_lock(owner, low, high))
            };
            let range = self.ranges.look(index_number(&wait.key), range).flatten();
            return range.unwrap_or_else(|| range_lock(owner, &wait.key, &wait.key));
        }
        let shard = self.shard(&wait.key).lock();
        let held = shard.get(&wait.key).and_then(|queue| queue.held_by(owner));
        row_lock(&wait.key, owner, held.unwrap_or(Mode::Exclusive), true)
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
        self.push_ranges(&mut locks, limit);
        locks
    }

    fn push_ranges(&self, locks: &mut Vec<LockInfo>, limit: usize) {
        for shard in &self.ranges.shards {
            let shard = shard.lock();
            let ranges = shard.values().flat_map(IndexLocks::ranges);
            let left = limit.saturating_sub(locks.len());
            locks.extend(
                ranges
                    .take(left)
                    .map(|(owner, low, high)| range_lock(owner, low, high)),
            );
        }
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
        index_id: IndexId(index_number(key)),
        key: shown(key),
        end: Vec::new(),
    }
}

fn range_lock(transaction: OwnerId, low: &[u8], high: &[u8]) -> LockInfo {
    LockInfo {
        transaction,
        kind: LockKind::Range,
        exclusive: false,
        granted: true,
        table: String::new(),
        index: 0,
        index_id: IndexId(index_number(low)),
        key: shown(low),
        end: shown(high),
    }
}

/// The client's key, cut.
fn shown(key: &[u8]) -> Vec<u8> {
    let key = keys::client_key(key);
    key.get(..SHOWN_KEY).unwrap_or(key).to_vec()
}
