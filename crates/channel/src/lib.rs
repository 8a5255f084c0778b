//! The channel between a guest and its host: a window of shared memory with
//! lanes of rings in it, and a stream socket for each lane that carries the
//! handshake and the doorbells.
//!
//! A lane carries *messages*: an opcode, a tag and a body of bytes. This crate
//! knows nothing of what they mean; `vamos-proto` knows nothing of how they
//! travel.

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
#[cfg(all(test, loom))]
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
pub use window::Window;
