//! The channel between a guest and its host: a *window* of shared memory with
//! *lanes* in it, each one conversation over two rings of bytes, and for each
//! lane a stream socket that carries the handshake and the *doorbells*.
//!
//! A lane carries *messages*: an opcode, a tag and a body of bytes, of any
//! length. What they mean is not this crate's business, and it has no threads
//! and no runtime: the guest's end ([`ClientLane`]) blocks, the host's end
//! ([`ServerLane`]) never does and is made for an event loop.
//!
//! Under load no side leaves its memory: both poll for a while before they
//! sleep, and a doorbell is rung only for a side that has said that it sleeps.
//! Without a window the same messages travel in the socket's stream, slower.
//!
//! Either side takes the other for hostile: see `SAFETY.md` in this crate.
//!
//! ```
//! use vamos_channel::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let endpoint: Endpoint = format!("unix:{}/lanes.sock", directory.path().display()).parse()?;
//!
//! // The host: a window, a listener, and who may come.
//! let lanes = LaneAllocator::new(Window::create_memfd(Layout::default())?, 256);
//! let listener = Listener::bind(&endpoint, ListenerOptions::default())?;
//! let policy = Admission::new().module("greeter", 1..=1);
//! let host = std::thread::spawn(move || {
//!     // A runtime would wait for `listener`, the handshake and the lane in epoll.
//!     let mut pending = loop {
//!         if let Ok(Some(pending)) = listener.accept() { break pending }
//!     };
//!     let mut lane = loop {
//!         match pending.advance(&policy, &lanes) {
//!             Handshake::Ready(lane) => break lane,
//!             Handshake::NeedsInput => std::thread::yield_now(),
//!             other => panic!("{other:?}"),
//!         }
//!     };
//!     let mut name = Vec::new();
//!     let request = loop {
//!         if let Some(request) = lane.try_recv(&mut name)? { break request }
//!     };
//!     lane.try_send(2, request.tag, &[b"hello, ", &name[..]].concat())?;
//!     lane.flush()?;
//!     Ok::<_, LaneError>(lane)
//! });
//!
//! // The guest: asks and waits for the answer.
//! let hello =
//!     Hello { module: "greeter".into(), module_version: 1, wants_window: true, token: Token::default() };
//! let mut lane = ClientLane::connect(&endpoint, &hello, &ClientOptions::default())?;
//! assert_eq!(lane.mode(), Mode::Window);
//! lane.send(1, 7, b"world")?;
//! let mut answer = Vec::new();
//! assert_eq!(lane.recv(&mut answer, None)?, Some(Received { opcode: 2, tag: 7 }));
//! assert_eq!(answer, b"hello, world");
//! # drop(host.join());
//! # Ok(())
//! # }
//! ```

#[cfg(not(all(target_endian = "little", target_pointer_width = "64", target_os = "linux")))]
compile_error!("the channel is written for 64-bit little-endian Linux on both sides");

mod client;
mod counters;
mod devdax;
mod endpoint;
mod error;
mod frame;
mod handshake;
mod hello;
mod host;
mod layout;
#[cfg(test)]
#[cfg(loom)]
mod loom_model;
mod path;
mod ring;
mod shared;
mod sleeper;
mod socket;
mod sync;
mod vsock;
mod window;
mod wire;

pub use client::{ClientLane, ClientOptions, WindowSource};
pub use counters::LaneCounters;
pub use endpoint::{Endpoint, EndpointError};
pub use error::{ConnectError, Corruption, HandshakeError, LaneError, ListenError, WindowError};
pub use frame::{DEFAULT_MAX_MESSAGE, Received};
pub use hello::{CHANNEL_VERSION, Hello, Mode, OLDEST_CHANNEL_VERSION, Refusal, RefusalCode, Token};
pub use host::{
    Admission, Handshake, LaneAllocator, LaneWatch, Listener, ListenerOptions, Peer, PeerCredentials,
    Pending, Policy, ServerLane,
};
pub use layout::{LAYOUT_VERSION, Layout};
pub use sleeper::Wants;
pub use socket::LaneProbe;
pub use window::Window;
