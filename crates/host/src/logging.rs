//! Where log lines go and which ones are written.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Says what is wrong with a filter, if it is none.
///
/// # Errors
/// A sentence with the filter and what it may be.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::builder().parse(filter).map(drop).map_err(|error| {
        format!(
            "\"{filter}\" is no filter ({error}); it may be \"error\", \"warn\", \"info\", \"debug\", \"trace\" \
             or finer, as \"info,vamos_host::worker=debug\""
        )
    })
}

/// Writes log lines to stderr from now on, one line an event.
///
/// What counts is, in this order: the command line's filter, `RUST_LOG`, the
/// configuration's filter. Returns the one that counts.
pub fn start(command_line: Option<&str>, configured: &str) -> String {
    let environment = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let counts = command_line.or(environment.as_deref()).unwrap_or(configured);
    let filter = EnvFilter::builder().parse_lossy(counts);
    let started = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_env_filter(filter)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
    counts.to_owned()
}
