//! Points in time that tasks wait for.

use super::reactor::Reactor;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// All timers, ordered by time. The number tells those of the same time apart.
#[derive(Debug, Default)]
pub(super) struct Timers {
    timers: Mutex<BTreeMap<(Instant, u64), Waker>>,
    number: AtomicU64,
}

impl Timers {
    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.timers.lock().keys().next().map(|(at, _)| *at)
    }

    /// Takes the wakers of those that are due.
    pub(super) fn take_due(&self, now: Instant, wakers: &mut Vec<Waker>) {
        let mut timers = self.timers.lock();
        while let Some(first) = timers.first_entry()
            && first.key().0 <= now
        {
            wakers.push(first.remove());
        }
    }
}

/// Completes at a point in time. Made by [`Runtime::sleep_until`](super::Runtime::sleep_until).
#[derive(Debug)]
pub struct Sleep<'r> {
    reactor: &'r Reactor,
    deadline: Instant,
    number: Option<u64>,
}

impl<'r> Sleep<'r> {
    pub(super) fn new(reactor: &'r Reactor, deadline: Instant) -> Self {
        Self {
            reactor,
            deadline,
            number: None,
        }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            return Poll::Ready(());
        }
        let timers = &self.reactor.timers;
        let number = *self
            .number
            .get_or_insert_with(|| timers.number.fetch_add(1, Ordering::Relaxed));
        let key = (self.deadline, number);
        timers.timers.lock().insert(key, context.waker().clone());
        // A leader that sleeps already knows nothing of this one.
        self.reactor.wake();
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.reactor.timers.timers.lock().remove(&(self.deadline, number));
        }
    }
}
