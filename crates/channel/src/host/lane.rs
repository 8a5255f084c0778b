//! The host's end of a lane.

use super::link::{Link, Place, Shared};
use super::outbox::Outbox;
use super::{LaneWatch, ListenerOptions, Peer};
use crate::path::{Assembler, Means, Path, RingPath, StreamPath};
use crate::{Hello, LaneCounters, LaneError, Mode, Received, Wants};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// The host's end of a lane. No call blocks. Dropping it closes the lane.
#[derive(Debug)]
pub struct ServerLane {
    shared: Arc<Shared>,
    path: Path,
    assembler: Assembler,
    outbox: Outbox,
    guest: Guest,
    max_message: usize,
    max_outbox: usize,
}

/// What is known of the guest.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) hello: Hello,
    pub(super) peer: Peer,
    pub(super) reason: Option<String>,
}

impl ServerLane {
    pub(super) fn new(link: Link, guest: Guest, options: &ListenerOptions) -> Self {
        let path = match &link.rings {
            Some(rings) => Path::Rings(RingPath::new(rings.response.clone(), rings.request.clone())),
            None => Path::Stream(StreamPath::new()),
        };
        Self {
            shared: Arc::new(Shared::new(link)),
            path,
            assembler: Assembler::new(options.max_message),
            outbox: Outbox::default(),
            guest,
            max_message: options.max_message,
            max_outbox: options.max_outbox,
        }
    }

