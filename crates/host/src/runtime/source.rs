//! A descriptor that a task waits to become readable.

use super::Runtime;
use atomic_waker::AtomicWaker;
use std::future::poll_fn;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

#[derive(Debug)]
pub(super) struct SourceState {
    pub(super) key: u64,
    pub(super) fd: OwnedFd,
    ready: AtomicBool,
    waker: AtomicWaker,
}

impl SourceState {
    pub(super) fn on_event(&self) -> Option<Waker> {
        self.ready.store(true, Ordering::SeqCst);
        self.waker.take()
    }
}

/// A descriptor in the reactor, for one waiting task. It is a duplicate of its
/// own, so that the original may close or move while this one is registered.
#[derive(Debug)]
pub struct Source {
    runtime: Runtime,
    state: Arc<SourceState>,
}

impl Source {
    /// Registers a descriptor.
    ///
    /// # Errors
    /// The process has no descriptor left, or epoll does not take this one.
    pub fn new(runtime: &Runtime, fd: BorrowedFd<'_>) -> std::io::Result<Self> {
        let reactor = &runtime.scheduler.reactor;
        let state = Arc::new(SourceState {
            key: reactor.new_key(),
            fd: fd.try_clone_to_owned()?,
            ready: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let source = Self {
            runtime: runtime.clone(),
            state,
        };
        reactor.add_source(&source.state)?;
        Ok(source)
    }

    /// Completes when something has happened since the last completion: whoever
    /// waits reads until there is nothing more, and then waits again. Completes
    /// at once when the runtime shuts down.
    pub async fn changed(&self) {
        poll_fn(|context| {
            self.state.waker.register(context.waker());
            let ready = self.state.ready.swap(false, Ordering::SeqCst);
            if ready || self.runtime.is_shutting_down() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.runtime.scheduler.reactor.remove_source(&self.state);
    }
}
