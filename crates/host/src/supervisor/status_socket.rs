//! The socket at which `vamos status` and `vamos backup` ask: JSON, one message a
//! line.

use super::lease::CheckpointAt;
use crate::status::Status;
use crate::worker::link;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to ask.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the answer may take: workers are asked one after the other.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait after a connection could not be accepted, for instance
/// because descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The longest question.
const LONGEST_QUERY: u64 = 4096;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase", deny_unknown_fields)]
pub enum Query {
    /// How it is: answered by a [`Status`].
    Status,
    /// A checkpoint of this guest's store, which is kept until the connection
    /// ends: answered by its place.
    Checkpoint {
        /// The guest's name.
        guest: String,
    },
}

/// Who answers.
pub(super) trait Control: Send + Sync + 'static {
    /// How it is.
    fn status(&self) -> Status;
    /// Makes a checkpoint of a guest's store, which exists while `use_it` runs.
    fn with_checkpoint(&self, guest: &str, use_it: &mut dyn FnMut(Result<PathBuf, String>));
}

/// An answer that is none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) error: String,
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
        if let Ok(metadata) = std::fs::symlink_metadata(path) {
            if !metadata.file_type().is_socket() {
                bail!(
                    "{} exists and is no socket, so it stays; move it away, or name another status_socket",
                    path.display()
                );
            }
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
    pub(super) fn serve(self, control: impl Control) -> Result<SocketFile> {
        let control = Arc::new(control);
        let file = SocketFile(self.path.clone());
        std::thread::Builder::new().name("status".into()).spawn(move || {
            for connection in self.listener.incoming() {
                let answered = match connection {
                    Ok(connection) => answer(connection, &control),
                    Err(error) => {
                        // It waits still, so that the next try meets the same.
                        std::thread::sleep(ACCEPT_PAUSE);
                        Err(error)
                    }
                };
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

fn answer<C: Control>(mut connection: UnixStream, control: &Arc<C>) -> std::io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(&connection)
        .take(LONGEST_QUERY)
        .read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(Query::Status) => link::send(&mut connection, &control.status()),
        Ok(Query::Checkpoint { guest }) => {
            // It takes as long as a backup: others are answered meanwhile.
            let control = control.clone();
            let thread = std::thread::Builder::new().name("backup".into());
            thread
                .spawn(move || lend(&connection, &*control, &guest))
                .map(drop)
        }
        Err(error) => {
            let error = format!("{error}; ask {{\"request\":\"status\"}}");
            link::send(&mut connection, &Refused { error })
        }
    }
}

/// Keeps a guest's checkpoint until the connection ends.
fn lend(connection: &UnixStream, control: &impl Control, guest: &str) {
    control.with_checkpoint(guest, &mut |made| {
        let mut writer = connection;
        let sent = match made {
            Ok(checkpoint) => link::send(&mut writer, &CheckpointAt { checkpoint }),
            Err(error) => return drop(link::send(&mut writer, &Refused { error })),
        };
        if sent.is_ok() && connection.set_read_timeout(None).is_ok() {
            // Nothing more is said: what ends the reading is the end.
            let _ = (&mut writer).take(1).read(&mut [0]);
        }
    });
}

/// Connects to the vamosd that listens at `path`.
pub(super) fn connect(path: &Path) -> Result<UnixStream> {
    UnixStream::connect(path).with_context(|| {
        format!(
            "no vamosd answers at {}. Is it running? Start it with `vamosd --config FILE`; if its status socket \
             is elsewhere, name it with --socket; it answers only root and its own user",
            path.display()
        )
    })
}

/// Asks the vamosd that listens at `path` how it is.
///
/// # Errors
/// None listens there, or its answer makes no sense; the message says what to do.
pub fn ask(path: &Path) -> Result<Status> {
    let mut connection = connect(path)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_nobody_answers_at_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status.sock");
        drop(UnixListener::bind(&path).unwrap());
        drop(StatusSocket::bind(&path).unwrap());

        let file = dir.path().join("precious");
        std::fs::write(&file, "data").unwrap();
        let error = StatusSocket::bind(&file).unwrap_err().to_string();
        assert!(error.contains("precious exists and is no socket"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "data");
    }
}
