//! The pinned MariaDB: its headers for building the engine, and its server for
//! running it, without installing either on this machine.
//!
//! A storage engine is accepted only by the exact server version that it was
//! built for, so everything here is of one version: the highest of which Debian
//! has both the binaries and the source.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    apt::PrivateApt,
    command, packages,
    paths::{self, Lock},
};

/// What the unpacked server and client are linked with.
const RUNTIME: &[&str] = &[
    "libaio1",
    "libcrypt1",
    "libedit2",
    "libncurses6",
    "libnuma1",
    "libpcre2-8-0",
    "libssl3",
    "libsystemd0",
    "liburing2",
    "zlib1g",
];

const SERVER: &[&str] = &[
    "mariadb-server",
    "mariadb-server-core",
    "mariadb-client",
    "mariadb-client-core",
    "mariadb-common",
    "libmariadb3",
];

/// The parts of the source that an engine is compiled with.
const SOURCE_PARTS: &[&str] = &["include", "sql", "wsrep-lib", "storage/example", "VERSION"];

/// Where the files of the pinned MariaDB are.
#[derive(Debug, Clone)]
pub struct MariadbFiles {
    /// MariaDB's own version, such as `10.11.18`.
    pub version: String,
    /// Debian's version, such as `1:10.11.18-0+deb12u1`.
    pub debian_version: String,
    /// The directory that holds all of the following.
    pub dir: PathBuf,
}

impl MariadbFiles {
    /// Finds the files, or downloads and unpacks them at the first call.
    ///
    /// # Errors
    /// If this is not a Debian machine with a working apt, or no version has
    /// both binaries and source.
    pub fn fetch() -> Result<Self> {
        packages::ensure(&["dpkg-dev", "tar", "gzip"])?;
        packages::ensure(RUNTIME)?;
        let lab = paths::lab_dir()?;
        let _lock = Lock::wait("mariadb")?;
        if let Some(files) = Self::present(&lab)? {
            return Ok(files);
        }
        let apt = PrivateApt::new(&lab.join("apt"))?;
        let files = Self::download_newest(&apt, &lab)?;
        fs::write(pin_path(&lab), &files.debian_version)
            .context("cannot record which MariaDB version was fetched")?;
        Ok(files)
    }

    fn at(lab: &Path, debian_version: &str) -> Self {
        let version = upstream_version(debian_version).to_owned();
        Self {
            dir: lab.join(format!("mariadb-{version}")),
            version,
            debian_version: debian_version.to_owned(),
        }
    }

    fn present(lab: &Path) -> Result<Option<Self>> {
        let pin = pin_path(lab);
        if !pin.exists() {
            return Ok(None);
        }
        let version = fs::read_to_string(&pin).with_context(|| format!("cannot read {}", pin.display()))?;
        let files = Self::at(lab, version.trim());
        Ok(files.dir.exists().then_some(files))
    }

    fn download_newest(apt: &PrivateApt, lab: &Path) -> Result<Self> {
        let versions = apt.versions("mariadb", "mariadb-server-core")?;
        let mut refusals = Vec::new();
        for version in &versions {
            let files = Self::at(lab, version);
            match paths::make_whole(&files.dir.clone(), |dir| download(apt, version, dir)) {
                Ok(()) => return Ok(files),
                Err(error) => {
                    println!("lab: MariaDB {version} can't be had with its source");
                    refusals.push(format!("{version}: {error:#}"));
                }
            }
        }
        bail!(
            "no MariaDB version could be downloaded with its source: check the machine's \
             Debian archives\n{}",
            refusals.join("\n")
        )
    }

    /// Downloads further packages of the same version and unpacks them in `root`.
    pub(crate) fn unpack_more(&self, names: &[&str], root: &Path) -> Result<()> {
        let apt = PrivateApt::new(&paths::lab_dir()?.join("apt"))?;
        unpack_packages(&apt, names, &self.debian_version, root)
    }

    /// The server's source tree (the parts that an engine is compiled with).
    #[must_use]
    pub fn source_dir(&self) -> PathBuf {
        self.dir.join("source")
    }

    /// The root of the unpacked libmariadbd-dev.
    #[must_use]
    pub fn dev_root(&self) -> PathBuf {
        self.dir.join("dev")
    }

