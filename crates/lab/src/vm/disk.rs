//! The disk on which the guest's MariaDB keeps its files.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{datadir, image::make_file_system, mariadb_files::MariadbFiles, packages};

/// A disk file with a MariaDB data directory. It is kept when this is dropped.
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
        packages::ensure(&["e2fsprogs"])?;
        let tree = path.with_extension("tree");
        fs::create_dir_all(&tree).with_context(|| format!("cannot create {}", tree.display()))?;
        datadir::copy(mariadb, &tree.join("mysql"))?;
        make_file_system(&tree, path, &format!("{mib}M"), "data")?;
        fs::remove_dir_all(&tree).with_context(|| format!("cannot remove {}", tree.display()))?;
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
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
