//! The guest's user land.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{apt::Archive, command, mariadb_files::MariadbFiles, process};

/// What the guest has beside Debian's essential packages.
pub(super) const INCLUDE: &[&str] = &[
    "mariadb-server",
    "mount",
    "busybox-static",
    "kmod",
    "udev",
    "iproute2",
    // What MyRocks is linked with.
    "liblz4-1",
    "libsnappy1v5",
    "libzstd1",
];

/// What is in the packages but of no use in a guest that nobody logs in to.
const LEAVE_OUT: &[&str] = &[
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/share/mysql/mysql-test/*",
];

/// The archives that the guest is installed from: the machine's own, of its own
/// release.
pub(super) fn archives() -> Result<Vec<Archive>> {
    let release = release()?;
    let mut archives = Archive::of_this_machine()?;
    archives.retain(|archive| {
        archive.release.starts_with(&release)
            && !archive.release.contains("backports")
            && archive.component == "main"
    });
    Ok(archives)
}

/// The machine's Debian release, such as `bookworm`.
fn release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    text.lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .context("/etc/os-release names no VERSION_CODENAME: this needs a Debian release")
}

/// Installs Debian with the pinned MariaDB into the new directory `root`.
pub(super) fn bootstrap(root: &Path, mariadb: &MariadbFiles, archives: &[Archive]) -> Result<()> {
    let pin = root.with_extension("pin");
    fs::write(&pin, pin_text(mariadb)).context("cannot write the version pin")?;
    let mut command = isolated("mmdebstrap");
    command
        .args([
            "--quiet",
            "--mode=root",
            "--variant=essential",
            "--format=directory",
        ])
        .arg(format!("--include={}", INCLUDE.join(",")))
        .args(
            LEAVE_OUT
                .iter()
                .map(|path| format!("--dpkgopt=path-exclude={path}")),
        )
        .arg(format!(
            "--setup-hook=mkdir -p \"$1/etc/apt/preferences.d\" && \
             cp '{}' \"$1/etc/apt/preferences.d/mariadb\"",
            pin.display()
        ))
        // The data directory comes on a disk of its own.
        .arg("--customize-hook=rm -rf \"$1\"/var/lib/mysql/* \"$1\"/var/log/*.log")
        .arg(release()?)
        .arg(root)
        .args(
            archives
                .iter()
                .map(|archive| archive.line("deb").trim_end().to_owned()),
        );
    command::run(&mut command, "install Debian for the guest")?;
    fs::remove_file(&pin).context("cannot remove the version pin")
}

/// A command in mount and process namespaces of its own: if this run ends, so
/// does the program with all that it has started and mounted.
fn isolated(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child"]);
    if !root_is_a_mount(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()) {
        // In a chroot there is no root mount that could be made private.
        command.arg("--propagation=unchanged");
    }
    process::die_with_us(&mut command);
    command.arg(program);
    command
}

/// Whether `/` is a mount point, by a text in the form of proc(5)'s mountinfo.
fn root_is_a_mount(mountinfo: &str) -> bool {
    mountinfo.lines().any(|line| line.split(' ').nth(4) == Some("/"))
}

/// apt preferences that choose the pinned MariaDB over newer ones.
fn pin_text(mariadb: &MariadbFiles) -> String {
    format!(
        "Package: src:mariadb\nPin: version {}\nPin-Priority: 1001\n",
        mariadb.debian_version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_mount_is_told_from_others() {
        assert!(root_is_a_mount("26 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"));
        assert!(!root_is_a_mount("27 26 0:5 / /proc rw - proc proc rw\n"));
    }
}
