//! What a configuration must fulfil beyond its form.

use super::{ByteSize, Config, Global, Guest, WindowSetting};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {error}; name another with --config", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is not TOML, has a key that is unknown, or a value of the wrong form.
    #[error("{0}")]
    Syntax(String),
    /// A value cannot be.
    #[error("{key}: {problem}")]
    Value {
        /// The key, as `guest.NAME.KEY`.
        key: String,
        /// The value, and what it may be.
        problem: String,
    },
    /// An error, with the file's name.
    #[error("{}: {error}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The error.
        error: Box<Self>,
    },
}

impl ConfigError {
    pub(super) fn in_file(self, path: &Path) -> Self {
        Self::InFile {
            path: path.to_owned(),
            error: Box::new(self),
        }
    }
}

type Check = Result<(), ConfigError>;

pub(super) fn check(config: &Config) -> Check {
    check_global(&config.global)?;
    if config.guests.is_empty() {
        return fail(
            "guest",
            "there is none; add a section [[guest]] with name and listen",
        );
    }
    config.guests.iter().try_for_each(check_guest)?;
    check_unique(config)
}

fn check_global(global: &Global) -> Check {
    absolute("global.state_dir", &global.state_dir)?;
    absolute("global.run_dir", &global.run_dir)?;
    absolute("global.status_socket", &global.status_socket())?;
    if let Some(cgroup) = &global.cgroup {
        absolute("global.cgroup", cgroup)?;
    }
    crate::logging::check_filter(&global.log).or_else(|problem| fail("global.log", problem))?;
    range(
        "global.restart_pause_max_ms",
        global.restart_pause_max_ms,
        10,
        3_600_000,
    )?;
    range("global.stop_grace_ms", global.stop_grace_ms, 0, 3_600_000)
}

fn check_guest(guest: &Guest) -> Check {
    check_name(&guest.name)?;
    let key = |name: &str| format!("guest.{}.{name}", guest.name);
    check_listen(&key("listen"), guest)?;
    check_allowed(guest)?;
    range(&key("window_lanes"), guest.window_lanes.into(), 1, 4096)?;
    range(&key("max_lanes"), guest.most_lanes().into(), 1, 4096)?;
    range(&key("threads"), guest.threads.into(), 1, 64)?;
    range(&key("disk_waits"), guest.disk_waits.into(), 0, 256)?;
    range(&key("poll_budget_us"), guest.poll_budget_us, 0, 1_000_000)?;
    ring(&key("request_ring"), guest.request_ring)?;
    ring(&key("response_ring"), guest.response_ring)?;
    let (mib, gib) = (ByteSize::mib, |count: u64| ByteSize::mib(count << 10));
    size(&key("cache"), guest.cache, mib(1), gib(1 << 10))?;
    size(&key("write_buffer"), guest.write_buffer, mib(1), gib(16))?;
    size(&key("max_transaction"), guest.max_transaction, mib(1), gib(2))?;
    check_memory(&key("memory_limit"), guest)?;
    if let Some(path) = &guest.store {
        absolute(&key("store"), path)?;
    }
    if let Some(path) = &guest.token_file {
        absolute(&key("token_file"), path)?;
    }
    check_lanes(&key("max_lanes"), guest)
}

/// Each lane of a window is a lane that can be open, and there are no others.
fn check_lanes(key: &str, guest: &Guest) -> Check {
    let (most, window) = (guest.most_lanes(), guest.window_lanes);
    if guest.window == WindowSetting::None || most == window {
        return Ok(());
    }
    let problem = if most > window {
        format!(
            "{most} lanes cannot be open, for the window has {window}; leave it out and raise window_lanes"
        )
    } else {
        format!(
            "of the window's {window} lanes, those beyond {most} would never be used; leave it out and lower window_lanes"
        )
    };
    fail(key, problem)
}

