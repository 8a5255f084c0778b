//! Watching a lane from a thread that does not own it.

use super::link::{Place, Shared};
use crate::ring::sleep_fence;
use crate::{LaneCounters, LaneError, Wants};
use rustix::event::PollFlags;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A handle by which a poller sees whether a [`ServerLane`](super::ServerLane)
/// has something to do, without owning it. A clone is another handle on the
/// same lane.
///
/// # How to sleep on many lanes
/// The one thread that polls does this, with the lanes that somebody waits
/// for:
///
/// 1. It looks at each with [`is_ready`](Self::is_ready) for as long as it
///    cares to poll.
/// 2. It calls [`announce_sleep`](Self::announce_sleep) on each, then
///    [`sleep_fence`](Self::sleep_fence) once, then `is_ready` on each again.
///    Only if none is ready it sleeps, in epoll on all of their sockets.
/// 3. Awake, it calls [`sleep_end`](Self::sleep_end) on each, and
///    [`drain_doorbells`](Self::drain_doorbells) on those whose sockets were
///    readable.
///
/// Each wake-up uses the announcement up: who sleeps again announces again.
/// Another thread may announce on a lane, too (say, a session that begins to
/// wait for room while the poller sleeps): then it looks at `is_ready` itself
/// after the fence, and the doorbell wakes the poller.
///
/// # Sleeping without doorbells
/// A poller that wakes up by a timer anyway need not announce: it leaves `wants`
/// empty (or one of them), sleeps for its time, and looks. The guest then rings
/// no doorbell for what was not announced; a guest that waits is served when
/// the timer ends.
#[derive(Clone, Debug)]
pub struct LaneWatch {
    shared: Arc<Shared>,
}

impl LaneWatch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Whether there is something to receive, or the lane is at its end: a
    /// look at one shared counter. In stream mode: whether a message was read
    /// already or the socket is readable (a system call).
    pub fn has_input(&self) -> bool {
        self.shared.has_input()
    }

    /// Whether half of the response ring is free. In stream mode: whether the
    /// socket is writable (a system call).
    pub fn has_space(&self) -> bool {
        match &self.shared.place {
            Place::Window(sleeper) => sleeper.has_space(),
            Place::Stream(_) => self.shared.socket.is_ready(PollFlags::OUT),
        }
    }

    /// Whether the outbox has something in it, so that space matters. In
    /// stream mode, wait for the socket to become writable then: there are no
    /// doorbells.
    pub fn wants_space(&self) -> bool {
        match &self.shared.place {
            Place::Window(sleeper) => sleeper.is_waiting(),
            Place::Stream(state) => state.waiting.load(Ordering::Acquire),
        }
    }

    /// Whether something that is wanted is there. Space is there only when
    /// something waits for it.
    pub fn is_ready(&self, wants: Wants) -> bool {
        (wants.input && self.has_input()) || (wants.space && self.wants_space() && self.has_space())
    }

    /// Asks the guest for a doorbell and returns whether there is already
    /// something to do, in which case do not sleep.
    pub fn sleep_begin(&self, wants: Wants) -> bool {
        self.announce_sleep(wants);
        Self::sleep_fence();
        self.is_ready(wants)
    }

    /// The first third of [`sleep_begin`](Self::sleep_begin), to sleep on many
    /// lanes at once.
    pub fn announce_sleep(&self, wants: Wants) {
        self.shared.tally.sleeps.add_shared(1);
        if let Place::Window(sleeper) = &self.shared.place {
            sleeper.announce(wants);
        }
    }

    /// What must stand between the announcements and the second look: one
    /// fence for any number of lanes.
    pub fn sleep_fence() {
        sleep_fence();
    }

    /// Takes the wish for a doorbell back.
    pub fn sleep_end(&self) {
        if let Place::Window(sleeper) = &self.shared.place {
            sleeper.end();
        }
    }

    /// Takes the doorbells out of the socket and returns how many they were,
    /// at most 256; call it again when the socket is still readable. In stream
    /// mode there are none.
    ///
    /// # Errors
    /// [`LaneError::Closed`] if the guest has hung up, and others that end the
    /// lane; the lane's owner is told the same by its next call, after it has
    /// received what is still there.
    pub fn drain_doorbells(&self) -> Result<usize, LaneError> {
        self.shared.drain_doorbells()
    }

    /// The lane's index.
    pub fn index(&self) -> u32 {
        self.shared.ticket.index()
    }

    /// What the host's side of this lane has done so far.
    pub fn counters(&self) -> LaneCounters {
        self.shared.tally.snapshot()
    }
}

impl AsFd for LaneWatch {
    /// The lane's socket, for epoll: readable means a doorbell (or, in stream
    /// mode, a message) or that the guest has hung up. It stays open as long
    /// as this handle.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.socket.as_fd()
    }
}
