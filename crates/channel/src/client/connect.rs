//! The guest's part of the handshake.

use super::claims::Claim;
use super::lane::ClientLane;
use super::options::{ClientOptions, WindowSource};
use super::place::Place;
use crate::handshake::Incoming;
use crate::path::{Path, RingPath, StreamPath};
use crate::sleeper::Sleeper;
use crate::socket::Socket;
use crate::wire::{self, Accept, Answer, Offer, Welcome};
use crate::{
    CHANNEL_VERSION, ConnectError, Endpoint, HandshakeError, Hello, Mode, OLDEST_CHANNEL_VERSION, Window,
    WindowError,
};
use rustix::event::PollFlags;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How many more lanes are tried, with pauses that double from 1 ms on, when each lane
/// of the window was given once and this process still holds it: 255 ms in all.
const MORE_ATTEMPTS: u32 = 8;

/// What the window's side of the handshake came to.
enum Entry {
    /// Into the window.
    Window(Window, Claim),
    /// Into the stream; why, if a window was wanted.
    Stream(Option<String>),
    /// Out again: this process still holds the lane, of a window of so many.
    Held { lanes: u32 },
}

/// Connects and shakes hands.
pub(super) fn connect(
    endpoint: &Endpoint,
    hello: &Hello,
    options: &ClientOptions,
) -> Result<ClientLane, ConnectError> {
    if let Endpoint::Vsock { cid: None, .. } = endpoint {
        return Err(ConnectError::NotConnectable {
            endpoint: endpoint.to_string(),
        });
    }
    let deadline = Instant::now() + options.connect_timeout;
    let failed = |source| ConnectError::Handshake {
        endpoint: endpoint.to_string(),
        source,
    };
    let mut attempt = 0;
    loop {
        let socket = Socket::connect(endpoint, deadline).map_err(|error| ConnectError::Unreachable {
            endpoint: endpoint.to_string(),
            source: error.into(),
        })?;
        let mut shaking = Shaking {
            socket: &socket,
            deadline,
            timeout: options.connect_timeout,
        };
        let (answer, fd) = shaking.greet(hello).map_err(failed)?;
        let welcome = match answer {
            Answer::Welcome(welcome) => welcome,
            Answer::Refused(refusal) => return Err(ConnectError::Refused(refusal)),
        };
        match enter(&welcome, fd, hello, options) {
            Entry::Held { lanes } => {
                attempt += 1;
                if !pause_before(attempt, lanes, deadline) {
                    return Err(ConnectError::LaneStillHeld { lane: welcome.lane });
                }
            }
            Entry::Window(window, claim) => {
                shaking.accept(Mode::Window, "").map_err(failed)?;
                return open(socket, &welcome, options, window, claim).map_err(failed);
            }
            Entry::Stream(reason) => {
                shaking
                    .accept(Mode::Stream, reason.as_deref().unwrap_or(""))
                    .map_err(failed)?;
                let path = Path::Stream(StreamPath::new());
                return Ok(ClientLane::new(socket, path, None, welcome.lane, reason, options));
            }
        }
    }
}

/// Whether to ask for another lane after so many that this process still holds: other
/// sessions of it do until they are used again, perhaps all but one. The host gives out
/// one after the other, so a turn through the window needs no pauses; after it a moment
/// lets both sides notice what has ended.
fn pause_before(attempt: u32, lanes: u32, deadline: Instant) -> bool {
    let pauses = (attempt + 1).saturating_sub(lanes);
    if pauses > MORE_ATTEMPTS || Instant::now() >= deadline {
        return false;
    }
    if pauses > 0 {
        std::thread::sleep(Duration::from_millis(1 << (pauses - 1)));
    }
    true
}

/// A handshake in progress.
struct Shaking<'s> {
    socket: &'s Socket,
    deadline: Instant,
    timeout: Duration,
}

