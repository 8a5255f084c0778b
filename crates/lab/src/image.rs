//! The guest image: stock Debian with the pinned MariaDB and a stock kernel.
//!
//! It is built once and cached by its recipe. The engine plugin is not in it:
//! that comes on a [payload](crate::payload) disk, so that a new plugin needs
//! no new image.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result};

use crate::{
    apt::{Archive, PrivateApt},
    command,
    mariadb_files::MariadbFiles,
    packages,
    paths::{self, Lock},
};

mod debian;
mod initramfs;
mod kernel;

/// The size of the root file system; what is not used takes no room.
const ROOT_SIZE: &str = "2G";

/// To be raised when the way of building changes what is built.
const REVISION: u32 = 1;

/// Our own files in the guest: path, mode, text.
const GUEST_FILES: &[(&str, u32, &str)] = &[
    (
        "usr/local/sbin/vamos-init",
        0o755,
        include_str!("../guest/vamos-init"),
    ),
    (
        "usr/local/sbin/vamos-agent",
        0o755,
        include_str!("../guest/vamos-agent"),
    ),
    (
        "usr/local/sbin/vamos-mariadb",
        0o755,
        include_str!("../guest/vamos-mariadb"),
    ),
    (
        "usr/local/sbin/vamos-poweroff",
        0o755,
        include_str!("../guest/vamos-poweroff"),
    ),
    (
        "etc/udev/rules.d/60-vamos-dax.rules",
        0o644,
        include_str!("../guest/60-vamos-dax.rules"),
    ),
];

/// A guest image that is ready to boot.
#[derive(Debug, Clone)]
pub struct GuestImage {
    dir: PathBuf,
}

impl GuestImage {
    /// Finds the image in the cache, or builds it (about a minute).
    ///
    /// # Errors
    /// If this user is not root, or one of the tools fails.
    pub fn build(mariadb: &MariadbFiles) -> Result<Self> {
        packages::ensure(&["mmdebstrap", "e2fsprogs", "cpio", "kmod", "util-linux"])?;
        let _lock = Lock::wait("image")?;
        let archives = debian::archives()?;
        let recipe = recipe(mariadb, &archives);
        let dir = paths::lab_dir()?.join(format!("image-{recipe:016x}"));
        if !dir.exists() {
            paths::make_whole(&dir, |dir| build(dir, mariadb, &archives))?;
            remove_others(&dir)?;
        }
        Ok(Self { dir })
    }

    /// The kernel, as Debian ships it.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    /// The initial file system, which reaches the root disk.
    #[must_use]
    pub fn initramfs(&self) -> PathBuf {
        self.dir.join("initramfs")
    }

    /// The root file system (raw ext4).
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.join("root.img")
    }
}

/// Removes the images of earlier recipes.
fn remove_others(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(paths::lab_dir()?).context("cannot list the cached images")? {
        let path = entry.context("cannot list the cached images")?.path();
        let is_image = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("image-"));
        if is_image && path != dir {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove the old {}", path.display()))?;
        }
    }
    Ok(())
}

/// A number that changes when the image would.
fn recipe(mariadb: &MariadbFiles, archives: &[Archive]) -> u64 {
    let mut hasher = DefaultHasher::new();
    REVISION.hash(&mut hasher);
    mariadb.debian_version.hash(&mut hasher);
    archives
        .iter()
        .for_each(|archive| archive.line("deb").hash(&mut hasher));
    debian::INCLUDE.hash(&mut hasher);
    GUEST_FILES.hash(&mut hasher);
    initramfs::INIT.hash(&mut hasher);
    initramfs::MODULES.hash(&mut hasher);
    ROOT_SIZE.hash(&mut hasher);
    hasher.finish()
}

fn build(dir: &Path, mariadb: &MariadbFiles, archives: &[Archive]) -> Result<()> {
    let start = Instant::now();
    let step = |what: &str| println!("lab: guest image, {:>3} s: {what}", start.elapsed().as_secs());
    step("downloading the kernel");
    let apt = PrivateApt::new(&paths::lab_dir()?.join("apt"))?;
    let kernel = kernel::fetch(&apt, &dir.join("kernel"))?;
    step("installing Debian and MariaDB (takes about a minute)");
    let root = dir.join("root");
    debian::bootstrap(&root, mariadb, archives)?;
    step("adding the kernel's modules and our files");
    kernel.install_modules(&root)?;
    add_guest_files(&root)?;
    fs::copy(&kernel.vmlinuz, dir.join("vmlinuz")).context("cannot copy the kernel")?;
    initramfs::make(&kernel, &root.join("bin/busybox"), &dir.join("initramfs"))?;
    step("making the root file system");
    make_file_system(&root, &dir.join("root.img"), ROOT_SIZE, "root")?;
    for done in ["root", "kernel"] {
        fs::remove_dir_all(dir.join(done)).context("cannot remove the image's build files")?;
    }
    step("done");
    Ok(())
}

fn add_guest_files(root: &Path) -> Result<()> {
    for (name, mode, text) in GUEST_FILES {
        let path = root.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode))
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Makes an ext4 file system in the file `image` with the content of `content`.
pub(crate) fn make_file_system(content: &Path, image: &Path, size: &str, label: &str) -> Result<()> {
    command::run(
        Command::new("mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-L", label, "-m", "0"])
            .args(["-E", "lazy_itable_init=1,lazy_journal_init=1", "-d"])
            .args([content, image])
            .arg(size),
        "make a file system",
    )
}