    /// The root of the unpacked libmariadb-dev.
    #[must_use]
    pub fn client_dev_root(&self) -> PathBuf {
        self.dir.join("client-dev")
    }

    /// The generated headers (my_config.h, mysqld_error.h).
    #[must_use]
    pub fn headers_dir(&self) -> PathBuf {
        self.dev_root().join("usr/include/mariadb/server")
    }

    /// The directory of libmysqlservices.a.
    #[must_use]
    pub fn services_lib_dir(&self) -> PathBuf {
        self.client_dev_root().join("usr/lib/x86_64-linux-gnu")
    }

    /// The root of the unpacked server and client.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// The server program.
    #[must_use]
    pub fn mariadbd(&self) -> PathBuf {
        self.root().join("usr/sbin/mariadbd")
    }

    /// The command-line client.
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.root().join("usr/bin/mariadb")
    }

    /// The server's messages, character sets and system-table scripts.
    #[must_use]
    pub fn share_dir(&self) -> PathBuf {
        self.root().join("usr/share/mysql")
    }

    /// The plugins that come with the server.
    #[must_use]
    pub fn plugin_dir(&self) -> PathBuf {
        self.root().join("usr/lib/mysql/plugin")
    }

    /// The environment that the build of the engine plugin needs, as names and
    /// values.
    #[must_use]
    pub fn build_env(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("VAMOS_MARIADB_SOURCE", self.source_dir()),
            ("VAMOS_MARIADB_DEV", self.dev_root()),
            ("VAMOS_MARIADB_CLIENT_DEV", self.client_dev_root()),
        ]
    }
}

fn pin_path(lab: &Path) -> PathBuf {
    lab.join("mariadb.version")
}

/// `10.11.18` of `1:10.11.18-0+deb12u1`.
fn upstream_version(debian: &str) -> &str {
    let without_epoch = debian.split_once(':').map_or(debian, |(_, rest)| rest);
    without_epoch
        .rsplit_once('-')
        .map_or(without_epoch, |(version, _)| version)
}

fn download(apt: &PrivateApt, version: &str, dir: &Path) -> Result<()> {
    let downloads = dir.join("downloads");
    fs::create_dir_all(&downloads).context("cannot create the download directory")?;
    println!("lab: downloading MariaDB {version}: source");
    apt.download_source("mariadb", version, &downloads)?;
    unpack_source(&downloads, &dir.join("source"))?;
    println!("lab: downloading MariaDB {version}: server, client and headers");
    unpack_packages(apt, &["libmariadbd-dev"], version, &dir.join("dev"))?;
    unpack_packages(apt, &["libmariadb-dev"], version, &dir.join("client-dev"))?;
    unpack_packages(apt, SERVER, version, &dir.join("root"))?;
    fs::remove_dir_all(&downloads).context("cannot remove the downloads")
}

fn unpack_source(downloads: &Path, source: &Path) -> Result<()> {
    let tarball = paths::files_ending(downloads, ".orig.tar.gz")?
        .pop()
        .context("apt downloaded no .orig.tar.gz for MariaDB's source")?;
    fs::create_dir_all(source).context("cannot create the source directory")?;
    command::run(
        Command::new("tar")
            .args([
                "--wildcards",
                "--no-wildcards-match-slash",
                "--strip-components=1",
                "-xzf",
            ])
            .arg(&tarball)
            .arg("-C")
            .arg(source)
            .args(SOURCE_PARTS.iter().map(|part| format!("*/{part}"))),
        "unpack MariaDB's source",
    )
}

fn unpack_packages(apt: &PrivateApt, names: &[&str], version: &str, root: &Path) -> Result<()> {
    let downloads = root.with_extension("debs");
    fs::create_dir_all(&downloads).context("cannot create the download directory")?;
    apt.download(names, version, &downloads)?;
    for package in paths::files_ending(&downloads, ".deb")? {
        command::run(
            Command::new("dpkg-deb").arg("-x").arg(&package).arg(root),
            "unpack a Debian package",
        )?;
    }
    fs::remove_dir_all(&downloads).context("cannot remove the downloaded packages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_version_has_neither_epoch_nor_revision() {
        assert_eq!(upstream_version("1:10.11.18-0+deb12u1"), "10.11.18");
        assert_eq!(upstream_version("10.11.18"), "10.11.18");
        assert_eq!(upstream_version("1:11.4-rc-2"), "11.4-rc");
    }
}
