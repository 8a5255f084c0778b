//! The stream socket of a lane: never blocking by itself.

use crate::vsock::{self, VsockAddress};
use crate::{Endpoint, LaneError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The byte that is a doorbell.
pub(crate) const DOORBELL: u8 = 0xd0;

/// Doorbells that one call takes out of the socket at most.
const DRAIN: usize = 256;

/// A connected stream socket, in non-blocking mode.
#[derive(Debug)]
pub(crate) struct Socket(Arc<OwnedFd>);

/// What a read from a socket brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    End,
}

impl Socket {
    /// A socket that was accepted in non-blocking mode.
    pub(crate) fn accepted(fd: OwnedFd) -> Self {
        Self(Arc::new(fd))
    }

    /// Connects until the deadline.
    pub(crate) fn connect(endpoint: &Endpoint, deadline: Instant) -> Result<Self, Errno> {
        let socket = Self(Arc::new(new_stream(endpoint)?));
        loop {
            let connected = match endpoint {
                Endpoint::Unix(path) => {
                    rustix::net::connect(&socket.0, &SocketAddrUnix::new(path.as_path())?)
                }
                Endpoint::Vsock { cid, port } => rustix::net::connect(
                    &socket.0,
                    &VsockAddress {
                        cid: cid.unwrap_or(vsock::ANY),
                        port: *port,
                    },
                ),
            };
            match connected {
                Ok(()) | Err(Errno::ISCONN) => return Ok(socket),
                // A Unix listener's queue is full: it has to be tried again.
                Err(Errno::AGAIN) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(Errno::INPROGRESS | Errno::ALREADY) => {
                    if !socket.wait(PollFlags::OUT, Some(deadline))? {
                        return Err(Errno::TIMEDOUT);
                    }
                    rustix::net::sockopt::socket_error(&socket.0)??;
                    return Ok(socket);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sleeps until the socket is ready or has failed (`true`), or the
    /// deadline has passed (`false`).
    pub(crate) fn wait(&self, flags: PollFlags, deadline: Option<Instant>) -> Result<bool, Errno> {
        loop {
            let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let timeout = rest.map(|rest| Timespec {
                tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: rest.subsec_nanos().into(),
            });
            match poll(&mut [PollFd::new(&self.0, flags)], timeout.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the socket is ready for this now, or has failed.
    pub(crate) fn is_ready(&self, flags: PollFlags) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // An error is something that the next call on the socket will tell.
        poll(&mut [PollFd::new(&self.0, flags)], Some(&now)) != Ok(0)
    }

    /// Whether the other side has hung up, whatever of it is still to be read.
    pub(crate) fn has_hung_up(&self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let ended = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        let mut socket = [PollFd::new(&self.0, PollFlags::RDHUP)];
        poll(&mut socket, Some(&now)).is_ok() && socket[0].revents().intersects(ended)
    }

    /// Reads what is there into a buffer that has room.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<Got, Errno> {
        loop {
            match rustix::net::recv(&self.0, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) | Err(Errno::CONNRESET | Errno::PIPE) => return Ok(Got::End),
                Ok((count, _)) => return Ok(Got::Bytes(count)),
                Err(Errno::AGAIN) => return Ok(Got::Nothing),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what is there and at most one file descriptor that comes with it.
    pub(crate) fn receive_with_fd(&self, buffer: &mut [u8]) -> Result<(Got, Option<OwnedFd>), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let got = loop {
            match recvmsg(&self.0, &mut [IoSliceMut::new(buffer)], &mut control, flags) {
                Ok(message) if message.flags.contains(ReturnFlags::CTRUNC) => return Err(Errno::MSGSIZE),
                Ok(message) if message.bytes == 0 => break Got::End,
                Ok(message) => break Got::Bytes(message.bytes),
                Err(Errno::CONNRESET | Errno::PIPE) => break Got::End,
                Err(Errno::AGAIN) => break Got::Nothing,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        };
        let mut fd = None;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                fd = fds.last();
            }
        }
        Ok((got, fd))
    }

    /// Writes what there is room for: 0 if there is none now.
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        loop {
            match rustix::net::send(&self.0, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Err(Errno::AGAIN) => return Ok(0),
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Writes bytes, the first of them with a file descriptor.
    pub(crate) fn send_with_fd(&self, bytes: &[u8], fd: BorrowedFd<'_>) -> Result<usize, Errno> {
        let fds = [fd];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
            return Err(Errno::MSGSIZE);
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags)
    }

    /// Rings the other side's doorbell.
    pub(crate) fn ring(&self) -> Result<(), LaneError> {
        match self.send(&[DOORBELL]) {
            // No room means that it has doorbells that it has not even read.
            // And that it is gone is told to who waits for it, after what it
            // has left behind was received.
            Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
            Err(error) => Err(LaneError::Socket(error)),
        }
    }

    /// Takes the doorbells that are there and counts them.
    pub(crate) fn drain_doorbells(&self) -> Result<usize, LaneError> {
        let mut bytes = [0; DRAIN];
        match self.receive(&mut bytes).map_err(LaneError::Socket)? {
            Got::Nothing => Ok(0),
            Got::End => Err(LaneError::Closed),
            Got::Bytes(count) => match bytes[..count].iter().find(|&&byte| byte != DOORBELL) {
                Some(&byte) => Err(crate::Corruption::NotADoorbell(byte).into()),
                None => Ok(count),
            },
        }
    }

    /// Tells the other side that nothing more will come, whoever else holds
    /// the socket.
    pub(crate) fn shut_down(&self) {
        // It fails only if the other side was faster.
        let _ = rustix::net::shutdown(&self.0, Shutdown::Both);
    }
}

/// Tells, in any thread, whether a lane's other side is still there. It keeps nothing open.
#[derive(Clone, Debug)]
pub struct LaneProbe(Weak<OwnedFd>);

impl LaneProbe {
    pub(crate) fn new(socket: &Socket) -> Self {
        Self(Arc::downgrade(&socket.0))
    }

    /// Whether neither side has closed the lane, or is gone, as far as this side's kernel
    /// knows: one system call.
    pub fn is_open(&self) -> bool {
        let socket = self.0.upgrade().map(Socket);
        socket.is_some_and(|socket| !socket.has_hung_up())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A new stream socket of the endpoint's kind, non-blocking.
fn new_stream(endpoint: &Endpoint) -> Result<OwnedFd, Errno> {
    let family = match endpoint {
        Endpoint::Unix(_) => AddressFamily::UNIX,
        Endpoint::Vsock { .. } => AddressFamily::VSOCK,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(family, SocketType::STREAM, flags, None)
}

/// A socket bound to the endpoint, not yet listening, so that its permissions
/// can be set before anyone can connect.
pub(crate) fn bind(endpoint: &Endpoint) -> Result<OwnedFd, Errno> {
    let fd = new_stream(endpoint)?;
    match endpoint {
        Endpoint::Unix(path) => rustix::net::bind(&fd, &SocketAddrUnix::new(path.as_path())?)?,
        Endpoint::Vsock { cid, port } => {
            rustix::net::bind(
                &fd,
                &VsockAddress {
                    cid: cid.unwrap_or(vsock::ANY),
                    port: *port,
                },
            )?;
        }
    }
    Ok(fd)
}

/// Whether somebody listens on the Unix socket at this path.
pub(crate) fn is_alive(path: &Path) -> bool {
    let connected = new_stream(&Endpoint::Unix(path.to_owned()))
        .and_then(|fd| rustix::net::connect(&fd, &SocketAddrUnix::new(path)?));
    // A full queue has a listener, too.
    matches!(connected, Ok(()) | Err(Errno::AGAIN))
}
