//! MariaDB's own test suite, laid out so that it can be changed: a private tree
//! of links to the pinned server and to its test packages.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::arm::Arm;
use crate::{
    command,
    local::Programs,
    mariadb_files::MariadbFiles,
    packages,
    paths::{self, Lock},
    run_dir::RunDir,
};

/// The tests, their runner and client, and the peer's engine.
const TEST_PACKAGES: &[&str] = &["mariadb-test", "mariadb-test-data", "mariadb-plugin-rocksdb"];

/// What those programs are linked with, beyond what the server needs.
const RUNTIME: &[&str] = &["libpcre2-posix3", "liblz4-1", "libsnappy1v5", "libzstd1", "perl"];

/// Stands where the runner looks for the server.
const WRAPPER: &str = include_str!("mariadbd.sh");

/// A tree in which the suites run. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: RunDir,
    packages: PathBuf,
}

impl Tree {
    /// Fetches the test packages at the first call, and makes a tree.
    pub(crate) fn create(files: &MariadbFiles, programs: &Programs) -> Result<Self> {
        packages::ensure(RUNTIME)?;
        let tree = Self {
            packages: fetch(files)?,
            dir: RunDir::create("mtr")?,
        };
        for name in ["bin", "lib/mysql/plugin", "share/mysql"] {
            tree.link_all(&files.root().join("usr").join(name), name)?;
            tree.link_all(&tree.packages.join("usr").join(name), name)?;
        }
        let plugin = fs::canonicalize(&programs.plugin)
            .with_context(|| format!("there is no plugin {}", programs.plugin.display()))?;
        link(&plugin, &tree.path("lib/mysql/plugin/ha_vamos.so"))?;
        tree.write_wrapper(files, programs)?;
        tree.copy_links(&tree.installed_tests(), "mysql-test")?;
        Ok(tree)
    }

    /// Where the runner is started.
    pub(crate) fn tests(&self) -> PathBuf {
        self.path("mysql-test")
    }

    /// The runner's working files.
    pub(crate) fn var(&self) -> PathBuf {
        self.path("var")
    }

    /// Makes a suite's files our own, to be changed and recorded, instead of
    /// links; without the overlays that other engines bring for it.
    pub(crate) fn own_suite(&self, suite: &str) -> Result<PathBuf> {
        let place = match suite {
            "main" => self.tests().join("main"),
            other => self.tests().join("suite").join(other),
        };
        let from = match suite {
            "main" => self.installed_tests().join("main"),
            other => self.installed_tests().join("suite").join(other),
        };
        remove(&place)?;
        command::run(
            Command::new("cp").arg("-r").arg(from).arg(&place),
            "copy a test suite",
        )?;
        self.remove_overlays(suite)?;
        Ok(place)
    }

    fn remove_overlays(&self, suite: &str) -> Result<()> {
        let plugins = self.tests().join("plugin");
        for entry in fs::read_dir(&plugins).with_context(|| format!("cannot list {}", plugins.display()))? {
            let overlay = entry?.path().join(suite);
            if overlay.exists() {
                remove(&overlay)?;
            }
        }
        Ok(())
    }

    /// Which server the runner starts from now on.
    pub(crate) fn use_arm(&self, arm: Arm) -> Result<()> {
        fs::write(self.path("arm"), arm.server_args().join("\n")).context("cannot choose the test's engine")
    }

    fn installed_tests(&self) -> PathBuf {
        self.packages.join("usr/share/mysql/mysql-test")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn link_all(&self, from: &Path, name: &str) -> Result<()> {
        let to = self.path(name);
        fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
        for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
            let entry = entry?;
            link(&entry.path(), &to.join(entry.file_name()))?;
        }
        Ok(())
    }

    fn copy_links(&self, from: &Path, name: &str) -> Result<()> {
        let to = self.path(name);
        command::run(
            Command::new("cp").arg("-rs").arg(from).arg(to),
            "link MariaDB's tests",
        )
    }

    fn write_wrapper(&self, files: &MariadbFiles, programs: &Programs) -> Result<()> {
        let sbin = self.path("sbin");
        fs::create_dir_all(&sbin).context("cannot create the tree's sbin")?;
        let vamosd = fs::canonicalize(&programs.vamosd).context("there is no vamosd")?;
        let text = WRAPPER
            .replace("@TREE@", &self.dir.path().display().to_string())
            .replace("@MARIADBD@", &files.mariadbd().display().to_string())
            .replace("@VAMOSD@", &vamosd.display().to_string());
        for name in ["mariadbd", "mysqld"] {
            let path = sbin.join(name);
            fs::write(&path, &text).context("cannot write the server's wrapper")?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
                .context("cannot make the server's wrapper executable")?;
        }
        Ok(())
    }
}

/// Downloads and unpacks the test packages of the pinned version, once.
fn fetch(files: &MariadbFiles) -> Result<PathBuf> {
    let dir = paths::lab_dir()?.join(format!("mtr-{}", files.version));
    let _lock = Lock::wait("mtr")?;
    paths::make_whole(&dir, |dir| {
        println!("lab: downloading MariaDB {}: its tests", files.version);
        files.unpack_more(TEST_PACKAGES, dir)
    })?;
    Ok(dir)
}

fn link(from: &Path, to: &Path) -> Result<()> {
    if to.is_symlink() {
        fs::remove_file(to).with_context(|| format!("cannot replace {}", to.display()))?;
    }
    symlink(from, to).with_context(|| format!("cannot link {}", from.display()))
}

fn remove(dir: &Path) -> Result<()> {
    fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))
}
