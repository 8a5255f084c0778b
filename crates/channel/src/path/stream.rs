//! Messages in the socket's stream, where there is no window.

use super::{Assembler, Means};
use crate::frame::{HEADER, Header};
use crate::socket::Got;
use crate::{Corruption, LaneError, Received};
use rustix::io::Errno;

/// The largest body of one frame in the stream.
pub(crate) const MAX_FRAGMENT: usize = 64 << 10;

/// What is gathered before it is written without being asked for.
const GATHER: usize = MAX_FRAGMENT + HEADER;

/// Room for two of the largest frames, so that reads are large.
const INPUT: usize = 2 * GATHER;

/// What one call reads at most.
const TURN: usize = 1 << 20;

/// One side's buffers of a lane without a window.
#[derive(Debug)]
pub(crate) struct StreamPath {
    /// What was read, from `start` to `end`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// What is to be written, from `written` on.
    output: Vec<u8>,
    written: usize,
    /// The socket did not take all of it when it was last tried.
    stuck: bool,
    /// The other side takes nothing any more.
    broken: bool,
}

impl StreamPath {
    /// Empty buffers, which take memory only when they are used.
    pub(crate) fn new() -> Self {
        Self {
            input: Vec::new(),
            start: 0,
            end: 0,
            output: Vec::new(),
            written: 0,
            stuck: false,
            broken: false,
        }
    }

    /// Whether a frame was read whole that was not yet received.
    pub(crate) fn has_buffered_input(&self) -> bool {
        !matches!(self.frame(), Ok(None))
    }

    /// Whether something is gathered that was not yet written.
    pub(crate) fn has_output(&self) -> bool {
        self.written < self.output.len()
    }

    /// Whether the socket did not take all of it when it was last tried.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck
    }

    pub(super) fn receive(
        &mut self,
        means: Means<'_>,
        assembler: &mut Assembler,
        body: &mut Vec<u8>,
    ) -> Result<Option<Received>, LaneError> {
        let mut turn = 0;
        loop {
            if let Some(header) = self.frame()? {
                if let Some(received) = self.take(means, header, assembler, body)? {
                    return Ok(Some(received));
                }
            } else if turn < TURN {
                match self.read(means)? {
                    0 => return Ok(None),
                    count => turn += count,
                }
            } else {
                // What is left is in the socket and not in our buffer, so who
                // sleeps on the socket now misses nothing.
                return Ok(None);
            }
        }
    }

    /// The header of the next frame, if the frame is there whole.
    fn frame(&self) -> Result<Option<Header>, Corruption> {
        let bytes = &self.input[self.start..self.end];
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let header = Header::decode(header)?;
        if header.length as usize > MAX_FRAGMENT {
            let available = MAX_FRAGMENT as u64;
            return Err(Corruption::FrameLength {
                length: header.length,
                available,
            });
        }
        Ok((HEADER + header.length as usize <= bytes.len()).then_some(header))
    }

    /// Takes the frame that `frame` has found.
    fn take(
        &mut self,
        means: Means<'_>,
        header: Header,
        assembler: &mut Assembler,
        body: &mut Vec<u8>,
    ) -> Result<Option<Received>, LaneError> {
        let from = self.start + HEADER;
        let to = from + header.length as usize;
        assembler
            .target(&header, body)?
            .extend_from_slice(&self.input[from..to]);
        self.start = to;
        means.tally.frames_received.add(1);
        means.tally.bytes_received.add(header.length.into());
        Ok(assembler.appended(&header, body))
    }

    /// Reads on, and returns how many bytes came: 0 if there are none now.
    fn read(&mut self, means: Means<'_>) -> Result<usize, LaneError> {
        if self.input.is_empty() {
            self.input.resize(INPUT, 0);
        }
        if self.end - self.start == 0 || INPUT - self.start < GATHER {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        // There is room: less than one frame is there, and from `start` on
        // there is space for one.
        match means
            .socket
            .receive(&mut self.input[self.end..])
            .map_err(LaneError::Socket)?
        {
            Got::Nothing => Ok(0),
            Got::End => Err(LaneError::Closed),
            Got::Bytes(count) => {
                means.tally.doorbells_received.add_shared(1);
                self.end += count;
                Ok(count)
            }
        }
    }

    pub(super) fn push(
        &mut self,
        means: Means<'_>,
        opcode: u16,
        tag: u32,
        rest: &[u8],
    ) -> Result<Option<usize>, LaneError> {
        if self.broken {
            return Err(LaneError::Closed);
        }
        if self.output.len() - self.written >= GATHER && !self.write(means)? {
            return Ok(None);
        }
        let length = rest.len().min(MAX_FRAGMENT);
        // A fragment's length is far below 2^32.
        let header = Header {
            length: length as u32,
            opcode,
            more: length < rest.len(),
            tag,
        };
        self.output.extend_from_slice(&header.encode());
        self.output.extend_from_slice(&rest[..length]);
        Ok(Some(length))
    }

    /// Writes what the socket takes, and returns whether that is all.
    pub(super) fn write(&mut self, means: Means<'_>) -> Result<bool, LaneError> {
        while self.has_output() {
            let count = match means.socket.send(&self.output[self.written..]) {
                Ok(0) => {
                    self.stuck = true;
                    return Ok(false);
                }
                Ok(count) => count,
                // What it has left behind is received before its end is told.
                Err(Errno::PIPE | Errno::CONNRESET) => {
                    self.broken = true;
                    break;
                }
                Err(error) => return Err(LaneError::Socket(error)),
            };
            means.tally.doorbells_rung.add(1);
            self.written += count;
        }
        self.output.clear();
        self.written = 0;
        self.stuck = false;
        Ok(true)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::counters::Tally;
    use crate::socket::Socket;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    #[test]
    fn no_whole_frame_is_left_in_the_buffer_when_nothing_was_received() {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (here, there) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        let writer = std::thread::spawn(move || {
            let (socket, tally) = (Socket::accepted(there), Tally::default());
            let means = Means {
                socket: &socket,
                tally: &tally,
            };
            let (mut path, body, mut sent) = (StreamPath::new(), vec![5; 20 << 20], 0);
            while sent < body.len() {
                match path.push(means, 1, 2, &body[sent..]).unwrap() {
                    Some(count) => sent += count,
                    None => std::thread::yield_now(),
                }
            }
            while !path.write(means).unwrap() {
                std::thread::yield_now();
            }
            socket
        });
        let (socket, tally) = (Socket::accepted(here), Tally::default());
        let means = Means {
            socket: &socket,
            tally: &tally,
        };
        let (mut path, mut assembler, mut body) = (StreamPath::new(), Assembler::new(1 << 30), Vec::new());
        while path.receive(means, &mut assembler, &mut body).unwrap().is_none() {
            assert!(!path.has_buffered_input());
        }
        assert!(body.len() == 20 << 20 && body.iter().all(|&byte| byte == 5));
        drop(writer.join());
    }
}
