//! Tasks that wait for the disk where they are.
//!
//! A read that finds its block in memory takes a few microseconds, one that does not a
//! hundred or more. Handing each read to another thread would cost the many fast ones
//! more than they take; so a task reads in place, and says just before it waits that it
//! will ([`will_block`]). The thread then no longer counts as one that serves, and
//! another one takes its place, until the task's turn ends.

use super::scheduler::Scheduler;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

thread_local! {
    /// The runtime whose tasks this thread runs.
    static SCHEDULER: RefCell<Option<Arc<Scheduler>>> = const { RefCell::new(None) };
    /// Whether this thread takes from a queue when its task ends.
    static SERVES: Cell<bool> = const { Cell::new(false) };
    /// The task has said that it waits.
    static BLOCKED: Cell<bool> = const { Cell::new(false) };
}

/// The calling thread runs a task that will wait for something else than a lane or a
/// lock: lets another thread serve meanwhile. Elsewhere than in a task it does nothing.
pub fn will_block() {
    if !SERVES.get() || BLOCKED.replace(true) {
        return;
    }
    SCHEDULER.with_borrow(|scheduler| {
        if let Some(scheduler) = scheduler {
            scheduler.begin_block();
        }
    });
}

/// The calling thread serves from now on.
pub(super) fn begin_serving(scheduler: &Arc<Scheduler>) {
    SCHEDULER.with_borrow_mut(|own| *own = Some(Arc::clone(scheduler)));
    SERVES.set(true);
}

/// Whether the calling thread takes from a queue when its task ends.
pub(super) fn serves() -> bool {
    SERVES.get()
}

/// The task's turn is over: the thread serves again.
pub(super) fn end_task(scheduler: &Scheduler) {
    if BLOCKED.replace(false) {
        scheduler.end_block();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Runtime, RuntimeOptions};
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn while_a_task_waits_for_the_disk_another_thread_serves() {
        let runtime = Runtime::new(RuntimeOptions {
            threads: 1,
            disk_waits: 3,
            poll_budget: Duration::ZERO,
            naps: false,
        })
        .unwrap();
        let _threads = runtime.start(|| ()).unwrap();
        // Each task waits for the one that is begun after it.
        let (mut sender, last) = mpsc::channel();
        for _ in 0..3 {
            let (next, receiver) = mpsc::channel();
            let sender = std::mem::replace(&mut sender, next);
            runtime.spawn(async move {
                will_block();
                let woken = receiver.recv_timeout(Duration::from_secs(20));
                sender.send(woken.is_ok()).unwrap();
            });
        }
        runtime.spawn(async move { sender.send(true).unwrap() });
        assert_eq!(last.recv_timeout(Duration::from_secs(30)), Ok(true));
        assert!(runtime.wait_idle(Duration::from_secs(10)));
    }
}