    /// Takes the next message if it is there whole; its body replaces what is
    /// in `body`. One call takes a bounded number of bytes: if it returns
    /// `None` while [`has_input`](Self::has_input) is true, a long message is
    /// coming in, and others should have their turn before the next call.
    ///
    /// What the guest sent before it closed the lane is received before the
    /// error that tells so.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn try_recv(&mut self, body: &mut Vec<u8>) -> Result<Option<Received>, LaneError> {
        match self.shared.failure() {
            None | Some(LaneError::Closed) => {}
            Some(error) => return Err(error.clone()),
        }
        let means = Means {
            socket: &self.shared.socket,
            tally: &self.shared.tally,
        };
        let received = self.path.receive(means, &mut self.assembler, body);
        let received = self.shared.keep(received);
        self.mirror();
        match (received?, self.shared.failure()) {
            (None, Some(error)) if !self.path_has_input() => Err(error.clone()),
            (received, _) => Ok(received),
        }
    }

    /// Whether there is something to receive; see [`LaneWatch::has_input`].
    pub fn has_input(&self) -> bool {
        self.shared.has_input()
    }

    /// Puts as much of the message into the ring as fits, and the rest into
    /// the outbox. Rings no doorbell unless something had to wait:
    /// [`flush`](Self::flush) does.
    ///
    /// # Errors
    /// [`LaneError::OutboxFull`] and [`LaneError::TooLong`] leave the lane as
    /// it was; others end it.
    pub fn try_send(&mut self, opcode: u16, tag: u32, body: &[u8]) -> Result<(), LaneError> {
        self.check()?;
        if body.len() > self.max_message {
            return Err(LaneError::TooLong {
                length: body.len(),
                limit: self.max_message,
            });
        }
        let pending = self.outbox.bytes();
        if pending > 0 && pending + body.len() > self.max_outbox {
            return Err(LaneError::OutboxFull {
                pending,
                limit: self.max_outbox,
            });
        }
        let sent = self.send(opcode, tag, body);
        self.mirror();
        self.shared.keep(sent)
    }

    /// Whether nothing waits for room. In stream mode, what is gathered for
    /// the next [`flush`](Self::flush) does not count.
    pub fn outbox_is_empty(&self) -> bool {
        self.outbox.is_empty() && !self.is_stuck()
    }

    /// Bytes that wait in the outbox, with some for each message.
    pub fn outbox_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Moves the outbox on as far as there is room, rings if the guest sleeps,
    /// and returns whether the outbox is empty now.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn pump(&mut self) -> Result<bool, LaneError> {
        self.check()?;
        let pumped = self.send_waiting().and_then(|()| self.announce());
        self.mirror();
        self.shared.keep(pumped)?;
        Ok(self.outbox_is_empty())
    }

    /// Rings the doorbell if there is something not yet announced and the
    /// guest has said that it sleeps. In stream mode, writes what is gathered;
    /// what the socket does not take waits as if in the outbox.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn flush(&mut self) -> Result<(), LaneError> {
        self.check()?;
        let announced = self.announce();
        self.mirror();
        self.shared.keep(announced)
    }

    /// See [`LaneWatch::sleep_begin`].
    pub fn sleep_begin(&self, wants: Wants) -> bool {
        self.watch().sleep_begin(wants)
    }

    /// See [`LaneWatch::sleep_end`].
    pub fn sleep_end(&self) {
        self.watch().sleep_end();
    }

    /// See [`LaneWatch::drain_doorbells`].
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn drain_doorbells(&mut self) -> Result<usize, LaneError> {
        self.shared.drain_doorbells()
    }

    /// A handle to watch this lane from another thread.
    pub fn watch(&self) -> LaneWatch {
        LaneWatch::new(Arc::clone(&self.shared))
    }

    /// What the guest said when it came.
    pub fn hello(&self) -> &Hello {
        &self.guest.hello
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.guest.peer
    }

    /// How messages travel.
    pub fn mode(&self) -> Mode {
        self.path.mode()
    }

    /// Why messages travel in the stream although the guest wanted a window,
    /// in the guest's words.
    pub fn fallback_reason(&self) -> Option<&str> {
        self.guest.reason.as_deref()
    }

    /// The lane's index.
    pub fn index(&self) -> u32 {
        self.shared.ticket.index()
    }

    /// What the host's side has done so far.
    pub fn counters(&self) -> LaneCounters {
        self.shared.tally.snapshot()
    }

    fn check(&self) -> Result<(), LaneError> {
        self.shared.failure().cloned().map_or(Ok(()), Err)
    }

    fn send(&mut self, opcode: u16, tag: u32, body: &[u8]) -> Result<(), LaneError> {
        let mut sent = 0;
        if self.outbox.is_empty() {
            let means = Means {
                socket: &self.shared.socket,
                tally: &self.shared.tally,
            };
            let complete;
            (sent, complete) = self.path.send(means, opcode, tag, body)?;
            if complete {
                return Ok(());
            }
        }
        self.outbox.push(opcode, tag, &body[sent..])?;
        // The guest must know that it has to make room.
        self.announce()
    }

    fn send_waiting(&mut self) -> Result<(), LaneError> {
        let means = Means {
            socket: &self.shared.socket,
            tally: &self.shared.tally,
        };
        while let Some(next) = self.outbox.front() {
            let (count, complete) = self.path.send(means, next.opcode, next.tag, next.rest())?;
            self.outbox.sent(count, complete);
            if !complete {
                break;
            }
        }
        Ok(())
    }

    fn announce(&mut self) -> Result<(), LaneError> {
        self.path.announce(Means {
            socket: &self.shared.socket,
            tally: &self.shared.tally,
        })
    }

    /// Whether the socket of a lane without a window would not take all.
    fn is_stuck(&self) -> bool {
        matches!(&self.path, Path::Stream(stream) if stream.is_stuck())
    }

    fn path_has_input(&self) -> bool {
        match &self.path {
            Path::Rings(rings) => rings.has_input(),
            Path::Stream(stream) => stream.has_buffered_input(),
        }
    }

    /// Tells those who watch how it stands.
    fn mirror(&self) {
        let waiting = !self.outbox_is_empty();
        match (&self.shared.place, &self.path) {
            (Place::Window(sleeper), Path::Rings(rings)) => sleeper.mirror(rings.positions(), waiting),
            (Place::Stream(state), Path::Stream(stream)) => {
                state.mirror(stream.has_buffered_input(), waiting);
            }
            // The place and the path were made from the same `Link`.
            _ => {}
        }
    }
}

impl Drop for ServerLane {
    fn drop(&mut self) {
        // The socket may live on in a watch; the guest must know now.
        self.shared.socket.shut_down();
    }
}

impl AsFd for ServerLane {
    /// The lane's socket; see [`LaneWatch`].
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.socket.as_fd()
    }
}
