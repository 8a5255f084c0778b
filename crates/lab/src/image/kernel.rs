//! The guest's kernel: Debian's package for clouds, unpacked and not changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{apt::PrivateApt, command};

/// Debian's name for the newest kernel for virtual machines.
const PACKAGE: &str = "linux-image-cloud-amd64";

/// An unpacked kernel package.
#[derive(Debug)]
pub(super) struct Kernel {
    /// The kernel's release, such as `6.1.0-56-cloud-amd64`.
    pub(super) release: String,
    /// The bootable kernel.
    pub(super) vmlinuz: PathBuf,
    /// The directory of its modules.
    pub(super) modules: PathBuf,
}

/// Downloads the newest kernel and unpacks it into `dir`.
pub(super) fn fetch(apt: &PrivateApt, dir: &Path) -> Result<Kernel> {
    fs::create_dir_all(dir).context("cannot create the kernel's directory")?;
    let package = apt
        .dependencies(PACKAGE)?
        .into_iter()
        .find(|name| name.starts_with("linux-image-"))
        .with_context(|| format!("Debian's package {PACKAGE} names no kernel"))?;
    for file in apt.download_newest(&package, dir)? {
        command::run(
            Command::new("dpkg-deb").arg("-x").arg(&file).arg(dir),
            "unpack the kernel",
        )?;
    }
    let release = package.trim_start_matches("linux-image-").to_owned();
    let kernel = Kernel {
        vmlinuz: dir.join(format!("boot/vmlinuz-{release}")),
        modules: dir.join(format!("lib/modules/{release}")),
        release,
    };
    command::run(
        Command::new("depmod").arg("-b").arg(dir).arg(&kernel.release),
        "index the kernel's modules",
    )?;
    Ok(kernel)
}

impl Kernel {
    /// Copies the modules into a guest's root directory.
    pub(super) fn install_modules(&self, root: &Path) -> Result<()> {
        let to = root.join("lib/modules");
        fs::create_dir_all(&to).context("cannot create the guest's module directory")?;
        command::run(
            Command::new("cp").arg("-a").arg(&self.modules).arg(&to),
            "copy the kernel's modules",
        )
    }

    /// The path of one module, such as `virtio_blk`.
    pub(super) fn module(&self, name: &str) -> Result<PathBuf> {
        let index = fs::read_to_string(self.modules.join("modules.dep"))
            .context("cannot read the kernel's modules.dep")?;
        let end = format!("/{name}.ko");
        index
            .lines()
            .filter_map(|line| line.split(':').next())
            .find(|path| path.ends_with(&end))
            .map(|path| self.modules.join(path))
            .with_context(|| format!("kernel {} has no module {name}", self.release))
    }
}
