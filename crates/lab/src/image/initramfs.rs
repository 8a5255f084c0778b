//! The initial file system: busybox and the few modules that reach the root
//! disk. (Debian's own generator takes longer to build and to boot.)

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};

use super::kernel::Kernel;
use crate::command;

/// Its first program.
pub(super) const INIT: &str = include_str!("../../guest/initramfs-init");

/// The modules that reach the root disk; those that they need come with them.
pub(super) const MODULES: &[&str] = &["virtio_pci", "virtio_blk"];

/// Packs it into the file `to`.
pub(super) fn make(kernel: &Kernel, busybox: &Path, to: &Path) -> Result<()> {
    let tree = to.with_extension("tree");
    fill(&tree, kernel, busybox).context("cannot collect the initial file system")?;
    let packed = File::create(to).with_context(|| format!("cannot create {}", to.display()))?;
    let bytes = command::output_bytes(
        Command::new("sh")
            .args(["-c", "find . | cpio --quiet -o -H newc"])
            .current_dir(&tree),
        "pack the initial file system",
    )?;
    std::io::Write::write_all(&mut &packed, &bytes)
        .with_context(|| format!("cannot write {}", to.display()))?;
    fs::remove_dir_all(&tree).context("cannot remove the initial file system's tree")
}

fn fill(tree: &Path, kernel: &Kernel, busybox: &Path) -> Result<()> {
    for dir in ["bin", "dev", "proc", "sys", "root", "modules"] {
        fs::create_dir_all(tree.join(dir))?;
    }
    fs::copy(busybox, tree.join("bin/busybox"))?;
    fs::write(tree.join("init"), INIT)?;
    fs::set_permissions(tree.join("init"), fs::Permissions::from_mode(0o755))?;
    let mut order = String::new();
    for module in kernel.load_order(MODULES)? {
        let name = module.file_name().context("a module has no file name")?;
        fs::copy(&module, tree.join("modules").join(name))?;
        order.push_str(&name.to_string_lossy());
        order.push('\n');
    }
    fs::write(tree.join("modules/order"), order)?;
    Ok(())
}
