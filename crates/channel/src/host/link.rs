//! What a lane's owner and those who watch it share.

use super::allocator::Ticket;
use crate::LaneError;
use crate::counters::Tally;
use crate::layout::LaneRings;
use crate::shared::RingMap;
use crate::sleeper::Sleeper;
use crate::socket::Socket;
use rustix::event::PollFlags;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A connection that has become a lane.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: Arc<Socket>,
    /// `None` in stream mode.
    pub(super) rings: Option<LaneRings>,
    pub(super) ticket: Ticket,
}

/// What a lane's owner and those who watch it share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) socket: Arc<Socket>,
    pub(super) place: Place,
    pub(super) tally: Tally,
    /// The first failure is the lane's last word.
    failure: OnceLock<LaneError>,
    /// The lane is taken as long as anyone can write into it.
    pub(super) ticket: Ticket,
}

/// Where a lane's messages are.
#[derive(Debug)]
pub(super) enum Place {
    Window(Sleeper<RingMap>),
    Stream(StreamState),
}

/// What the watchers of a lane without a window need to know.
#[derive(Debug, Default)]
pub(super) struct StreamState {
    /// A message was read from the socket and not yet received.
    pub(super) buffered: AtomicBool,
    /// Something waits for room.
    pub(super) waiting: AtomicBool,
}

impl StreamState {
    /// Owner: notes how it stands.
    pub(super) fn mirror(&self, buffered: bool, waiting: bool) {
        self.buffered.store(buffered, Ordering::Release);
        self.waiting.store(waiting, Ordering::Release);
    }
}

impl Shared {
    pub(super) fn new(link: Link) -> Self {
        let place = match link.rings {
            Some(rings) => Place::Window(Sleeper::new(rings.response, rings.request)),
            None => Place::Stream(StreamState::default()),
        };
        Self {
            socket: link.socket,
            place,
            tally: Tally::default(),
            failure: OnceLock::new(),
            ticket: link.ticket,
        }
    }

    /// The failure, if there was one.
    pub(super) fn failure(&self) -> Option<&LaneError> {
        self.failure.get()
    }

    /// Whether there is something to receive, or the lane is at its end.
    pub(super) fn has_input(&self) -> bool {
        let input = match &self.place {
            Place::Window(sleeper) => sleeper.has_input(),
            Place::Stream(state) => {
                state.buffered.load(Ordering::Acquire) || self.socket.is_ready(PollFlags::IN)
            }
        };
        input || self.failure().is_some()
    }

    /// Remembers a failure and hangs up; the first one counts.
    pub(super) fn keep<T>(&self, result: Result<T, LaneError>) -> Result<T, LaneError> {
        if let Err(error) = &result
            && error.is_fatal()
            && self.failure.set(error.clone()).is_ok()
        {
            self.socket.shut_down();
        }
        result
    }

    /// Takes the doorbells out of the socket.
    pub(super) fn drain_doorbells(&self) -> Result<usize, LaneError> {
        if let Some(error) = self.failure() {
            return Err(error.clone());
        }
        let Place::Window(_) = self.place else {
            return Ok(0);
        };
        let count = self.keep(self.socket.drain_doorbells())?;
        self.tally.doorbells_received.add_shared(count as u64);
        Ok(count)
    }
}
