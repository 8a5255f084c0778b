//! What a guest may set.

use crate::DEFAULT_MAX_MESSAGE;
use std::path::PathBuf;
use std::time::Duration;

/// Where the guest finds the window that a host serves as a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowSource {
    /// A devdax device, such as `/dev/dax0.0`.
    Dax(PathBuf),
    /// A regular file with the window at an offset.
    File {
        /// The file.
        path: PathBuf,
        /// Where the window starts in it, in bytes: a multiple of 4096. In the
        /// host's file that is 0x200000.
        offset: u64,
    },
}

/// What a guest may set.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Where the window is, if the host serves it as a device. A window that
    /// is passed over a Unix socket needs no source.
    pub window: Option<WindowSource>,
    /// How long connecting and the handshake may take.
    pub connect_timeout: Duration,
    /// How long [`ClientLane::send`](crate::ClientLane::send) may wait for
    /// room while the host takes nothing; `None`: until the host closes the
    /// lane. A host that makes a request wait for a lock takes nothing either,
    /// so this must be longer than any such wait.
    pub send_timeout: Option<Duration>,
    /// How long at most a wait polls before it sleeps. Where both sides are on one
    /// kernel, which wakes cheaply, it polls for 50 us at most.
    pub poll_budget: Duration,
    /// The longest message that is sent or received, in bytes.
    pub max_message: usize,
}

impl Default for ClientOptions {
    /// No device, 5 s to connect, no limit for sending, 1 ms of polling,
    /// messages up to 1 GiB and 1 MiB.
    fn default() -> Self {
        Self {
            window: None,
            connect_timeout: Duration::from_secs(5),
            send_timeout: None,
            poll_budget: Duration::from_millis(1),
            max_message: DEFAULT_MAX_MESSAGE,
        }
    }
}
