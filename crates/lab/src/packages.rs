//! Debian packages that the laboratory needs on this machine.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, paths::Lock};

/// Makes sure that Debian packages are installed; says which are missing and
/// installs those.
///
/// # Errors
/// If a package is missing and this user is not root, or apt fails.
pub fn ensure(names: &[&str]) -> Result<()> {
    let missing = missing(names)?;
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !rustix::process::geteuid().is_root() {
        bail!(
            "these Debian packages are missing: {list}. Only root can install them: \
             run this command as root, or run `apt-get install {list}` first"
        );
    }
    let _lock = Lock::wait("apt")?;
    println!("lab: installing Debian packages: {list}");
    if lists_are_empty()? {
        update()?;
        return install(&missing);
    }
    install(&missing).or_else(|first| {
        println!("lab: the installation failed ({first}), trying again with fresh package lists");
        update()?;
        install(&missing)
    })
}

/// Those of `names` that are not installed.
fn missing<'a>(names: &[&'a str]) -> Result<Vec<&'a str>> {
    let done = Command::new("dpkg-query")
        .args(["-W", "-f", "${binary:Package} ${db:Status-Status}\n"])
        .output()
        .context("cannot ask dpkg-query what is installed: this needs a Debian machine")?;
    let text = String::from_utf8_lossy(&done.stdout);
    Ok(not_installed(&text, names))
}

fn not_installed<'a>(dpkg_query: &str, names: &[&'a str]) -> Vec<&'a str> {
    let is_installed = |name: &str| {
        dpkg_query.lines().any(|line| {
            line.strip_suffix(" installed")
                .and_then(|package| package.split(':').next())
                .is_some_and(|package| package == name)
        })
    };
    names.iter().copied().filter(|name| !is_installed(name)).collect()
}

/// Whether apt knows no package at all, as on a machine just made.
pub(crate) fn lists_are_empty() -> Result<bool> {
    let targets = command::output(
        Command::new("apt-get").args(["indextargets", "--format", "$(FILENAME)", "Created-By: Packages"]),
        "ask apt for its package lists",
    )?;
    Ok(targets.trim().is_empty())
}

/// Renews apt's package lists.
pub(crate) fn update() -> Result<()> {
    println!("lab: fetching Debian's package lists");
    command::run(
        Command::new("apt-get").args(["-q", "update"]),
        "fetch Debian's package lists",
    )
}

fn install(names: &[&str]) -> Result<()> {
    command::run(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-y", "--no-install-recommends", "install"])
            .args(names),
        "install Debian packages",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_count_as_installed_only_when_dpkg_says_installed() {
        let dpkg = "gcc installed\nlibaio1:amd64 installed\nqemu config-files\n";
        assert_eq!(
            not_installed(dpkg, &["gcc", "libaio1", "qemu", "liba"]),
            ["qemu", "liba"]
        );
    }
}
