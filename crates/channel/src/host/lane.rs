//! The host's end of a lane.

use super::{LaneWatch, Peer, Wants};
use crate::{Hello, LaneCounters, LaneError, Mode, Received};
use std::os::fd::{AsFd, BorrowedFd};

/// The host's end of a lane. No call blocks. Dropping it closes the lane.
#[derive(Debug)]
pub struct ServerLane(());

impl ServerLane {
    /// Takes the next message if it is there whole; its body replaces what is
    /// in `body`. One call reads at most one ring's worth of fragments.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn try_recv(&mut self, _body: &mut Vec<u8>) -> Result<Option<Received>, LaneError> {
        todo!()
    }

    /// Whether there is something to receive; see [`LaneWatch::has_input`].
    pub fn has_input(&self) -> bool {
        todo!()
    }

    /// Puts as much of the message into the ring as fits, and the rest into
    /// the outbox. Rings no doorbell: [`flush`](Self::flush) does.
    ///
    /// # Errors
    /// [`LaneError::OutboxFull`] and [`LaneError::TooLong`] leave the lane as
    /// it was; others end it.
    pub fn try_send(&mut self, _opcode: u16, _tag: u32, _body: &[u8]) -> Result<(), LaneError> {
        todo!()
    }

    /// Whether everything sent is in the ring (or, in stream mode, with the
    /// kernel).
    pub fn outbox_is_empty(&self) -> bool {
        todo!()
    }

    /// Bytes that wait in the outbox.
    pub fn outbox_bytes(&self) -> usize {
        todo!()
    }

    /// Moves the outbox on as far as there is room, and returns whether it is
    /// empty now.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn pump(&mut self) -> Result<bool, LaneError> {
        todo!()
    }

    /// Rings the doorbell if there is something not yet announced and the
    /// guest has said that it sleeps.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn flush(&mut self) -> Result<(), LaneError> {
        todo!()
    }

    /// See [`LaneWatch::sleep_begin`].
    pub fn sleep_begin(&self, _wants: Wants) -> bool {
        todo!()
    }

    /// See [`LaneWatch::sleep_end`].
    pub fn sleep_end(&self) {
        todo!()
    }

    /// See [`LaneWatch::drain_doorbells`].
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn drain_doorbells(&mut self) -> Result<usize, LaneError> {
        todo!()
    }

    /// A handle to watch this lane from another thread.
    pub fn watch(&self) -> LaneWatch {
        todo!()
    }

    /// What the guest said when it came.
    pub fn hello(&self) -> &Hello {
        todo!()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        todo!()
    }

    /// How messages travel.
    pub fn mode(&self) -> Mode {
        todo!()
    }

    /// Why messages travel in the stream although the guest wanted a window.
    pub fn fallback_reason(&self) -> Option<&str> {
        todo!()
    }

    /// The lane's index.
    pub fn index(&self) -> u32 {
        todo!()
    }

    /// What the host's side has done so far.
    pub fn counters(&self) -> LaneCounters {
        todo!()
    }
}

impl AsFd for ServerLane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}
