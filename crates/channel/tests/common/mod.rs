//! A bed on which the two sides of a lane can be tried, for each transport.

#![allow(dead_code)] // each test file uses its part

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vamos_channel::*;

/// Longer than anything takes on a slow machine; a test that waits so long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The ways to carry a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A Unix socket that passes a memfd.
    UnixWindow,
    /// A Unix socket, messages in the stream.
    UnixStream,
    /// A Unix socket as a virtual machine monitor offers it for a guest's
    /// vsock, and a file that stands in for the guest's devdax device.
    VsockFormWindow,
    /// AF_VSOCK over the kernel's loopback, messages in the stream.
    VsockLoopback,
}

/// A host that listens, and what a guest needs to know.
pub(crate) struct Bed {
    pub(crate) transport: Transport,
    pub(crate) listener: Listener,
    pub(crate) lanes: LaneAllocator,
    pub(crate) policy: Admission,
    pub(crate) endpoint: Endpoint,
    pub(crate) options: ClientOptions,
    pub(crate) hello: Hello,
    pub(crate) dir: tempfile::TempDir,
}

/// A small window, so that everything wraps soon.
pub(crate) fn small_layout() -> Layout {
    Layout::new(8, 4096, 16384).unwrap()
}

impl Bed {
    pub(crate) fn new(transport: Transport) -> Self {
        Self::with(transport, small_layout(), ListenerOptions::default())
    }

    pub(crate) fn with(transport: Transport, layout: Layout, options: ListenerOptions) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let (endpoint, connect_to) = match transport {
            Transport::VsockLoopback => {
                let port = 20000 + std::process::id() % 20000 + next_number();
                (
                    Endpoint::Vsock { cid: None, port },
                    Endpoint::Vsock { cid: Some(1), port },
                )
            }
            Transport::VsockFormWindow => {
                let endpoint = Endpoint::Unix(dir.path().join("vm.vsock_5000"));
                (endpoint.clone(), endpoint)
            }
            _ => {
                let endpoint = Endpoint::Unix(dir.path().join("lane.sock"));
                (endpoint.clone(), endpoint)
            }
        };
        let window_path = dir.path().join("window");
        let lanes = match transport {
            Transport::UnixWindow => LaneAllocator::new(Window::create_memfd(layout).unwrap(), u32::MAX),
            Transport::VsockFormWindow => {
                LaneAllocator::new(Window::create_file(&window_path, layout).unwrap(), u32::MAX)
            }
            _ => LaneAllocator::without_window(8),
        };
        let window = (transport == Transport::VsockFormWindow).then_some(WindowSource::File {
            path: window_path,
            offset: 0x20_0000,
        });
        Self {
            transport,
            listener: Listener::bind(&endpoint, options).unwrap(),
            lanes,
            policy: Admission::new()
                .module("test", 1..=2)
                .token(Token::new(*b"sesame")),
            endpoint: connect_to,
            options: ClientOptions {
                window,
                ..ClientOptions::default()
            },
            hello: Hello {
                module: "test".into(),
                module_version: 1,
                wants_window: transport.has_window(),
                token: Token::new(*b"sesame"),
            },
            dir,
        }
    }

    /// Where the window's file is, for transports that have one.
    pub(crate) fn window_path(&self) -> PathBuf {
        self.dir.path().join("window")
    }

    /// Connects a guest in a thread of its own.
    pub(crate) fn connecting(&self) -> JoinHandle<Result<ClientLane, ConnectError>> {
        let (endpoint, hello, options) = (self.endpoint.clone(), self.hello.clone(), self.options.clone());
        thread::spawn(move || ClientLane::connect(&endpoint, &hello, &options))
    }

    /// Waits for a connection.
    pub(crate) fn accept(&self) -> Pending {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(pending) = self.listener.accept().unwrap() {
                return pending;
            }
            assert!(Instant::now() < end, "nobody connects");
            wait_for(&self.listener, PollFlags::IN, Duration::from_millis(100));
        }
    }

    /// Takes a connection's handshake to its end.
    pub(crate) fn shake(&self, mut pending: Pending) -> Handshake {
        let end = Instant::now() + PATIENCE;
        loop {
            match pending.advance(&self.policy, &self.lanes) {
                Handshake::NeedsInput => {}
                other => return other,
            }
            assert!(Instant::now() < end, "the handshake does not end");
            wait_for(&pending, PollFlags::IN, Duration::from_millis(20));
        }
    }

    /// Opens a lane and returns both ends.
    pub(crate) fn open(&self) -> (ClientLane, ServerLane) {
        let connecting = self.connecting();
        match self.shake(self.accept()) {
            Handshake::Ready(lane) => (connecting.join().unwrap().unwrap(), lane),
            other => panic!("{other:?}, {:?}", connecting.join()),
        }
    }

    /// Tries to open a lane and returns what both sides were told.
    pub(crate) fn refuse(&self) -> (Refusal, Refusal) {
        let connecting = self.connecting();
        let host = self.shake(self.accept());
        match (connecting.join().unwrap(), host) {
            (Err(ConnectError::Refused(guest)), Handshake::Refused(host)) => (guest, host),
            other => panic!("{other:?}"),
        }
    }
}

