//! The host's side: pieces that never block, for an event-driven runtime.

mod lane;
mod listener;
mod pending;
mod policy;
mod watch;

pub use lane::ServerLane;
pub use listener::{Listener, ListenerOptions};
pub use pending::{Handshake, LaneAllocator, Pending};
pub use policy::{Admission, Peer, PeerCredentials, Policy};
pub use watch::{LaneWatch, Wants};
