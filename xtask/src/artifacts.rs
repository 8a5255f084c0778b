//! Builds what the other commands run.

use crate::steps::{cargo, cargo_with};
use anyhow::{Context, Result};
use std::fmt;
use std::path::PathBuf;
use vamos_lab::local::Programs;
use vamos_lab::mariadb_files::MariadbFiles;
use vamos_lab::{packages, paths};

/// The Debian packages that building needs, besides Rust.
pub(crate) const BUILD_PACKAGES: &[&str] = &["gcc", "g++", "librocksdb-dev", "libssl-dev"];

/// What was built, and the MariaDB that it was built for.
#[derive(Debug)]
pub(crate) struct Artifacts {
    /// The programs and the plugin.
    pub(crate) programs: Programs,
    /// MariaDB.
    pub(crate) mariadb: MariadbFiles,
}

impl Artifacts {
    /// Installs what building needs and builds the optimised programs.
    pub(crate) fn build() -> Result<Self> {
        packages::ensure(BUILD_PACKAGES)?;
        let mariadb = MariadbFiles::fetch()?;
        let env = plugin_env(&mariadb);
        cargo_with(
            &[
                "build",
                "--release",
                "-p",
                "vamos-host",
                "-p",
                "vamos-cli",
                "-p",
                "vamos-mariadb",
            ],
            &env,
        )?;
        Self::in_target_dir(mariadb)
    }

    /// What was built last.
    pub(crate) fn built() -> Result<Self> {
        Self::in_target_dir(MariadbFiles::fetch()?)
    }

    fn in_target_dir(mariadb: MariadbFiles) -> Result<Self> {
        let release = target_dir().join("release");
        let plugin = release.join("ha_vamos.so");
        // A server that runs has the old file mapped: that one must not change. And
        // another run may be doing the same now: neither may get the other's half.
        let new = release.join(format!("ha_vamos.so.{}", std::process::id()));
        std::fs::copy(release.join("libha_vamos.so"), &new)
            .and_then(|_| std::fs::rename(&new, &plugin))
            .with_context(|| format!("cannot copy the plugin to {}", plugin.display()))?;
        Ok(Self {
            programs: Programs {
                vamosd: release.join("vamosd"),
                vamos: release.join("vamos"),
                plugin,
            },
            mariadb,
        })
    }
}

/// Builds the optimised `vamos-bench`, with all its peers, and the `vamosd` that it
/// measures; returns where they are.
pub(crate) fn bench() -> Result<(PathBuf, PathBuf)> {
    packages::ensure(BUILD_PACKAGES)?;
    let features = "vamos-bench/iceoryx2";
    let packages = ["-p", "vamos-host", "-p", "vamos-bench", "--features", features];
    cargo(&[&["build", "--release"][..], &packages].concat())?;
    let release = target_dir().join("release");
    Ok((release.join("vamos-bench"), release.join("vamosd")))
}

impl fmt::Display for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "vamosd: {}", self.programs.vamosd.display())?;
        writeln!(f, "vamos:  {}", self.programs.vamos.display())?;
        write!(
            f,
            "plugin: {} (for MariaDB {})",
            self.programs.plugin.display(),
            self.mariadb.version
        )
    }
}

/// The variables by which the plugin's build finds MariaDB's headers.
pub(crate) fn plugin_env(mariadb: &MariadbFiles) -> Vec<(&'static str, String)> {
    mariadb
        .build_env()
        .into_iter()
        .map(|(name, path)| (name, path.display().to_string()))
        .collect()
}

fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => paths::workspace().join(dir),
        None => paths::workspace().join("target"),
    }
}
