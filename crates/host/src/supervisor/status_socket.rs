//! The socket at which `vamos status` asks: JSON, one message a line.

use crate::status::Status;
use crate::worker::link;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection may take to ask.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the answer may take: workers are asked one after the other.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// The longest question.
const LONGEST_QUERY: u64 = 4096;

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase", deny_unknown_fields)]
pub enum Query {
    /// How it is: answered by a [`Status`].
    Status,
}

/// An answer that is none.
#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    error: String,
}

/// The listening socket; its file is removed at the end.
#[derive(Debug)]
pub(super) struct StatusSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl StatusSocket {
    /// Listens; only the same user (and root) may connect.
    pub(super) fn bind(path: &Path) -> Result<Self> {
        if UnixStream::connect(path).is_ok() {
            bail!(
                "another vamosd answers at {}; stop it, or give this one another run_dir",
                path.display()
            );
        }
        if path.exists() {
            // Nobody answers: a vamosd that was killed left it.
            std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
        let listener = UnixListener::bind(path);
        rustix::process::umask(before);
        Ok(Self {
            listener: listener.with_context(|| format!("cannot listen on {}", path.display()))?,
            path: path.to_owned(),
        })
    }

    /// Answers from now on, on a thread of its own. The socket's file is removed
    /// when the returned guard is dropped.
    pub(super) fn serve(self, status: impl Fn() -> Status + Send + 'static) -> Result<SocketFile> {
        let file = SocketFile(self.path.clone());
        std::thread::Builder::new().name("status".into()).spawn(move || {
            for connection in self.listener.incoming() {
                let answered = connection.and_then(|connection| answer(connection, &status));
                if let Err(error) = answered {
                    tracing::debug!(%error, "a question at the status socket was not answered");
                }
            }
        })?;
        Ok(file)
    }
}

/// Removes the socket's file when dropped.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "cannot remove the status socket");
        }
    }
}

fn answer(mut connection: UnixStream, status: &impl Fn() -> Status) -> std::io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(&connection)
        .take(LONGEST_QUERY)
        .read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(Query::Status) => link::send(&mut connection, &status()),
        Err(error) => {
            let error = format!("{error}; ask {{\"request\":\"status\"}}");
            link::send(&mut connection, &Refused { error })
        }
    }
}

/// Asks the vamosd that listens at `path` how it is.
///
/// # Errors
/// None listens there, or its answer makes no sense; the message says what to do.
pub fn ask(path: &Path) -> Result<Status> {
    let mut connection = UnixStream::connect(path).with_context(|| {
        format!(
            "no vamosd answers at {}. Is it running? Start it with `vamosd --config FILE`; if its status socket \
             is elsewhere, name it with --socket; it answers only root and its own user",
            path.display()
        )
    })?;
    connection.set_read_timeout(Some(ANSWER_PATIENCE))?;
    link::send(&mut connection, &Query::Status)?;
    let mut text = String::new();
    BufReader::new(&connection)
        .read_line(&mut text)
        .context("vamosd gave no answer in time")?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "vamosd's answer is not understood; are `vamos` and vamosd of the same version? It said: {}",
            text.chars().take(200).collect::<String>()
        )
    })
}
