//! The guest's end of a lane.

use super::connect::connect;
use super::options::ClientOptions;
use super::place::Place;
use super::polling::{Polling, WakeUp};
use crate::counters::Tally;
use crate::path::{Assembler, Means, Path};
use crate::socket::{LaneProbe, Socket};
use crate::window::Kind;
use crate::{ConnectError, Endpoint, Hello, LaneCounters, LaneError, Mode, Received, Wants};
use rustix::event::PollFlags;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// A guest's end of a lane. Its calls block; one thread at a time uses it.
/// Dropping it closes the lane.
#[derive(Debug)]
pub struct ClientLane {
    socket: Socket,
    path: Path,
    place: Option<Place>,
    assembler: Assembler,
    tally: Tally,
    polling: Polling,
    /// Messages that were taken in while a send waited for room.
    inbox: VecDeque<(Received, Vec<u8>)>,
    inbox_bytes: usize,
    failure: Option<LaneError>,
    index: u32,
    fallback_reason: Option<String>,
    send_timeout: Option<Duration>,
    max_message: usize,
}

impl ClientLane {
    /// Connects, shakes hands and opens the lane.
    ///
    /// # Errors
    /// [`ConnectError`] says what kept it from that.
    pub fn connect(
        endpoint: &Endpoint,
        hello: &Hello,
        options: &ClientOptions,
    ) -> Result<Self, ConnectError> {
        connect(endpoint, hello, options)
    }

    pub(super) fn new(
        socket: Socket,
        path: Path,
        place: Option<Place>,
        index: u32,
        fallback_reason: Option<String>,
        options: &ClientOptions,
    ) -> Self {
        Self {
            socket,
            path,
            assembler: Assembler::new(options.max_message),
            tally: Tally::default(),
            polling: Polling::new(options.poll_budget, wake_up(place.as_ref())),
            place,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            failure: None,
            index,
            fallback_reason,
            send_timeout: options.send_timeout,
            max_message: options.max_message,
        }
    }

    /// Puts a message into the ring and rings no doorbell: a later
    /// [`flush`](Self::flush) or [`recv`](Self::recv) does, if one is needed.
    /// If the ring is full, this wakes the host and waits for room, and takes
    /// in meanwhile what the host sends, so that the two sides cannot block
    /// each other.
    ///
    /// # Errors
    /// [`LaneError::TooLong`] leaves the lane as it was; others end it.
    pub fn send(&mut self, opcode: u16, tag: u32, body: &[u8]) -> Result<(), LaneError> {
        self.check()?;
        if body.len() > self.max_message {
            return Err(LaneError::TooLong {
                length: body.len(),
                limit: self.max_message,
            });
        }
        let sent = self.send_all(opcode, tag, body);
        self.keep(sent)
    }

    /// What tells whether the host is still there.
    pub fn probe(&self) -> LaneProbe {
        LaneProbe::new(&self.socket)
    }

