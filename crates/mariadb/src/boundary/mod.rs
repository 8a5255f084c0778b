//! The language boundary. SAFETY.md has its rules.
//!
//! `types` mirrors shim/boundary.h; `server` is what Rust calls of the shim,
//! made safe; `describe` reads the shim's description of a table; the other
//! modules are what the shim calls.

mod alter_calls;
mod condition;
mod connection_calls;
mod describe;
mod discovery_calls;
mod estimate_calls;
mod foreign_calls;
mod guard;
mod handler_calls;
mod monitor_calls;
mod open_table;
mod plugin_calls;
mod server;
mod summary;
mod table_calls;
mod types;
mod upkeep_calls;
mod write_calls;
mod xa_calls;

pub(crate) use open_table::OpenTable;
pub(crate) use server::{Thd, checkpoint_reached, server_is_stopping};
use xa_calls::durability;
