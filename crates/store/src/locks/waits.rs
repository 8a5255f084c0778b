//! Waits, and the graph of who waits for whom.

use super::queue::{Grant, Mode, OwnerId};
use crate::keys::FullKey;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Granted(Grant),
    TimedOut,
    /// It was part of a circle, and its owner was chosen to give way.
    Deadlock,
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The lock of a row, in this mode.
    Row(Mode),
    /// To add an entry where others hold ranges.
    Addition,
    /// To pass an entry that another one has added and not committed.
    Passage,
}

/// One wait, shared by its future, its queue and its deadline.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) owner: OwnerId,
    pub(super) key: FullKey,
    pub(super) wanted: Wanted,
    pub(super) since: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    end: Option<End>,
    waker: Option<Waker>,
}

impl Wait {
    pub(super) fn new(owner: OwnerId, key: FullKey, wanted: Wanted) -> Self {
        Self {
            owner,
            key,
            wanted,
            since: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Ends the wait. Called while its queue is locked, which makes the
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

/// For what each waiting owner waits. Each owner waits for one lock at a time.
///
/// Its mutex is held while a wait begins and is checked, so that of several
/// waits that close a circle together the last one is found. An owner that has
/// been granted its lock but has not yet noticed is still listed; as it is no
/// longer in the key's queue, it has no blockers.
#[derive(Debug, Default)]
pub(super) struct Graph {
    waiting: HashMap<OwnerId, Arc<Wait>>,
}

impl Graph {
    pub(super) fn insert(&mut self, wait: &Arc<Wait>) {
        self.waiting.insert(wait.owner, Arc::clone(wait));
    }

    pub(super) fn remove(&mut self, owner: OwnerId) -> Option<Arc<Wait>> {
        self.waiting.remove(&owner)
    }

    pub(super) fn get(&self, owner: OwnerId) -> Option<&Arc<Wait>> {
        self.waiting.get(&owner)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// All waits.
    pub(super) fn waits(&self) -> impl Iterator<Item = &Arc<Wait>> {
        self.waiting.values()
    }

    /// All for whom an owner waits, directly or because one of them waits in turn.
    /// `blockers` tells for whom a wait waits.
    pub(super) fn reached(
        &self,
        owner: OwnerId,
        blockers: impl Fn(&Wait) -> Vec<OwnerId>,
    ) -> HashSet<OwnerId> {
        let mut reached = HashSet::new();
        let mut open = vec![owner];
        while let Some(next) = open.pop() {
            if let Some(wait) = self.waiting.get(&next) {
                open.extend(
                    blockers(wait)
                        .into_iter()
                        .filter(|&blocker| reached.insert(blocker)),
                );
            }
        }
        reached
    }

    /// The circle that an owner's wait closes, if it does: the owner first, each
    /// waiting for the next. `blockers` tells for whom a wait waits.
    pub(super) fn circle(
        &self,
        owner: OwnerId,
        blockers: impl Fn(&Wait) -> Vec<OwnerId>,
    ) -> Option<Vec<OwnerId>> {
        // Who was reached from whom.
        let mut reached = HashMap::new();
        let mut open = vec![owner];
        while let Some(next) = open.pop() {
            let Some(wait) = self.waiting.get(&next) else {
                continue;
            };
            for blocker in blockers(wait) {
                if blocker == owner {
                    return Some(way(owner, next, &reached));
                }
                reached.entry(blocker).or_insert_with(|| {
                    open.push(blocker);
                    next
                });
            }
        }
        None
    }
}

/// The way from one owner to another that it was reached from.
fn way(from: OwnerId, to: OwnerId, reached: &HashMap<OwnerId, OwnerId>) -> Vec<OwnerId> {
    let mut way = vec![to];
    let mut at = to;
    while at != from {
        let Some(&before) = reached.get(&at) else {
            break;
        };
        way.push(before);
        at = before;
    }
    way.reverse();
    way
}
