//! One key's holders and its queue: pure rules, no threads.

use super::waits::Wait;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;

/// How a row is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

impl Mode {
    fn conflicts_with(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }
}

/// Names an owner of locks (a transaction). Never reused.
pub(super) type OwnerId = u64;

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) owner: OwnerId,
    pub(super) mode: Mode,
    pub(super) wait: Arc<Wait>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// The owner holds the row now and did not before.
    New,
    /// The owner held the row before.
    Held,
    /// Others stand in the way.
    Blocked,
}

/// One key's holders and its queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    holders: SmallVec<[(OwnerId, Mode); 1]>,
    waiters: VecDeque<Waiter>,
}

impl Queue {
    pub(super) fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.waiters.is_empty()
    }

    /// How an owner holds it.
    pub(super) fn held_by(&self, owner: OwnerId) -> Option<Mode> {
        self.holders
            .iter()
            .find_map(|&(holder, mode)| (holder == owner).then_some(mode))
    }

    pub(super) fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Who holds it, and who waits for it: owner, mode, and whether it is held.
    pub(super) fn locks(&self) -> impl Iterator<Item = (OwnerId, Mode, bool)> {
        let held = self.holders.iter().map(|&(owner, mode)| (owner, mode, true));
        held.chain(
            self.waiters
                .iter()
                .map(|waiter| (waiter.owner, waiter.mode, false)),
        )
    }

    fn conflicts(&self, owner: OwnerId, mode: Mode) -> bool {
        self.holders
            .iter()
            .any(|&(holder, held)| holder != owner && held.conflicts_with(mode))
    }

    /// Grants the request if it may be granted at once.
    pub(super) fn try_grant(&mut self, owner: OwnerId, mode: Mode) -> Grant {
        match self.held_by(owner) {
            Some(held) if held >= mode => Grant::Held,
            Some(_) if !self.conflicts(owner, mode) => self.grant(owner, mode),
            None if self.waiters.is_empty() && !self.conflicts(owner, mode) => self.grant(owner, mode),
            _ => Grant::Blocked,
        }
    }

    fn grant(&mut self, owner: OwnerId, mode: Mode) -> Grant {
        if let Some(held) = self.holders.iter_mut().find(|(holder, _)| *holder == owner) {
            held.1 = mode;
            return Grant::Held;
        }
        self.holders.push((owner, mode));
        Grant::New
    }

    /// Lets a blocked request wait.
    pub(super) fn enqueue(&mut self, waiter: Waiter) {
        if self.held_by(waiter.owner).is_some() {
            self.waiters.push_front(waiter);
        } else {
            self.waiters.push_back(waiter);
        }
    }

    /// Owners from whom all for whom this owner waits here can be reached.
    ///
    /// An exclusive waiter waits for everybody before it, so whoever waits behind
    /// one need not name those: a long queue has short answers.
    pub(super) fn blockers(&self, owner: OwnerId) -> Vec<OwnerId> {
        let Some(place) = self.waiters.iter().position(|waiter| waiter.owner == owner) else {
            return Vec::new();
        };
        let mode = self.waiters[place].mode;
        let mut blockers = Vec::new();
        for ahead in self.waiters.iter().take(place).rev() {
            if ahead.mode.conflicts_with(mode) {
                blockers.push(ahead.owner);
            }
            if ahead.mode == Mode::Exclusive {
                return blockers;
            }
        }
        let holders = self.holders.iter();
        let conflicting = holders.filter(|(other, held)| *other != owner && held.conflicts_with(mode));
        blockers.extend(conflicting.map(|(other, _)| *other));
        blockers
    }

    /// Takes a waiter out of the queue; says whether it was there.
    pub(super) fn withdraw(&mut self, wait: &Arc<Wait>) -> bool {
        let place = self.waiters.iter().position(|w| Arc::ptr_eq(&w.wait, wait));
        place.and_then(|place| self.waiters.remove(place)).is_some()
    }

    /// Takes a holder's lock away; says whether it had one.
    pub(super) fn release(&mut self, owner: OwnerId) -> bool {
        let place = self.holders.iter().position(|&(holder, _)| holder == owner);
        place.map(|place| self.holders.swap_remove(place)).is_some()
    }

    /// Grants to the waiters in front whatever may be granted now. Says of each
    /// whether the lock is new to it.
    pub(super) fn advance(&mut self, mut granted: impl FnMut(Arc<Wait>, Grant)) {
        while let Some(front) = self.waiters.front() {
            let (owner, mode) = (front.owner, front.mode);
            if self.conflicts(owner, mode) {
                break;
            }
            let grant = self.grant(owner, mode);
            if let Some(waiter) = self.waiters.pop_front() {
                granted(waiter.wait, grant);
            }
        }
    }
}
