//! The host's side: pieces that never block, for an event-driven runtime.

mod allocator;
mod lane;
mod link;
mod listener;
mod outbox;
mod pending;
mod policy;
mod watch;

pub use allocator::LaneAllocator;
pub use lane::ServerLane;
pub use listener::{Listener, ListenerOptions};
pub use pending::{Handshake, Pending};
pub use policy::{Admission, Peer, PeerCredentials, Policy};
pub use watch::LaneWatch;