    /// Rings the doorbell if there are messages not yet announced and the host
    /// has said that it sleeps.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn flush(&mut self) -> Result<(), LaneError> {
        self.check()?;
        let flushed = self.flush_all();
        self.keep(flushed)
    }

    /// Takes the next message, whose body replaces what is in `body`. If none is
    /// there it flushes, polls for the adaptive budget, then sleeps until the
    /// doorbell. `None` when the deadline has passed.
    ///
    /// What the host sent before it closed the lane is received before the
    /// error that tells so.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn recv(
        &mut self,
        body: &mut Vec<u8>,
        deadline: Option<Instant>,
    ) -> Result<Option<Received>, LaneError> {
        if let Some(received) = self.take_from_inbox(body) {
            return Ok(Some(received));
        }
        self.check()?;
        let received = self.wait_for_message(body, deadline);
        self.keep(received)
    }

    /// Takes the next message if one is there. It does not flush.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn try_recv(&mut self, body: &mut Vec<u8>) -> Result<Option<Received>, LaneError> {
        if let Some(received) = self.take_from_inbox(body) {
            return Ok(Some(received));
        }
        self.check()?;
        let received = self.take_from_path(body);
        self.keep(received)
    }

    /// What this side has done so far.
    pub fn counters(&self) -> LaneCounters {
        self.tally.snapshot()
    }

    /// Whether the lane is known to be at its end: it has failed, or the host has
    /// started anew in the window. Costs no system call, which its
    /// [`probe`](Self::probe) does.
    pub fn has_ended(&self) -> bool {
        self.check().is_err()
    }

    /// Sets how long at most a wait polls before it sleeps.
    pub fn set_poll_budget(&mut self, budget: Duration) {
        self.polling = Polling::new(budget, wake_up(self.place.as_ref()));
    }

    /// How messages travel.
    pub fn mode(&self) -> Mode {
        self.path.mode()
    }

    /// Why messages travel in the stream, if a window was wanted.
    pub fn fallback_reason(&self) -> Option<&str> {
        self.fallback_reason.as_deref()
    }

    /// The lane's index in the window.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The first failure is the lane's last word. And if the host has started
    /// anew, the lane may already be another guest's: hands off.
    fn check(&self) -> Result<(), LaneError> {
        match &self.failure {
            Some(error) => Err(error.clone()),
            None if self.is_superseded() => Err(LaneError::Superseded),
            None => Ok(()),
        }
    }

    fn is_superseded(&self) -> bool {
        self.place
            .as_ref()
            .is_some_and(|place| place.window.is_superseded())
    }

    /// Remembers a failure and hangs up.
    fn keep<T>(&mut self, result: Result<T, LaneError>) -> Result<T, LaneError> {
        result.map_err(|error| {
            if !error.is_fatal() {
                return error;
            }
            // A new life of the host that empties the rings is no corruption.
            let error = if self.is_superseded() {
                LaneError::Superseded
            } else {
                error
            };
            self.failure = Some(error.clone());
            self.socket.shut_down();
            error
        })
    }

    fn send_all(&mut self, opcode: u16, tag: u32, body: &[u8]) -> Result<(), LaneError> {
        let (mut sent, mut complete) = self.send_some(opcode, tag, body)?;
        if complete {
            return Ok(());
        }
        let mut since = Instant::now();
        while !complete {
            self.wait_for_room(body.len() - sent, since)?;
            let count;
            (count, complete) = self.send_some(opcode, tag, &body[sent..])?;
            if count > 0 {
                sent += count;
                since = Instant::now();
            }
        }
        Ok(())
    }

    fn send_some(&mut self, opcode: u16, tag: u32, rest: &[u8]) -> Result<(usize, bool), LaneError> {
        let means = Means {
            socket: &self.socket,
            tally: &self.tally,
        };
        let sent = self.path.send(means, opcode, tag, rest)?;
        self.mirror(false);
        Ok(sent)
    }

    /// Waits until the next frame may find room, and meanwhile takes in what
    /// the host sends.
    fn wait_for_room(&mut self, rest: usize, since: Instant) -> Result<(), LaneError> {
        self.announce()?;
        self.take_in()?;
        let deadline = self.send_timeout.map(|timeout| since + timeout);
        let ready = match (&mut self.path, &self.place) {
            (Path::Rings(rings), Some(place)) => {
                let sleeper = &place.sleeper;
                let ready = self.polling.poll(deadline, &self.tally, || {
                    rings.has_room_for(rest) || rings.has_input()
                });
                sleeper.mirror(rings.positions(), true);
                let wants = Wants {
                    input: true,
                    space: true,
                };
                let ready = ready || place.sleep(&self.socket, &self.tally, wants, deadline)?;
                sleeper.mirror(rings.positions(), false);
                ready
            }
            _ => {
                self.tally.sleeps.add(1);
                self.socket
                    .wait(PollFlags::IN | PollFlags::OUT, deadline)
                    .map_err(LaneError::Socket)?
            }
        };
        match self.send_timeout {
            Some(timeout) if !ready => Err(LaneError::SendTimedOut(timeout)),
            _ => self.take_in(),
        }
    }

    /// Moves what the host has sent into the inbox.
    fn take_in(&mut self) -> Result<(), LaneError> {
        let mut body = Vec::new();
        while let Some(received) = self.take_from_path(&mut body)? {
            self.inbox_bytes += body.len();
            self.inbox.push_back((received, std::mem::take(&mut body)));
            // A message's own overhead counts too, or empty ones were free.
            let pending = self.inbox_bytes + 64 * self.inbox.len();
            if pending > self.inbox_limit() {
                return Err(LaneError::InboxFull {
                    pending,
                    limit: self.inbox_limit(),
                });
            }
        }
        Ok(())
    }

    /// Twice the longest message, and some for many short ones.
    fn inbox_limit(&self) -> usize {
        2 * self.max_message + (16 << 20)
    }

    fn take_from_inbox(&mut self, body: &mut Vec<u8>) -> Option<Received> {
        let (received, taken) = self.inbox.pop_front()?;
        self.inbox_bytes -= taken.len();
        *body = taken;
        Some(received)
    }

    fn take_from_path(&mut self, body: &mut Vec<u8>) -> Result<Option<Received>, LaneError> {
        let means = Means {
            socket: &self.socket,
            tally: &self.tally,
        };
        let received = self.path.receive(means, &mut self.assembler, body)?;
        self.mirror(false);
        Ok(received)
    }

    fn mirror(&self, waiting: bool) {
        if let (Path::Rings(rings), Some(place)) = (&self.path, &self.place) {
            place.sleeper.mirror(rings.positions(), waiting);
        }
    }

    fn announce(&mut self) -> Result<(), LaneError> {
        self.path.announce(Means {
            socket: &self.socket,
            tally: &self.tally,
        })
    }

    /// Announces, and in stream mode waits until all is written.
    fn flush_all(&mut self) -> Result<(), LaneError> {
        self.announce()?;
        let since = Instant::now();
        while let Path::Stream(stream) = &self.path
            && stream.has_output()
        {
            self.wait_for_room(0, since)?;
            self.announce()?;
        }
        Ok(())
    }

    fn wait_for_message(
        &mut self,
        body: &mut Vec<u8>,
        deadline: Option<Instant>,
    ) -> Result<Option<Received>, LaneError> {
        // What is in the ring needs no waiting, and so no doorbell for what was
        // sent meanwhile: the credits of a scan's reader, say.
        if self.mode() == Mode::Window
            && let Some(received) = self.take_from_path(body)?
        {
            return Ok(Some(received));
        }
        self.flush_all()?;
        loop {
            // In stream mode the flush may have taken something in.
            if let Some(received) = self.take_from_inbox(body) {
                return Ok(Some(received));
            }
            if let Some(received) = self.take_from_path(body)? {
                return Ok(Some(received));
            }
            if !self.wait_for_input(deadline)? {
                return self.take_from_path(body);
            }
        }
    }

    /// Polls, then sleeps until there is input; `false` if the deadline has passed.
    fn wait_for_input(&mut self, deadline: Option<Instant>) -> Result<bool, LaneError> {
        let (Path::Rings(rings), Some(place)) = (&self.path, &self.place) else {
            self.tally.sleeps.add(1);
            return self
                .socket
                .wait(PollFlags::IN, deadline)
                .map_err(LaneError::Socket);
        };
        if self.polling.poll(deadline, &self.tally, || rings.has_input()) {
            return Ok(true);
        }
        let wants = Wants {
            input: true,
            space: false,
        };
        place.sleep(&self.socket, &self.tally, wants, deadline)
    }
}

/// What a wake-up of this side is: an interrupt, if its window is a device's.
fn wake_up(place: Option<&Place>) -> WakeUp {
    match place.map(|place| place.window.kind()) {
        Some(Kind::Opened) => WakeUp::BY_INTERRUPT,
        _ => WakeUp::BY_KERNEL,
    }
}

impl AsFd for ClientLane {
    /// The lane's socket. Readable means a doorbell, a message or the end.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
