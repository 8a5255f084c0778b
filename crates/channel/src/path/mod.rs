//! How messages travel: in rings or in the stream, the same for both sides.

mod assemble;
mod rings;
mod stream;

pub(crate) use assemble::Assembler;
pub(crate) use rings::RingPath;
pub(crate) use stream::StreamPath;

use crate::counters::Tally;
use crate::shared::RingMap;
use crate::socket::Socket;
use crate::{LaneError, Mode, Received};

/// One side's way to send and receive.
#[derive(Debug)]
pub(crate) enum Path {
    /// In the window's rings, with doorbells over the socket.
    Rings(RingPath<RingMap>),
    /// In the socket's stream.
    Stream(StreamPath),
}

/// What every step on the way needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Means<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) tally: &'a Tally,
}

impl Path {
    /// How it is called.
    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::Rings(_) => Mode::Window,
            Self::Stream(_) => Mode::Stream,
        }
    }

    /// Takes the next message if it is there whole. One call takes a bounded
    /// number of bytes, whatever the other side feeds.
    pub(crate) fn receive(
        &mut self,
        means: Means<'_>,
        assembler: &mut Assembler,
        body: &mut Vec<u8>,
    ) -> Result<Option<Received>, LaneError> {
        let received = match self {
            Self::Rings(rings) => rings.receive(means, assembler, body),
            Self::Stream(stream) => stream.receive(means, assembler, body),
        }?;
        if received.is_some() {
            means.tally.messages_received.add(1);
        }
        Ok(received)
    }

    /// Sends the next frames of a message as far as there is room, and returns
    /// how much of the body they took and whether the message is complete.
    pub(crate) fn send(
        &mut self,
        means: Means<'_>,
        opcode: u16,
        tag: u32,
        body: &[u8],
    ) -> Result<(usize, bool), LaneError> {
        let mut sent = 0;
        loop {
            let rest = &body[sent..];
            let pushed = match self {
                Self::Rings(rings) => rings.push(opcode, tag, rest)?,
                Self::Stream(stream) => stream.push(means, opcode, tag, rest)?,
            };
            let Some(length) = pushed else {
                return Ok((sent, false));
            };
            sent += length;
            means.tally.frames_sent.add(1);
            means.tally.bytes_sent.add(length as u64);
            if sent == body.len() {
                means.tally.messages_sent.add(1);
                return Ok((sent, true));
            }
        }
    }

    /// Lets the other side know what was sent: rings if it sleeps, or gives
    /// the stream what it takes.
    pub(crate) fn announce(&mut self, means: Means<'_>) -> Result<(), LaneError> {
        match self {
            Self::Rings(rings) => rings.announce(means),
            Self::Stream(stream) => stream.write(means).map(|_| ()),
        }
    }
}
