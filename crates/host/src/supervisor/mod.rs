//! The supervisor: starts a worker for each guest, starts it again when it ends,
//! answers `vamos status`, and finishes them all.
//!
//! It reads nothing that comes from a guest. What a worker says over its
//! [link](crate::worker::link) is the only way from a guest's side to here.

mod backoff;
mod child;
mod confinement;
mod guest;
mod lease;
mod line;
mod status_socket;
mod stop;

pub(crate) use confinement::find_user;
pub use lease::Lease;
pub use status_socket::{Query, ask};

use crate::config::Config;
use crate::status::Status;
use anyhow::{Context, Result};
use guest::GuestKeeper;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use status_socket::StatusSocket;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stop::Stop;

/// What a worker may take beyond its grace, to close its store.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// How to start workers.
#[derive(Clone, Debug)]
pub struct SupervisorOptions {
    /// The program that is the worker when called with `worker`.
    pub program: PathBuf,
    /// The log filter, if not the configuration's.
    pub log: Option<String>,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// A directory or the status socket cannot be made. Whatever is wrong with one
/// guest is that guest's trouble only: it is logged, and tried again.
pub fn run(config: Config, options: &SupervisorOptions) -> Result<()> {
    // First, so that a signal during the start is not lost.
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    make_directory(&config.global.run_dir, 0o755)?;
    // Workers that run as other users pass through it to their own store, which
    // nobody else may read.
    make_directory(&config.global.state_dir, 0o711)?;
    let socket = StatusSocket::bind(&config.global.status_socket())?;

    let stop = Arc::new(Stop::default());
    let config = Arc::new(config);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        guests = config.guests.len(),
        status = %config.global.status_socket().display(),
        "vamosd starts"
    );
    let keepers = config
        .guests
        .iter()
        .map(|guest| GuestKeeper::start(guest, &config, options, &stop))
        .collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let states: Vec<_> = keepers.iter().map(GuestKeeper::state).collect();
    let _socket = socket.serve(Answerer { started, states })?;

    signals.forever().next();
    tracing::info!("finishing; a second signal ends it at once");
    stop.now();
    let patience = stop.clone();
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            patience.at_once();
        }
    });
    keepers.iter().for_each(GuestKeeper::tell_to_stop);
    // The workers give up by themselves at the end of the grace; what still runs
    // a little later hangs.
    let grace = Duration::from_millis(config.global.stop_grace_ms) + LAST_PATIENCE;
    let deadline = Instant::now() + grace;
    for keeper in keepers {
        keeper.finish(deadline);
    }
    tracing::info!("vamosd ends");
    Ok(())
}

/// Answers at the status socket.
struct Answerer {
    started: Instant,
    states: Vec<Arc<guest::Shared>>,
}

impl status_socket::Control for Answerer {
    fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            uptime_s: self.started.elapsed().as_secs(),
            guests: self.states.iter().map(|state| state.status()).collect(),
        }
    }

    fn with_checkpoint(&self, guest: &str, use_it: &mut dyn FnMut(Result<PathBuf, String>)) {
        match self.states.iter().find(|state| state.name() == guest) {
            Some(state) => state.with_checkpoint(use_it),
            None => use_it(Err(format!("the configuration has no guest \"{guest}\""))),
        }
    }
}

fn make_directory(path: &Path, mode: u32) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("cannot make the directory {}", path.display()))
}
