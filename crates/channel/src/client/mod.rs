//! The guest's side of a lane: blocking.

mod claims;
mod connect;
mod lane;
mod options;
mod place;
mod polling;

pub use lane::ClientLane;
pub use options::{ClientOptions, WindowSource};
