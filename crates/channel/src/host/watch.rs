//! Watching a lane from a thread that does not own it.

use crate::{LaneCounters, LaneError};
use std::os::fd::{AsFd, BorrowedFd};

/// What a sleeper wants to be woken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// A message from the guest.
    pub input: bool,
    /// Room in the response ring (half of it), when something waits in the outbox.
    pub space: bool,
}

/// A handle by which a poller sees whether a [`ServerLane`](super::ServerLane)
/// has something to do, without owning it.
#[derive(Clone, Debug)]
pub struct LaneWatch(());

impl LaneWatch {
    /// Whether there is something to receive: a look at one shared counter.
    /// In stream mode: whether the socket is readable (a system call).
    pub fn has_input(&self) -> bool {
        todo!()
    }

    /// Whether half of the response ring is free. In stream mode: whether the
    /// socket is writable (a system call).
    pub fn has_space(&self) -> bool {
        todo!()
    }

    /// Whether the outbox has something in it, so that space matters.
    pub fn wants_space(&self) -> bool {
        todo!()
    }

    /// Asks the guest for a doorbell, and returns whether there is already
    /// something to do, in which case do not sleep.
    pub fn sleep_begin(&self, _wants: Wants) -> bool {
        todo!()
    }

    /// The first half of [`sleep_begin`](Self::sleep_begin), to announce the
    /// sleep on many lanes: after all of them call
    /// [`sleep_fence`](Self::sleep_fence) once, then look at each one with
    /// [`is_ready`](Self::is_ready).
    pub fn announce_sleep(&self, _wants: Wants) {
        todo!()
    }

    /// What must stand between the announcements and the second look.
    pub fn sleep_fence() {
        todo!()
    }

    /// Whether something that is wanted is there.
    pub fn is_ready(&self, _wants: Wants) -> bool {
        todo!()
    }

    /// Takes the wish for a doorbell back.
    pub fn sleep_end(&self) {
        todo!()
    }

    /// Takes the doorbells out of the socket and returns how many they were.
    /// In stream mode there are none.
    ///
    /// # Errors
    /// [`LaneError::Closed`] if the guest has hung up, and others that end the
    /// lane; the lane's owner is told the same by its next call.
    pub fn drain_doorbells(&self) -> Result<usize, LaneError> {
        todo!()
    }

    /// The lane's index.
    pub fn index(&self) -> u32 {
        todo!()
    }

    /// What the host's side of this lane has done so far.
    pub fn counters(&self) -> LaneCounters {
        todo!()
    }
}

impl AsFd for LaneWatch {
    /// The lane's socket, for epoll: readable means a doorbell (or, in stream
    /// mode, a message) or that the guest has hung up. It stays open as long
    /// as this handle.
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}
