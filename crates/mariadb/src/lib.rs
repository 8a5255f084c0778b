//! `ha_vamos.so`: the VAMOS storage engine for MariaDB.
//!
//! The server calls the C++ shim (`shim/`), which does what only C++ can (it
//! derives from the server's classes) and calls this crate for the rest:
//!
//! - `boundary`: the functions that the shim calls, and those of the server's
//!   that Rust calls. All of the crate's `unsafe` is there and in the two small
//!   places that SAFETY.md names.
//! - `engine`: connections, tables, scans, changes, over `vamos-guest`.
//! - `codec`: MariaDB's record buffers and keys made into bytes and back. No
//!   I/O, no server.
//!
//! The crate is not a library for others: its product is the plugin.

mod boundary;
pub mod codec;
mod engine;
