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

    /// The modules `names` and those that they need, in the order of loading.
    pub(super) fn load_order(&self, names: &[&str]) -> Result<Vec<PathBuf>> {
        let index = fs::read_to_string(self.modules.join("modules.dep"))
            .context("cannot read the kernel's modules.dep")?;
        let mut order: Vec<PathBuf> = Vec::new();
        for name in names {
            let found = with_needed(&index, name)
                .with_context(|| format!("kernel {} has no module {name}", self.release))?;
            for path in found.into_iter().map(|path| self.modules.join(path)) {
                if !order.contains(&path) {
                    order.push(path);
                }
            }
        }
        Ok(order)
    }
}

/// Finds `name` in the text of a modules.dep, whose lines name a module and
/// then all that it needs, the most basic one last.
fn with_needed<'a>(index: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let end = format!("/{name}.ko");
    let (path, needed) = index
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(path, _)| path.ends_with(&end))?;
    Some(needed.split_whitespace().rev().chain([path]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_what_it_needs() {
        let index = "k/virtio_ring.ko:\nk/virtio.ko: k/virtio_ring.ko\n\
                     k/virtio_blk.ko: k/virtio.ko k/virtio_ring.ko\n";
        assert_eq!(
            with_needed(index, "virtio_blk"),
            Some(vec!["k/virtio_ring.ko", "k/virtio.ko", "k/virtio_blk.ko"])
        );
        assert_eq!(with_needed(index, "blk"), None);
    }
}
