//! The socket between supervisor and worker: JSON, one message a line.
//!
//! It is the worker's standard input. The supervisor's first line is the
//! worker's configuration.

use crate::config::Guest;
use crate::status::WorkerStatus;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// The longest line; a status of all counters has some 10 KiB.
const LONGEST_LINE: u64 = 4 << 20;

/// What a worker must know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerConfig {
    /// Its guest.
    pub guest: Guest,
    /// Its store's directory.
    pub store: PathBuf,
    /// The log filter.
    pub log: String,
    /// How long it may take to finish, in milliseconds.
    pub stop_grace_ms: u64,
    /// The supervisor's process; if it is another one, the supervisor is gone.
    pub supervisor: u32,
    /// What the supervisor has set up to confine it.
    pub measures: Vec<crate::status::Measure>,
}

/// What the supervisor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Say how it is.
    Status,
    /// Make a checkpoint of the store.
    Checkpoint,
    /// Remove it.
    EndCheckpoint,
    /// Finish.
    Stop,
}

/// What the worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// It listens.
    Ready,
    /// How it is.
    Status(Box<WorkerStatus>),
    /// Where the checkpoint is, or why there is none.
    Checkpoint(Result<PathBuf, String>),
    /// Why it ends.
    Failed(String),
}

/// Writes a message as a line.
///
/// # Errors
/// The other side is gone.
pub fn send(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Reads messages line by line.
#[derive(Debug)]
pub struct LineReader {
    reader: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl LineReader {
    /// Reads from this end.
    pub fn new(stream: UnixStream) -> Self {
        Self {
            reader: BufReader::new(stream),
            line: Vec::new(),
        }
    }

    /// The next message, or none when the other side is gone.
    ///
    /// # Errors
    /// The line is no such message, or the socket failed.
    pub fn read<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        self.line.clear();
        let mut limited = self.reader.by_ref().take(LONGEST_LINE);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&self.line)?))
    }
}
