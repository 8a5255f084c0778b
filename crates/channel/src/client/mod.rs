//! The guest's side of a lane: blocking.

use crate::{ConnectError, DEFAULT_MAX_MESSAGE, Endpoint, Hello, LaneCounters, LaneError, Mode, Received};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where the guest finds the window that a host serves as a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowSource {
    /// A devdax device, such as `/dev/dax0.0`.
    Dax(PathBuf),
    /// A regular file with the window at an offset.
    File {
        /// The file.
        path: PathBuf,
        /// Where the window starts in it, in bytes: a multiple of 4096.
        offset: u64,
    },
}

/// What a guest may set.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Where the window is, if the host serves it as a device. A window that
    /// is passed over a Unix socket needs no source.
    pub window: Option<WindowSource>,
    /// How long connecting and the handshake may take.
    pub connect_timeout: Duration,
    /// How long [`ClientLane::send`] may wait for room while the host takes
    /// nothing; `None`: until the host closes the lane.
    pub send_timeout: Option<Duration>,
    /// How long at most a receive polls before it sleeps.
    pub poll_budget: Duration,
    /// The longest message that is sent or received, in bytes.
    pub max_message: usize,
}

impl Default for ClientOptions {
    /// No device, 5 s to connect, no limit for sending, 50 us of polling,
    /// messages up to 1 GiB and 1 MiB.
    fn default() -> Self {
        Self {
            window: None,
            connect_timeout: Duration::from_secs(5),
            send_timeout: None,
            poll_budget: Duration::from_micros(50),
            max_message: DEFAULT_MAX_MESSAGE,
        }
    }
}

/// A guest's end of a lane. Dropping it closes the lane.
#[derive(Debug)]
pub struct ClientLane(());

impl ClientLane {
    /// Connects, shakes hands and opens the lane.
    ///
    /// # Errors
    /// [`ConnectError`] says what kept it from that.
    pub fn connect(
        _endpoint: &Endpoint,
        _hello: &Hello,
        _options: &ClientOptions,
    ) -> Result<Self, ConnectError> {
        todo!()
    }

    /// Puts a message into the ring and rings no doorbell: a later
    /// [`flush`](Self::flush) or [`recv`](Self::recv) does, if one is needed.
    /// If the ring is full, this wakes the host and waits for room, and takes
    /// in meanwhile what the host sends, so that the two sides cannot block
    /// each other.
    ///
    /// # Errors
    /// [`LaneError::TooLong`] leaves the lane as it was; others end it.
    pub fn send(&mut self, _opcode: u16, _tag: u32, _body: &[u8]) -> Result<(), LaneError> {
        todo!()
    }

    /// Rings the doorbell if there are messages not yet announced and the host
    /// has said that it sleeps.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn flush(&mut self) -> Result<(), LaneError> {
        todo!()
    }

    /// Takes the next message, whose body replaces what is in `body`: flushes,
    /// polls for the adaptive budget, then sleeps until the doorbell. `None`
    /// when the deadline has passed.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn recv(
        &mut self,
        _body: &mut Vec<u8>,
        _deadline: Option<Instant>,
    ) -> Result<Option<Received>, LaneError> {
        todo!()
    }

    /// Takes the next message if one is there.
    ///
    /// # Errors
    /// [`LaneError`] if the lane is at its end.
    pub fn try_recv(&mut self, _body: &mut Vec<u8>) -> Result<Option<Received>, LaneError> {
        todo!()
    }

    /// What this side has done so far.
    pub fn counters(&self) -> LaneCounters {
        todo!()
    }

    /// Sets how long at most a receive polls before it sleeps.
    pub fn set_poll_budget(&mut self, _budget: Duration) {
        todo!()
    }

    /// How messages travel.
    pub fn mode(&self) -> Mode {
        todo!()
    }

    /// Why messages travel in the stream, if a window was wanted.
    pub fn fallback_reason(&self) -> Option<&str> {
        todo!()
    }

    /// The lane's index in the window.
    pub fn index(&self) -> u32 {
        todo!()
    }
}

impl AsFd for ClientLane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}
