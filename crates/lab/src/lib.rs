//! The laboratory: what VAMOS is tried and measured in.
//!
//! It prepares a machine ([`packages`]), fetches the pinned MariaDB
//! ([`mariadb_files`]), starts MariaDB natively ([`native`]) or in a stock
//! Debian guest ([`image`], [`payload`], [`vm`]), talks to it ([`sql_client`]),
//! starts the host daemon ([`daemon`]), makes a real workload ([`workload`]), plays isolation anomalies
//! ([`isolation`]), and counts what crosses
//! the boundary between guest and host ([`switches`]).
//!
//! It knows nothing of the channel, the protocol or the store: it handles
//! programs and files only. It is used by `cargo xtask` and by tests; nothing
//! that runs in production stands on it.
//!
//! Everything that it starts is a child process that dies with it, and
//! everything that it writes is below `target/lab/` of the workspace.

pub mod binlog_kills;
pub mod copy_kills;
pub mod daemon;
pub mod demo;
pub mod eval;
pub mod fuzz;
pub mod guest_stack;
pub mod image;
pub mod isolation;
pub mod kills;
pub mod local;
pub mod mariadb_files;
pub mod mtr;
pub mod myrocks;
pub mod native;
pub mod packages;
pub mod paths;
pub mod payload;
pub mod process;
pub mod rename_kills;
pub mod replication;
pub mod run_dir;
pub mod scripts;
pub mod sql_client;
pub mod switches;
pub mod vm;
pub mod workload;
pub mod xa_kills;

mod apt;
mod command;
mod datadir;