impl Shaking<'_> {
    fn greet(&mut self, hello: &Hello) -> Result<(Answer, Option<OwnedFd>), HandshakeError> {
        self.write(&wire::encode_hello(
            hello,
            (OLDEST_CHANNEL_VERSION, CHANNEL_VERSION),
        )?)?;
        let mut incoming = Incoming::default();
        loop {
            if let Some(body) = incoming.advance(self.socket, true)? {
                let answer = wire::decode_answer(&body)?;
                check_version(&answer)?;
                return Ok((answer, incoming.take_fd()));
            }
            self.wait(PollFlags::IN)?;
        }
    }

    fn accept(&mut self, mode: Mode, reason: &str) -> Result<(), HandshakeError> {
        self.write(&wire::encode_accept(&Accept {
            mode,
            reason: reason.to_owned(),
        }))
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), HandshakeError> {
        while !bytes.is_empty() {
            match self.socket.send(bytes) {
                Ok(0) => self.wait(PollFlags::OUT)?,
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::PIPE) => return Err(HandshakeError::Closed),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn wait(&mut self, flags: PollFlags) -> Result<(), HandshakeError> {
        let in_time = self.socket.wait(flags, Some(self.deadline))?;
        if in_time {
            Ok(())
        } else {
            Err(HandshakeError::TimedOut(self.timeout))
        }
    }
}

fn check_version(answer: &Answer) -> Result<(), HandshakeError> {
    let known = OLDEST_CHANNEL_VERSION..=CHANNEL_VERSION;
    match answer {
        Answer::Welcome(welcome) if !known.contains(&welcome.version) => {
            let what = "it chose a channel version that was not offered";
            Err(HandshakeError::Malformed {
                message: "welcome",
                what,
            })
        }
        _ => Ok(()),
    }
}

/// Finds the window and claims the lane in it.
fn enter(welcome: &Welcome, fd: Option<OwnedFd>, hello: &Hello, options: &ClientOptions) -> Entry {
    if !hello.wants_window {
        return Entry::Stream(None);
    }
    if welcome.offer == Offer::None {
        return Entry::Stream(Some("the host offers no window".to_owned()));
    }
    match find(welcome, fd, options) {
        Ok(window) => match Claim::new(window.key(), welcome.lane) {
            Some(claim) => Entry::Window(window, claim),
            None => Entry::Held {
                lanes: window.layout().lanes(),
            },
        },
        Err(error) => Entry::Stream(Some(error.to_string())),
    }
}

/// The window, if it is the one that the host means.
fn find(welcome: &Welcome, fd: Option<OwnedFd>, options: &ClientOptions) -> Result<Window, WindowError> {
    let window = match (welcome.offer, fd, &options.window) {
        (Offer::Memfd, Some(fd), _) => Window::open_fd(fd)?,
        (Offer::Memfd, None, _) => return Err(WindowError::NotPassed),
        (_, _, Some(WindowSource::Dax(path))) => Window::open_dax(path)?,
        (_, _, Some(WindowSource::File { path, offset })) => Window::open_file(path, *offset)?,
        (_, _, None) => return Err(WindowError::NoSource),
    };
    let differs = |what| Err(WindowError::NotTheHosts { what });
    let layout = window.layout();
    if window.id() != welcome.id {
        return differs("its id");
    }
    if window.epoch() != welcome.epoch {
        return differs("its epoch");
    }
    if (layout.request_ring(), layout.response_ring()) != (welcome.request_ring, welcome.response_ring) {
        return differs("the size of its rings");
    }
    if welcome.lane >= layout.lanes() {
        return differs("its number of lanes");
    }
    Ok(window)
}

fn open(
    socket: Socket,
    welcome: &Welcome,
    options: &ClientOptions,
    window: Window,
    claim: Claim,
) -> Result<ClientLane, HandshakeError> {
    // `find` has checked the index; a mapping is never shorter than its layout.
    let rings = window.lane(welcome.lane).ok_or(WindowError::NotTheHosts {
        what: "its number of lanes",
    })?;
    let path = Path::Rings(RingPath::new(rings.request.clone(), rings.response.clone()));
    let place = Place {
        sleeper: Sleeper::new(rings.request, rings.response),
        window,
        _claim: claim,
    };
    Ok(ClientLane::new(
        socket,
        path,
        Some(place),
        welcome.lane,
        None,
        options,
    ))
}
