//! What the supervisor prepares for a worker because the worker may not: its
//! user, its directory, its cgroup.

use crate::config::{Config, Guest};
use crate::status::Measure;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::path::{Path, PathBuf};
use vamos_channel::Endpoint;

/// Threads of a worker's cgroup: what serves, compacts and blocks, many times over.
const THREADS: &str = "256";

/// A user and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Looks a user up, by name or number, in /etc/passwd.
pub(crate) fn find_user(wanted: &str) -> Result<User> {
    let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    match find_in(&passwd, wanted) {
        Some(user) => Ok(user),
        None => bail!("there is no user \"{wanted}\" in /etc/passwd; make it, or set `user` to another"),
    }
}

fn find_in(passwd: &str, wanted: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields[..] else {
            return None;
        };
        (name == wanted || uid == wanted).then_some(User {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    })
}

/// Makes the store's directory, for nobody but the worker.
pub(super) fn prepare_store(directory: &Path, user: Option<User>) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the store's directory {}", directory.display()))?;
    if let Some(user) = user {
        std::os::unix::fs::chown(directory, Some(user.uid), Some(user.gid))
            .with_context(|| format!("cannot give {} to user {}", directory.display(), user.uid))?;
    }
    Ok(())
}

/// Removes the socket that a worker has listened on: the worker itself, in its
/// sandbox, may not. A guest then sees at once that nobody listens.
pub(super) fn remove_socket(guest: &Guest) {
    let Ok(Endpoint::Unix(path)) = guest.listen.parse() else {
        return;
    };
    let is_socket = |path: &Path| fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket(&path)
        && let Err(error) = fs::remove_file(&path)
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove the socket");
    }
}

/// Puts a worker into a cgroup of its own.
pub(super) fn enter_cgroup(config: &Config, guest: &Guest, pid: u32) -> Measure {
    let (in_force, detail) = match &config.global.cgroup {
        None => (false, "the configuration names no cgroup".to_owned()),
        Some(parent) => match make_cgroup(parent, guest, pid) {
            Ok(detail) => (true, detail),
            Err(error) => (false, format!("{error:#}")),
        },
    };
    if !in_force && config.global.cgroup.is_some() {
        tracing::warn!(guest = guest.name, reason = detail, "no cgroup limits");
    }
    Measure {
        name: "cgroup".into(),
        in_force,
        detail,
    }
}

fn make_cgroup(parent: &Path, guest: &Guest, pid: u32) -> Result<String> {
    let group: PathBuf = parent.join(format!("vamos-{}", guest.name));
    if !group.is_dir() {
        fs::create_dir(&group).with_context(|| format!("cannot make {}", group.display()))?;
    }
    let mut limits = vec![("pids.max", THREADS.to_owned())];
    if guest.memory_limit.0 > 0 {
        limits.push(("memory.max", guest.memory_limit.0.to_string()));
    }
    for (file, value) in &limits {
        set(&group, file, value).context("is the controller switched on in cgroup.subtree_control?")?;
    }
    set(&group, "cgroup.procs", &pid.to_string())?;
    let limits: Vec<_> = limits
        .iter()
        .map(|(file, value)| format!("{file} {value}"))
        .collect();
    Ok(format!("{}: {}", group.display(), limits.join(", ")))
}

fn set(group: &Path, file: &str, value: &str) -> Result<()> {
    let file = group.join(file);
    fs::write(&file, value).with_context(|| format!("cannot write {value} to {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nvamos:x:101:102::/:/bin/false\n";
        let vamos = User { uid: 101, gid: 102 };
        assert_eq!(find_in(passwd, "vamos"), Some(vamos));
        assert_eq!(find_in(passwd, "101"), Some(vamos));
        assert_eq!(find_in(passwd, "nobody"), None);
    }
}
