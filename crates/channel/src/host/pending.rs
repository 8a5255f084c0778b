//! A connection on its way to becoming a lane.

use super::allocator::Ticket;
use super::lane::Guest;
use super::link::Link;
use super::{LaneAllocator, ListenerOptions, Peer, Policy, ServerLane};
use crate::handshake::Incoming;
use crate::layout::LaneRings;
use crate::socket::Socket;
use crate::window::Kind;
use crate::wire::{self, Accept, Answer, Offer, Welcome};
use crate::{CHANNEL_VERSION, HandshakeError, Hello, Mode, OLDEST_CHANNEL_VERSION, Refusal, RefusalCode};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

/// How a handshake stands.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is matched once where it is made, and never kept"
)]
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
/// blocking, so that a silent guest holds up nobody. How many of them may be
/// open at a time is for the runtime to bound.
#[derive(Debug)]
pub struct Pending {
    socket: Arc<Socket>,
    peer: Peer,
    incoming: Incoming,
    admitted: Option<Admitted>,
    finished: bool,
    deadline: Instant,
    options: ListenerOptions,
}

/// A guest that was welcomed and has not yet accepted.
#[derive(Debug)]
struct Admitted {
    hello: Hello,
    ticket: Ticket,
    rings: Option<LaneRings>,
}

/// Why a step could not be taken.
enum Stop {
    Refused(Refusal),
    Failed(HandshakeError),
}

impl<E: Into<HandshakeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Pending {
    /// `None` if the peer is gone already.
    pub(super) fn new(socket: Socket, options: &ListenerOptions) -> Option<Self> {
        let peer = Peer::of(&socket)?;
        Some(Self {
            socket: Arc::new(socket),
            peer,
            incoming: Incoming::default(),
            admitted: None,
            finished: false,
            deadline: Instant::now() + options.handshake_timeout,
            options: options.clone(),
        })
    }

    /// Takes the steps that can be taken now.
    pub fn advance(&mut self, policy: &dyn Policy, lanes: &LaneAllocator) -> Handshake {
        if self.finished {
            return Handshake::Failed(HandshakeError::Closed);
        }
        let stand = self.take_steps(policy, lanes);
        self.finished = !matches!(stand, Handshake::NeedsInput);
        stand
    }

    fn take_steps(&mut self, policy: &dyn Policy, lanes: &LaneAllocator) -> Handshake {
        match self.step(policy, lanes) {
            Ok(Some(lane)) => Handshake::Ready(lane),
            Ok(None) if Instant::now() < self.deadline => Handshake::NeedsInput,
            Ok(None) => Handshake::Failed(HandshakeError::TimedOut(self.options.handshake_timeout)),
            Err(Stop::Failed(error)) => Handshake::Failed(error),
            Err(Stop::Refused(refusal)) => {
                // If it cannot be told it will see that we hang up.
                let _ = self.send(&Answer::Refused(refusal.clone()), None);
                Handshake::Refused(refusal)
            }
        }
    }

    /// When the handshake's time is up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    fn step(&mut self, policy: &dyn Policy, lanes: &LaneAllocator) -> Result<Option<ServerLane>, Stop> {
        if self.admitted.is_none() {
            let Some(body) = self.receive()? else {
                return Ok(None);
            };
            self.admit(&body, policy, lanes)?;
        }
        let Some(body) = self.receive()? else {
            return Ok(None);
        };
        let accept = wire::decode_accept(&body)?;
        Ok(Some(self.open(accept)?))
    }

    fn receive(&mut self) -> Result<Option<Vec<u8>>, HandshakeError> {
        self.incoming.advance(&self.socket, false)
    }

    fn admit(&mut self, body: &[u8], policy: &dyn Policy, lanes: &LaneAllocator) -> Result<(), Stop> {
        let known = (OLDEST_CHANNEL_VERSION, CHANNEL_VERSION);
        let greeting = wire::decode_hello(body, known)?;
        let version = wire::common_version(greeting.versions, known);
        let (Some(version), Some(hello)) = (version, greeting.hello) else {
            return Err(Stop::Refused(version_refusal(greeting.versions)));
        };
        policy.admit(&hello, &self.peer).map_err(Stop::Refused)?;
        let ticket = lanes.take().ok_or_else(|| Stop::Refused(no_lane(lanes)))?;
        let window = lanes.window().filter(|_| hello.wants_window);
        let rings = window.and_then(|_| ticket.fresh_rings());
        let offer = match window.map(|window| window.kind()) {
            Some(Kind::Memfd) if matches!(self.peer, Peer::Unix(_)) => Offer::Memfd,
            Some(Kind::Device) => Offer::Device,
            _ => Offer::None,
        };
        let welcome = Welcome {
            version,
            offer,
            lane: ticket.index(),
            id: window.map_or([0; 16], |window| window.id()),
            epoch: window.map_or(0, |window| window.epoch()),
            request_ring: window.map_or(0, |window| window.layout().request_ring()),
            response_ring: window.map_or(0, |window| window.layout().response_ring()),
        };
        let fd = window.filter(|_| offer == Offer::Memfd).map(|window| window.fd());
        self.send(&Answer::Welcome(welcome), fd)?;
        let rings = rings.filter(|_| offer != Offer::None);
        self.admitted = Some(Admitted { hello, ticket, rings });
        Ok(())
    }

    fn open(&mut self, accept: Accept) -> Result<ServerLane, HandshakeError> {
        let admitted = self.admitted.take().ok_or(HandshakeError::Closed)?;
        let rings = match (accept.mode, admitted.rings) {
            (Mode::Window, None) => {
                let what = "it accepts a window that was not offered";
                return Err(HandshakeError::Malformed {
                    message: "acceptance",
                    what,
                });
            }
            (Mode::Window, rings) => rings,
            (Mode::Stream, _) => None,
        };
        let reason = Some(accept.reason).filter(|reason| !reason.is_empty());
        let link = Link {
            socket: Arc::clone(&self.socket),
            rings,
            ticket: admitted.ticket,
        };
        Ok(ServerLane::new(
            link,
            Guest {
                hello: admitted.hello,
                peer: self.peer,
                reason,
            },
            &self.options,
        ))
    }

    fn send(&self, answer: &Answer, fd: Option<BorrowedFd<'_>>) -> Result<(), HandshakeError> {
        let bytes = wire::encode_answer(answer);
        let sent = match fd {
            Some(fd) => self.socket.send_with_fd(&bytes, fd)?,
            None => self.socket.send(&bytes)?,
        };
        // Nothing was sent before, so there is room unless something is wrong.
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(HandshakeError::Socket(Errno::AGAIN))
        }
    }
}

fn version_refusal((oldest, newest): (u16, u16)) -> Refusal {
    let message = format!(
        "the guest speaks channel versions {oldest} to {newest} and this host {OLDEST_CHANNEL_VERSION} to \
         {CHANNEL_VERSION}; update the older side"
    );
    Refusal::new(RefusalCode::ChannelVersion, message)
}

fn no_lane(lanes: &LaneAllocator) -> Refusal {
    let message = format!(
        "all {} lanes are in use; close one, or raise the limit",
        lanes.max_lanes()
    );
    Refusal::new(RefusalCode::NoLane, message)
}

impl AsFd for Pending {
    /// The connection; readable when [`advance`](Self::advance) can go on.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
