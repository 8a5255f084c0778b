//! Waits, and the graph of who waits for whom.

use super::queue::{Grant, OwnerId};
use crate::keys::FullKey;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::task::{Context, Poll, Waker};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Granted(Grant),
    TimedOut,
}

/// One wait, shared by its future, its queue and its deadline.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) owner: OwnerId,
    pub(super) key: FullKey,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    end: Option<End>,
    waker: Option<Waker>,
}

impl Wait {
    pub(super) fn new(owner: OwnerId, key: FullKey) -> Self {
        Self {
            owner,
            key,
            state: Mutex::default(),
        }
    }

    /// Ends the wait. Called while the key's queue is locked, which makes the
    /// first caller the only one; the returned waker is for after that.
    pub(super) fn end(&self, end: End) -> Option<Waker> {
        let mut state = self.state.lock();
        state.end.get_or_insert(end);
        state.waker.take()
    }

    pub(super) fn ended(&self) -> Option<End> {
        self.state.lock().end
    }

    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<End> {
        let mut state = self.state.lock();
        match state.end {
            Some(end) => Poll::Ready(end),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Which key each waiting owner waits for. Each owner waits for one at a time.
///
/// Its mutex is held while a wait begins and is checked, so that of several
/// waits that close a circle together the last one is found. An owner that has
/// been granted its lock but has not yet noticed is still listed; as it is no
/// longer in the key's queue, it has no blockers.
#[derive(Debug, Default)]
pub(super) struct Graph {
    waiting: HashMap<OwnerId, FullKey>,
}

impl Graph {
    pub(super) fn insert(&mut self, owner: OwnerId, key: FullKey) {
        self.waiting.insert(owner, key);
    }

    pub(super) fn remove(&mut self, owner: OwnerId) {
        self.waiting.remove(&owner);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether an owner's wait leads back to itself. `blockers` tells for whom
    /// an owner waits at a key.
    pub(super) fn has_circle(
        &self,
        owner: OwnerId,
        blockers: impl Fn(OwnerId, &FullKey) -> Vec<OwnerId>,
    ) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![owner];
        while let Some(next) = open.pop() {
            let Some(key) = self.waiting.get(&next) else {
                continue;
            };
            for blocker in blockers(next, key) {
                if blocker == owner {
                    return true;
                }
                if seen.insert(blocker) {
                    open.push(blocker);
                }
            }
        }
        false
    }
}
