//! Where guests arrive.

use super::Pending;
use crate::{DEFAULT_MAX_MESSAGE, Endpoint, ListenError};
use std::os::fd::{AsFd, BorrowedFd};
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
pub struct Listener(());

impl Listener {
    /// Listens. The socket of a former process at the same path is replaced.
    ///
    /// # Errors
    /// [`ListenError`] says why not.
    pub fn bind(_endpoint: &Endpoint, _options: ListenerOptions) -> Result<Self, ListenError> {
        todo!()
    }

    /// Takes the next connection if one waits.
    ///
    /// # Errors
    /// [`ListenError::Accept`], for instance when file descriptors run out.
    pub fn accept(&self) -> Result<Option<Pending>, ListenError> {
        todo!()
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        todo!()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}
