//! What a lane counts, on each side.

use std::sync::atomic::{AtomicU64, Ordering};

/// A snapshot of what one side of a lane has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounters {
    /// Messages that this side has sent.
    pub messages_sent: u64,
    /// Messages that this side has received whole.
    pub messages_received: u64,
    /// Frames that this side has sent; a long message takes more than one.
    pub frames_sent: u64,
    /// Frames that this side has received.
    pub frames_received: u64,
    /// Bytes of message bodies sent.
    pub bytes_sent: u64,
    /// Bytes of message bodies received.
    pub bytes_received: u64,
    /// Doorbells rung. Without a window: writes to the socket, since each one
    /// costs the switch that a doorbell does.
    pub doorbells_rung: u64,
    /// Times that there was something to announce and the peer was awake, so
    /// that no doorbell was needed.
    pub doorbells_suppressed: u64,
    /// Doorbells received. Without a window: reads from the socket that
    /// brought something.
    pub doorbells_received: u64,
    /// Times that this side has asked for a doorbell in order to sleep.
    pub sleeps: u64,
    /// Nanoseconds spent polling the window (guest side; on the host the
    /// runtime polls, and counts).
    pub poll_nanos: u64,
}

impl LaneCounters {
    /// Adds another lane's counters to these, for totals.
    pub fn add(&mut self, other: &Self) {
        self.messages_sent += other.messages_sent;
        self.messages_received += other.messages_received;
        self.frames_sent += other.frames_sent;
        self.frames_received += other.frames_received;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.doorbells_rung += other.doorbells_rung;
        self.doorbells_suppressed += other.doorbells_suppressed;
        self.doorbells_received += other.doorbells_received;
        self.sleeps += other.sleeps;
        self.poll_nanos += other.poll_nanos;
    }
}

/// The counters as a lane keeps them: any thread may read, and each one is
/// written by few, with single atomic additions.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) messages_sent: Count,
    pub(crate) messages_received: Count,
    pub(crate) frames_sent: Count,
    pub(crate) frames_received: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) bytes_received: Count,
    pub(crate) doorbells_rung: Count,
    pub(crate) doorbells_suppressed: Count,
    pub(crate) doorbells_received: Count,
    pub(crate) sleeps: Count,
    pub(crate) poll_nanos: Count,
}

impl Tally {
    /// What was counted so far.
    pub(crate) fn snapshot(&self) -> LaneCounters {
        LaneCounters {
            messages_sent: self.messages_sent.load(),
            messages_received: self.messages_received.load(),
            frames_sent: self.frames_sent.load(),
            frames_received: self.frames_received.load(),
            bytes_sent: self.bytes_sent.load(),
            bytes_received: self.bytes_received.load(),
            doorbells_rung: self.doorbells_rung.load(),
            doorbells_suppressed: self.doorbells_suppressed.load(),
            doorbells_received: self.doorbells_received.load(),
            sleeps: self.sleeps.load(),
            poll_nanos: self.poll_nanos.load(),
        }
    }
}

/// One statistical counter: no memory ordering hangs on it.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds `n`, with any number of writers.
    pub(crate) fn add_shared(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Adds `n`, where only the caller writes: a plain load and store, which
    /// is much cheaper than a locked addition.
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.load().wrapping_add(n), Ordering::Relaxed);
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
