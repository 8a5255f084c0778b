//! The time for which a worker keeps a checkpoint: as long as a connection to
//! the status socket.

use super::status_socket::{Query, Refused, connect};
use crate::worker::link;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a checkpoint may take: the worker writes out what is in memory.
pub(super) const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(300);

/// How long vamosd may take to have a checkpoint removed.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// The answer to [`Query::Checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckpointAt {
    /// Where it is.
    pub(super) checkpoint: PathBuf,
}

/// A checkpoint that a worker keeps until this is dropped.
#[derive(Debug)]
pub struct Lease {
    connection: UnixStream,
    directory: PathBuf,
}

impl Lease {
    /// Has the worker of this guest make a checkpoint.
    ///
    /// # Errors
    /// No vamosd answers at `socket`, it has no such guest, another backup of the
    /// guest is under way, or its worker cannot make a checkpoint.
    pub fn take(socket: &Path, guest: &str) -> Result<Self> {
        let mut connection = connect(socket)?;
        connection.set_read_timeout(Some(CHECKPOINT_PATIENCE + Duration::from_secs(10)))?;
        let guest = guest.to_owned();
        link::send(&mut connection, &Query::Checkpoint { guest })?;
        let mut text = String::new();
        BufReader::new(&connection)
            .read_line(&mut text)
            .context("vamosd gave no answer in time")?;
        if let Ok(Refused { error }) = serde_json::from_str(&text) {
            bail!("{error}");
        }
        let answer: CheckpointAt = serde_json::from_str(&text)
            .context("vamosd's answer is not understood; are `vamos` and vamosd of the same version?")?;
        Ok(Self {
            connection,
            directory: answer.checkpoint,
        })
    }

    /// Where the checkpoint is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Lease {
    /// Ends it, and waits until vamosd has let the checkpoint go: the next backup
    /// would be refused before.
    fn drop(&mut self) {
        let ended = self
            .connection
            .shutdown(Shutdown::Write)
            .and_then(|()| self.connection.set_read_timeout(Some(END_PATIENCE)))
            .and_then(|()| (&self.connection).take(1).read(&mut [0]));
        if let Err(error) = ended {
            tracing::debug!(%error, "vamosd does not say that it let the checkpoint go");
        }
    }
}