fn check_name(name: &str) -> Check {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(good) && !name.starts_with('.') {
        return Ok(());
    }
    fail(
        "guest.name",
        format!(
            "\"{name}\" is no name; it may have up to 64 letters, digits, '-', '_' and '.', not '.' first"
        ),
    )
}

fn check_listen(key: &str, guest: &Guest) -> Check {
    if let Err(error) = guest.listen.parse::<vamos_channel::Endpoint>() {
        return fail(
            key,
            format!("{error}; it may be \"unix:/path\" or \"vsock:ANY:PORT\""),
        );
    }
    if guest.window == WindowSetting::Memfd && guest.listen.starts_with("vsock:") {
        return fail(
            format!("guest.{}.window", guest.name),
            "\"memfd\" cannot be passed over vsock; it may be \"none\" or \"file:/path\" of the device's backing file",
        );
    }
    Ok(())
}

/// A list that is never looked at protects nobody.
fn check_allowed(guest: &Guest) -> Check {
    let vsock = guest.listen.starts_with("vsock:");
    let (unused, key, of, instead) = if vsock {
        (
            &guest.allowed_uids,
            "allowed_uids",
            "a Unix socket",
            "allowed_cids",
        )
    } else {
        (
            &guest.allowed_cids,
            "allowed_cids",
            "vsock:ANY:PORT",
            "allowed_uids",
        )
    };
    if unused.is_empty() {
        return Ok(());
    }
    fail(
        format!("guest.{}.{key}", guest.name),
        format!(
            "it holds for {of} and would not be looked at with \"{}\"; use {instead} or token_file",
            guest.listen
        ),
    )
}

fn check_memory(key: &str, guest: &Guest) -> Check {
    // What the store needs beside its cache: two write buffers being filled and
    // flushed, and the program itself.
    let least = guest.cache.0 + 2 * guest.write_buffer.0 + ByteSize::mib(128).0;
    if guest.memory_limit.0 == 0 || guest.memory_limit.0 >= least {
        return Ok(());
    }
    fail(
        key,
        format!(
            "{} is too little for this cache and write_buffer; it may be 0 (no limit) or at least {}",
            guest.memory_limit,
            ByteSize(least),
        ),
    )
}

/// Two guests must share nothing that tells them apart.
fn check_unique(config: &Config) -> Check {
    let mut seen = BTreeMap::new();
    for guest in &config.guests {
        let window = match &guest.window {
            WindowSetting::File(path) => Some(("window", path.display().to_string())),
            _ => None,
        };
        let store = guest.store_dir(&config.global).display().to_string();
        let own = [
            ("name", guest.name.clone()),
            ("listen", guest.listen.clone()),
            ("store", store),
        ];
        for (key, value) in own.into_iter().chain(window) {
            if let Some(other) = seen.insert((key, value.clone()), &guest.name) {
                return fail(
                    format!("guest.{}.{key}", guest.name),
                    format!("\"{value}\" is also that of guest {other}; each guest needs its own"),
                );
            }
        }
    }
    Ok(())
}

fn absolute(key: &str, path: &Path) -> Check {
    if path.is_absolute() {
        return Ok(());
    }
    fail(
        key,
        format!("\"{}\" is relative; it may be an absolute path", path.display()),
    )
}

fn range(key: &str, value: u64, least: u64, most: u64) -> Check {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    fail(key, format!("{value} cannot be; it may be {least} to {most}"))
}

fn size(key: &str, value: ByteSize, least: ByteSize, most: ByteSize) -> Check {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    fail(key, format!("{value} cannot be; it may be {least} to {most}"))
}

fn ring(key: &str, value: ByteSize) -> Check {
    if value.0.is_power_of_two() && (4 << 10..=64 << 20).contains(&value.0) {
        return Ok(());
    }
    fail(
        key,
        format!("{value} cannot be; it may be a power of two from 4KiB to 64MiB"),
    )
}

fn fail(key: impl Into<String>, problem: impl Into<String>) -> Check {
    Err(ConfigError::Value {
        key: key.into(),
        problem: problem.into(),
    })
}
