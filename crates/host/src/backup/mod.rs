//! Backups of a guest's store: taken while it serves, kept in a directory, and
//! restored into a new store.
//!
//! The worker makes a checkpoint: a directory in its store with hard links to
//! the table files and a copy of the log, the state of one moment. Whoever takes
//! the backup (`vamos backup`, with the rights of its user) reads it and writes
//! the [`Repository`]; the supervisor only says where the checkpoint is and has
//! the worker remove it when the asking connection ends. See record 14.
//!
//! A repository holds each different content once, so that a second backup
//! copies only what is new. A backup exists from the moment in which its
//! manifest does: what breaks off before leaves the earlier ones as they were.

mod checkpoint;
mod content;
mod manifest;
mod repository;
#[cfg(test)]
mod repository_tests;
mod restore;

pub use manifest::{BackupFile, Manifest};
pub use repository::{Repository, Summary};
pub use restore::restore;

use crate::supervisor::Lease;
use anyhow::Result;
use std::path::Path;

/// Backs up a guest that is being served: asks the vamosd at `socket` for a
/// checkpoint, calls `taken` when there is one (what is committed from then on is
/// not in the backup), and copies what `repository` does not have.
///
/// # Errors
/// vamosd does not answer, has no such guest, or its worker cannot make a
/// checkpoint; a file cannot be read or written. The repository's earlier
/// backups are as they were.
pub fn back_up(socket: &Path, guest: &str, repository: &Repository, taken: impl FnOnce()) -> Result<Summary> {
    let lease = Lease::take(socket, guest)?;
    taken();
    let checkpoint = checkpoint::Checkpoint::open(lease.directory())?;
    let summary = repository.add(guest, &checkpoint)?;
    drop(lease);
    Ok(summary)
}
