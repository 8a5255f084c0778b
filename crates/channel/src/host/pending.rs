//! A connection on its way to becoming a lane.

use super::{Peer, Policy, ServerLane};
use crate::{HandshakeError, Refusal, Window};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// Gives out the lanes of a window, and takes them back when both the
/// [`ServerLane`] and its [`LaneWatch`](super::LaneWatch)es are gone. A clone
/// is another handle on the same lanes.
#[derive(Clone, Debug)]
pub struct LaneAllocator(());

impl LaneAllocator {
    /// The lanes of this window, at most `max_lanes` at a time.
    pub fn new(_window: Window, _max_lanes: u32) -> Self {
        todo!()
    }

    /// Lanes without a window, at most `max_lanes` at a time.
    pub fn without_window(_max_lanes: u32) -> Self {
        todo!()
    }

    /// How many lanes are in use.
    pub fn in_use(&self) -> u32 {
        todo!()
    }

    /// The window, if there is one.
    pub fn window(&self) -> Option<&Window> {
        todo!()
    }
}

/// How a handshake stands.
#[derive(Debug)]
pub enum Handshake {
    /// The guest must say more: call [`Pending::advance`] again when the
    /// socket is readable, or at the [`deadline`](Pending::deadline).
    NeedsInput,
    /// The lane is open. Nothing more will come of this [`Pending`]; drop it.
    Ready(ServerLane),
    /// The guest was told that it gets no lane. Drop the `Pending`.
    Refused(Refusal),
    /// The guest made no sense, hung up or was too slow. Drop the `Pending`.
    Failed(HandshakeError),
}

/// A connection whose handshake is not finished. It takes its steps without
/// blocking, so that a silent guest holds up nobody.
#[derive(Debug)]
pub struct Pending(());

impl Pending {
    /// Takes the steps that can be taken now.
    pub fn advance(&mut self, _policy: &dyn Policy, _lanes: &LaneAllocator) -> Handshake {
        todo!()
    }

    /// When the handshake's time is up.
    pub fn deadline(&self) -> Instant {
        todo!()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        todo!()
    }
}

impl AsFd for Pending {
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}
