//! The configuration file of `vamosd`.
//!
//! [`Config::load`] reads it, fills in what it leaves out and checks it as a
//! whole, so that everything behind it works with values that can be.

mod check;
#[cfg(test)]
mod check_tests;
mod size;
mod window;

pub use check::ConfigError;
pub use size::ByteSize;
pub use window::WindowSetting;

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file that `vamosd` and `vamos` read if none is named.
pub const DEFAULT_CONFIG_PATH: &str = "/etc/vamos/vamosd.toml";

/// The status socket, if nothing else is configured.
pub const DEFAULT_STATUS_SOCKET: &str = "/run/vamos/status.sock";

/// A commented configuration with every key.
pub const EXAMPLE: &str = include_str!("../../vamosd.example.toml");

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What concerns all guests.
    #[serde(default)]
    pub global: Global,
    /// The guests.
    #[serde(default, rename = "guest")]
    pub guests: Vec<Guest>,
}

/// The section `[global]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Global {
    /// Where the stores are.
    pub state_dir: PathBuf,
    /// Where the sockets are.
    pub run_dir: PathBuf,
    /// Where `vamos status` asks; default `RUN_DIR/status.sock`.
    pub status_socket: Option<PathBuf>,
    /// A `tracing` filter: `error`, `warn`, `info`, `debug`, `trace`, or finer.
    pub log: String,
    /// How long workers may take to finish on SIGTERM, in milliseconds.
    pub stop_grace_ms: u64,
    /// The longest pause before a worker that keeps failing is started again, in
    /// milliseconds; the first one is 100 ms, and each doubles.
    pub restart_pause_max_ms: u64,
    /// A cgroup v2 directory that vamosd may write to: each worker gets a group
    /// of its own in it. None: no cgroup limits.
    pub cgroup: Option<PathBuf>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/vamos".into(),
            run_dir: "/run/vamos".into(),
            status_socket: None,
            log: "info".into(),
            stop_grace_ms: 10_000,
            restart_pause_max_ms: 10_000,
            cgroup: None,
        }
    }
}

impl Global {
    /// Where `vamos status` asks.
    pub fn status_socket(&self) -> PathBuf {
        self.status_socket
            .clone()
            .unwrap_or_else(|| self.run_dir.join("status.sock"))
    }
}

/// A section `[[guest]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where the guest connects: `unix:/path` or `vsock:ANY:PORT`.
    pub listen: String,
    /// Where the shared memory lies.
    #[serde(default)]
    pub window: WindowSetting,
    /// How many lanes the window has.
    #[serde(default = "default_window_lanes")]
    pub window_lanes: u32,
    /// The size of a lane's ring of requests.
    #[serde(default = "default_request_ring")]
    pub request_ring: ByteSize,
    /// The size of a lane's ring of responses.
    #[serde(default = "default_response_ring")]
    pub response_ring: ByteSize,
    /// The store's directory; default `STATE_DIR/NAME`.
    #[serde(default)]
    pub store: Option<PathBuf>,
    /// The store's cache of blocks.
    #[serde(default = "default_cache")]
    pub cache: ByteSize,
    /// How much the store gathers in memory before it writes a table file.
    #[serde(default = "default_write_buffer")]
    pub write_buffer: ByteSize,
    /// Read and write table files past the host's page cache, so that it holds no more of
    /// them than `cache` says.
    #[serde(default)]
    pub direct_io: bool,
    /// The most private memory that the worker may have; 0: no limit.
    #[serde(default)]
    pub memory_limit: ByteSize,
    /// Without a window: the most lanes open at once. With one it may only say what
    /// `window_lanes` says.
    #[serde(default)]
    pub max_lanes: Option<u32>,
    /// The largest transaction.
    #[serde(default = "default_max_transaction")]
    pub max_transaction: ByteSize,
    /// How many threads serve the lanes at once.
    #[serde(default = "default_threads")]
    pub threads: u32,
    /// How many more reads may wait for the disk meanwhile.
    #[serde(default = "default_disk_waits")]
    pub disk_waits: u32,
    /// The longest that an idle thread polls before it sleeps, in microseconds.
    #[serde(default = "default_poll_budget_us")]
    pub poll_budget_us: u64,
    /// A file whose content the guest must present. None: no token.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The user as which the worker runs, by name or number. None: as vamosd.
    #[serde(default)]
    pub user: Option<String>,
    /// For `unix:` the users who may connect, by number; empty: whoever the
    /// socket's file permissions let in.
    #[serde(default)]
    pub allowed_uids: Vec<u32>,
    /// For `vsock:` the virtual machines that may connect, by context id; empty:
    /// all of this host.
    #[serde(default)]
    pub allowed_cids: Vec<u32>,
}

impl Guest {
    /// A guest of this name at this endpoint, with the defaults of all else.
    pub fn new(name: &str, listen: &str) -> Self {
        Self {
            name: name.into(),
            listen: listen.into(),
            window: WindowSetting::default(),
            window_lanes: default_window_lanes(),
            request_ring: default_request_ring(),
            response_ring: default_response_ring(),
            store: None,
            cache: default_cache(),
            write_buffer: default_write_buffer(),
            direct_io: false,
            memory_limit: ByteSize::default(),
            max_lanes: None,
            max_transaction: default_max_transaction(),
            threads: default_threads(),
            disk_waits: default_disk_waits(),
            poll_budget_us: default_poll_budget_us(),
            token_file: None,
            user: None,
            allowed_uids: Vec::new(),
            allowed_cids: Vec::new(),
        }
    }

    /// How many lanes can be open at once: those of the window, if there is one.
    pub fn most_lanes(&self) -> u32 {
        self.max_lanes.unwrap_or(self.window_lanes)
    }

    /// The store's directory.
    pub fn store_dir(&self, global: &Global) -> PathBuf {
        self.store
            .clone()
            .unwrap_or_else(|| global.state_dir.join(&self.name))
    }
}

fn default_window_lanes() -> u32 {
    256
}

fn default_request_ring() -> ByteSize {
    ByteSize::kib(64)
}

fn default_response_ring() -> ByteSize {
    ByteSize::kib(256)
}

fn default_cache() -> ByteSize {
    ByteSize::mib(256)
}

fn default_write_buffer() -> ByteSize {
    ByteSize::mib(64)
}

fn default_max_transaction() -> ByteSize {
    ByteSize::mib(1024)
}

fn default_threads() -> u32 {
    2
}

fn default_disk_waits() -> u32 {
    14
}

/// As the kernel's `halt_poll_ns` (Documentation/virt/kvm/halt-polling.rst).
fn default_poll_budget_us() -> u64 {
    200
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the key and what it may be.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&text).map_err(|error| error.in_file(path))
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and what it may be.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        check::check(&config)?;
        Ok(config)
    }
}
