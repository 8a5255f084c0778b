//! The payload disk: what changes from run to run, beside the cached image.
//!
//! A small read-only disk, mounted as `/payload` in the guest. At its start the
//! guest copies `plugins/` to MariaDB's plugins and `conf/` to its
//! configuration; `data/` is for the workload.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{image::make_file_system, packages};

/// What goes onto a payload disk.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    /// MariaDB plugins, such as `ha_vamos.so`.
    pub plugins: Vec<PathBuf>,
    /// MariaDB configuration: the text of a file for `mariadb.conf.d`.
    pub conf: String,
    /// Files for the workload, found as `/payload/data/<name>` in the guest.
    pub data: Vec<PathBuf>,
}

impl Payload {
    /// Makes the disk as the new file `image`.
    ///
    /// # Errors
    /// If a file can't be read or the disk can't be made.
    pub fn make_disk(&self, image: &Path) -> Result<()> {
        packages::ensure(&["e2fsprogs"])?;
        let tree = image.with_extension("tree");
        let size = self.fill(&tree)?;
        let mib = size / (1 << 20) * 5 / 4 + 8;
        make_file_system(&tree, image, &format!("{mib}M"), "payload")?;
        fs::remove_dir_all(&tree).with_context(|| format!("cannot remove {}", tree.display()))
    }

    /// Collects the files below `tree` and returns their size in bytes.
    fn fill(&self, tree: &Path) -> Result<u64> {
        for dir in ["plugins", "conf", "data"] {
            fs::create_dir_all(tree.join(dir))
                .with_context(|| format!("cannot create {}/{dir}", tree.display()))?;
        }
        // After Debian's own files, whose names begin with 50.
        fs::write(tree.join("conf/99-payload.cnf"), &self.conf)
            .context("cannot write the guest's MariaDB configuration")?;
        let plugins = self.plugins.iter().map(|file| (file, "plugins"));
        let data = self.data.iter().map(|file| (file, "data"));
        let mut size = 0;
        for (file, dir) in plugins.chain(data) {
            let name = file.file_name().context("a payload file has no name")?;
            size += fs::copy(file, tree.join(dir).join(name))
                .with_context(|| format!("cannot read the payload file {}", file.display()))?;
        }
        Ok(size)
    }
}
