//! The end, announced to all threads of the supervisor.

use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How far the end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Running,
    Stopping,
    AtOnce,
}

/// The end, and a way to wait that it cuts short.
#[derive(Debug, Default)]
pub(super) struct Stop {
    phase: Mutex<Phase>,
    changed: Condvar,
}

impl Stop {
    /// Finish in order.
    pub(super) fn now(&self) {
        self.advance(Phase::Stopping);
    }

    /// Finish without order.
    pub(super) fn at_once(&self) {
        self.advance(Phase::AtOnce);
    }

    fn advance(&self, to: Phase) {
        let mut phase = self.phase.lock();
        *phase = (*phase).max(to);
        self.changed.notify_all();
    }

    pub(super) fn is_set(&self) -> bool {
        *self.phase.lock() >= Phase::Stopping
    }

    pub(super) fn is_at_once(&self) -> bool {
        *self.phase.lock() == Phase::AtOnce
    }

    /// Waits for so long, or until the end is announced; says whether it is.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut phase = self.phase.lock();
        while *phase < Phase::Stopping {
            if self.changed.wait_until(&mut phase, deadline).timed_out() {
                break;
            }
        }
        *phase >= Phase::Stopping
    }
}