impl Transport {
    pub(crate) fn has_window(self) -> bool {
        matches!(self, Self::UnixWindow | Self::VsockFormWindow)
    }

    /// Whether this machine has it; says so if not.
    pub(crate) fn is_here(self) -> bool {
        static WORKS: OnceLock<bool> = OnceLock::new();
        if self != Self::VsockLoopback || *WORKS.get_or_init(vsock_loopback_works) {
            return true;
        }
        println!(
            "skipped: AF_VSOCK has no loopback on this machine (no /dev/vsock, or no vsock_loopback module)"
        );
        false
    }
}

/// A listener on AF_VSOCK can be had on machines where nobody can connect to it.
fn vsock_loopback_works() -> bool {
    let port = 20000 + std::process::id() % 20000 + next_number();
    let Ok(listener) = Listener::bind(&Endpoint::Vsock { cid: None, port }, ListenerOptions::default())
    else {
        return false;
    };
    let options = ClientOptions {
        connect_timeout: Duration::from_millis(500),
        ..ClientOptions::default()
    };
    let hello = Hello {
        module: String::new(),
        module_version: 0,
        wants_window: false,
        token: Token::default(),
    };
    let endpoint = Endpoint::Vsock { cid: Some(1), port };
    let connecting = thread::spawn(move || ClientLane::connect(&endpoint, &hello, &options));
    let mut arrived = false;
    while !connecting.is_finished() && !arrived {
        arrived = matches!(listener.accept(), Ok(Some(_)));
        thread::sleep(Duration::from_millis(5));
    }
    arrived
}

fn next_number() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Sleeps until the descriptor is ready, at most so long.
pub(crate) fn wait_for(fd: &impl AsFd, flags: PollFlags, time: Duration) {
    let timeout = Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: time.subsec_nanos().into(),
    };
    poll(&mut [PollFd::new(fd, flags)], Some(&timeout)).unwrap();
}

/// What a host's runtime does for one lane: waits until there is something to
/// do. `wants.space` is taken from the outbox.
pub(crate) fn wait_as_host(lane: &mut ServerLane) -> Result<(), LaneError> {
    lane.flush()?;
    let wants = Wants {
        input: true,
        space: !lane.outbox_is_empty(),
    };
    let mut flags = PollFlags::IN;
    if lane.mode() == Mode::Stream && wants.space {
        flags |= PollFlags::OUT;
    }
    if !lane.sleep_begin(wants) {
        wait_for(lane, flags, PATIENCE);
    }
    lane.sleep_end();
    lane.drain_doorbells()?;
    lane.pump()?;
    Ok(())
}

/// Waits for the guest's next message, as a host.
pub(crate) fn recv_as_host(lane: &mut ServerLane, body: &mut Vec<u8>) -> Result<Received, LaneError> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(received) = lane.try_recv(body)? {
            return Ok(received);
        }
        assert!(Instant::now() < end, "no message comes");
        match wait_as_host(lane) {
            // The next receive tells, after what is still there.
            Ok(()) | Err(LaneError::Closed) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until everything is sent, as a host.
pub(crate) fn finish_as_host(lane: &mut ServerLane) -> Result<(), LaneError> {
    lane.flush()?;
    let end = Instant::now() + PATIENCE;
    while !lane.pump()? {
        assert!(Instant::now() < end, "the guest takes nothing");
        let wants = Wants {
            input: false,
            space: true,
        };
        let flags = if lane.mode() == Mode::Stream {
            PollFlags::OUT
        } else {
            PollFlags::IN
        };
        if !lane.sleep_begin(wants) {
            wait_for(lane, flags, PATIENCE);
        }
        lane.sleep_end();
        lane.drain_doorbells()?;
    }
    Ok(())
}

/// A host that sends every message back until the guest hangs up; it returns
/// how the lane ended.
pub(crate) fn echo(mut lane: ServerLane) -> JoinHandle<LaneError> {
    thread::spawn(move || {
        let mut body = Vec::new();
        loop {
            let echoed = recv_as_host(&mut lane, &mut body)
                .and_then(|received| send_as_host(&mut lane, received.opcode, received.tag, &body));
            if let Err(error) = echoed {
                return error;
            }
        }
    })
}

/// Sends a message, waiting for room in the outbox, as a host.
pub(crate) fn send_as_host(
    lane: &mut ServerLane,
    opcode: u16,
    tag: u32,
    body: &[u8],
) -> Result<(), LaneError> {
    match lane.try_send(opcode, tag, body) {
        Err(LaneError::OutboxFull { .. }) => {
            finish_as_host(lane)?;
            lane.try_send(opcode, tag, body)
        }
        other => other,
    }
}

/// Receives with patience, as a guest.
pub(crate) fn recv(lane: &mut ClientLane, body: &mut Vec<u8>) -> Result<Received, LaneError> {
    Ok(lane
        .recv(body, Some(Instant::now() + PATIENCE))?
        .expect("a message in time"))
}

/// Bytes that show where they are.
pub(crate) fn pattern(length: usize, seed: u32) -> Vec<u8> {
    (0..length)
        .map(|i| {
            (i as u32)
                .wrapping_mul(2_654_435_761)
                .wrapping_add(seed)
                .to_le_bytes()[3]
        })
        .collect()
}
