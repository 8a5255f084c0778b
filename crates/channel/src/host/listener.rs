//! Where guests arrive.

use super::Pending;
use crate::socket::{self, Socket};
use crate::{DEFAULT_MAX_MESSAGE, Endpoint, ListenError};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a host may set for the lanes of a listener.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// The longest message that is sent or received, in bytes.
    pub max_message: usize,
    /// How many bytes may wait to be sent before a further message is refused
    /// with [`OutboxFull`](crate::LaneError::OutboxFull). One message is taken
    /// always, however long.
    pub max_outbox: usize,
    /// The permissions of a Unix socket's file.
    pub socket_mode: u32,
    /// The queue of connections not yet accepted.
    pub backlog: i32,
}

impl Default for ListenerOptions {
    /// 5 s, messages up to 1 GiB and 1 MiB, 4 MiB of outbox, mode 0660, 128.
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            max_message: DEFAULT_MAX_MESSAGE,
            max_outbox: 4 << 20,
            socket_mode: 0o660,
            backlog: 128,
        }
    }
}

/// A socket that guests connect to.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    endpoint: Endpoint,
    options: ListenerOptions,
    _file: Option<SocketFile>,
}

impl Listener {
    /// Listens. The socket file of a former process at the same path is replaced.
    ///
    /// # Errors
    /// [`ListenError`] says why not.
    pub fn bind(endpoint: &Endpoint, options: ListenerOptions) -> Result<Self, ListenError> {
        if let Endpoint::Unix(path) = endpoint {
            remove_stale(path, endpoint)?;
        }
        let failed = |source: io::Error| ListenError::Bind {
            endpoint: endpoint.to_string(),
            source,
        };
        let fd = socket::bind(endpoint).map_err(|error| failed(error.into()))?;
        let file = match endpoint {
            Endpoint::Unix(path) => {
                // Nobody can connect before `listen`, so nobody slips through.
                let permissions = fs::Permissions::from_mode(options.socket_mode);
                fs::set_permissions(path, permissions).map_err(failed)?;
                Some(SocketFile::new(path).map_err(failed)?)
            }
            Endpoint::Vsock { .. } => None,
        };
        rustix::net::listen(&fd, options.backlog).map_err(|error| failed(error.into()))?;
        Ok(Self {
            fd,
            endpoint: endpoint.clone(),
            options,
            _file: file,
        })
    }

    /// Takes the next connection if one waits.
    ///
    /// # Errors
    /// [`ListenError::Accept`], for instance when file descriptors run out.
    pub fn accept(&self) -> Result<Option<Pending>, ListenError> {
        loop {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            match rustix::net::accept_with(&self.fd, flags) {
                Ok(fd) => {
                    if let Some(pending) = Pending::new(Socket::accepted(fd), &self.options) {
                        return Ok(Some(pending));
                    }
                    // Who cannot be told is let go; others may wait behind.
                }
                Err(Errno::AGAIN) => return Ok(None),
                // Somebody gave up before we were there.
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(error) => return Err(ListenError::Accept(error.into())),
            }
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl AsFd for Listener {
    /// Readable when a connection waits.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn remove_stale(path: &Path, endpoint: &Endpoint) -> Result<(), ListenError> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(ListenError::Occupied {
            endpoint: endpoint.to_string(),
        });
    }
    let failed = |source| ListenError::Bind {
        endpoint: endpoint.to_string(),
        source,
    };
    if socket::is_alive(path) {
        return Err(failed(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens there",
        )));
    }
    fs::remove_file(path).map_err(failed)
}

/// A socket's file, removed when the listener goes if it is still ours.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // A file that stays behind is replaced by the next listener.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
