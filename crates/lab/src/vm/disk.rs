//! Where the guest's MariaDB keeps its files: on a disk of its own, or in a
//! directory of the host.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{command, datadir, image::make_file_system, mariadb_files::MariadbFiles, packages};

/// A disk file (or a directory) with a MariaDB data directory. It is kept when
/// this is dropped.
#[derive(Debug, Clone)]
pub struct DataDisk {
    path: PathBuf,
}

impl DataDisk {
    /// Makes a disk of `mib` MiB as the new file `path`, with a freshly
    /// installed data directory on it. What is not used takes no room.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(mariadb: &MariadbFiles, path: &Path, mib: u32) -> Result<Self> {
        Self::make(path, mib, |to| datadir::copy(mariadb, to))
    }

    /// Makes such a disk with a copy of a data directory whose server is down.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn with_datadir(datadir: &Path, path: &Path, mib: u32) -> Result<Self> {
        // Links are enough: the copy goes onto the disk.
        Self::make(path, mib, |to| {
            copy(datadir, to, "--link").or_else(|_| copy(datadir, to, "--sparse=always"))
        })
    }

    /// Makes the new directory `path` with a copy of a data directory whose
    /// server is down, for storage that [is a directory](super::Storage::is_directory).
    ///
    /// # Errors
    /// If it can't be copied.
    pub fn directory(datadir: &Path, path: &Path) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        copy(datadir, &path.join("mysql"), "--sparse=always")?;
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    fn make(path: &Path, mib: u32, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        packages::ensure(&["e2fsprogs"])?;
        let tree = path.with_extension("tree");
        fs::create_dir_all(&tree).with_context(|| format!("cannot create {}", tree.display()))?;
        fill(&tree.join("mysql"))?;
        make_file_system(&tree, path, &format!("{mib}M"), "data")?;
        fs::remove_dir_all(&tree).with_context(|| format!("cannot remove {}", tree.display()))?;
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// The file or directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn copy(datadir: &Path, to: &Path, how: &str) -> Result<()> {
    let _ = fs::remove_dir_all(to);
    command::run(
        Command::new("cp").args(["-aH", how]).arg(datadir).arg(to),
        "copy a MariaDB data directory",
    )
}

/// QEMU's caching options for a disk file: past the host's page cache where its
/// file system can do that.
pub(super) fn cache_args(path: &Path) -> &'static str {
    let direct = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or(0);
    match File::options().read(true).custom_flags(direct).open(path) {
        Ok(_) => "cache=none,aio=native",
        Err(_) => "cache=writeback,aio=threads",
    }
}
