//! Reading one handshake message at a time from a socket.

use crate::HandshakeError;
use crate::socket::{Got, Socket};
use crate::wire::LIMIT;
use std::os::fd::OwnedFd;

/// A handshake message on its way in. It reads not a byte further than the
/// message's end: what follows belongs to the lane.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    fd: Option<OwnedFd>,
}

impl Incoming {
    /// Reads on; the message's body once it is there whole.
    pub(crate) fn advance(
        &mut self,
        socket: &Socket,
        with_fd: bool,
    ) -> Result<Option<Vec<u8>>, HandshakeError> {
        loop {
            let former = self.bytes.len();
            let wanted = self.wanted()?;
            if former == wanted {
                return Ok(Some(std::mem::take(&mut self.bytes).split_off(4)));
            }
            // At most `LIMIT` bytes, and those only when they were announced.
            self.bytes.resize(wanted, 0);
            let got = self.read(socket, former, with_fd);
            self.bytes
                .truncate(former + if let Ok(Got::Bytes(count)) = got { count } else { 0 });
            match got? {
                Got::Bytes(_) => {}
                Got::Nothing => return Ok(None),
                Got::End => return Err(HandshakeError::Closed),
            }
        }
    }

    /// The file descriptor that came with the message.
    pub(crate) fn take_fd(&mut self) -> Option<OwnedFd> {
        self.fd.take()
    }

    fn read(&mut self, socket: &Socket, from: usize, with_fd: bool) -> Result<Got, HandshakeError> {
        if !with_fd {
            return Ok(socket.receive(&mut self.bytes[from..])?);
        }
        let (got, fd) = socket.receive_with_fd(&mut self.bytes[from..])?;
        if fd.is_some() {
            self.fd = fd;
        }
        Ok(got)
    }

    /// How long the message is with its length, as far as that is known.
    fn wanted(&self) -> Result<usize, HandshakeError> {
        let Some(length) = self.bytes.first_chunk::<4>() else {
            return Ok(4);
        };
        let length = u32::from_le_bytes(*length);
        if length > LIMIT {
            return Err(HandshakeError::Oversized { length, limit: LIMIT });
        }
        Ok(4 + length as usize)
    }
}
