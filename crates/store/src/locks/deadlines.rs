//! The waits' timeouts, in the order in which they come.

use super::waits::Wait;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Names a deadline: when, and which of those at the same instant.
pub(super) type DeadlineId = (Instant, u64);

#[derive(Debug, Default)]
struct State {
    waits: BTreeMap<DeadlineId, Arc<Wait>>,
    next: u64,
    stopped: bool,
}

/// Deadlines of waits; one thread sleeps until the earliest.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    state: Mutex<State>,
    changed: Condvar,
}

impl Deadlines {
    pub(super) fn add(&self, at: Instant, wait: Arc<Wait>) -> DeadlineId {
        let mut state = self.state.lock();
        let id = (at, state.next);
        state.next += 1;
        state.waits.insert(id, wait);
        if state
            .waits
            .first_key_value()
            .is_some_and(|(&first, _)| first == id)
        {
            self.changed.notify_one();
        }
        id
    }

    pub(super) fn remove(&self, id: DeadlineId) {
        self.state.lock().waits.remove(&id);
    }

    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_one();
    }

    /// Sleeps until a deadline has passed and gives its wait; `None` once
    /// stopped.
    pub(super) fn next_passed(&self) -> Option<Arc<Wait>> {
        let mut state = self.state.lock();
        while !state.stopped {
            let first = state.waits.first_key_value().map(|(&id, _)| id);
            match first {
                None => self.changed.wait(&mut state),
                Some(id) if id.0 <= Instant::now() => return state.waits.remove(&id),
                Some((at, _)) => {
                    self.changed.wait_until(&mut state, at);
                }
            }
        }
        None
    }
}
