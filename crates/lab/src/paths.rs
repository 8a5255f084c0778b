//! Where the laboratory keeps its files.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use crate::command;

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The laboratory's directory: `target/lab/` below the workspace, whatever
/// `CARGO_TARGET_DIR` says, so that all builds share what was downloaded.
///
/// # Errors
/// If it can't be created.
pub fn lab_dir() -> Result<PathBuf> {
    let dir = workspace().join("target/lab");
    fs::create_dir_all(&dir)
        .with_context(|| format!("cannot create the laboratory's directory {}", dir.display()))?;
    Ok(dir)
}

/// Holds `target/lab/<name>.lock`, so that two runs do not make the same thing
/// at once. Dropping it gives the lock back.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock `name`, and says so if another run holds it.
    pub(crate) fn wait(name: &str) -> Result<Self> {
        let path = lab_dir()?.join(format!("{name}.lock"));
        let file =
            File::create(&path).with_context(|| format!("cannot create the lock file {}", path.display()))?;
        Self::take(file, &path)
    }

    /// Waits for the lock of a directory that exists.
    pub(crate) fn of(directory: &Path) -> Result<Self> {
        let file = File::open(directory).with_context(|| format!("cannot open {}", directory.display()))?;
        Self::take(file, directory)
    }

    fn take(file: File, path: &Path) -> Result<Self> {
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            println!("lab: waiting for another run that holds {}", path.display());
            flock(&file, FlockOperation::LockExclusive)
                .with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(Self { _file: file })
    }
}

/// Makes the directory `dir` by calling `make` with a directory beside it that
/// takes its name only when `make` has succeeded: what was interrupted leaves
/// nothing half-made under the name.
pub(crate) fn make_whole(dir: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if dir.exists() {
        return Ok(());
    }
    let mut partial = dir.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    remove(&partial)?;
    fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
    make(&partial).inspect_err(|_| {
        let _ = remove(&partial);
    })?;
    fs::rename(&partial, dir).with_context(|| format!("cannot give {} its final name", partial.display()))
}

/// Removes a directory, but nothing of another file system that an interrupted
/// installation has left mounted in it.
fn remove(dir: &Path) -> Result<()> {
    let doing = format!("remove the unfinished {}", dir.display());
    command::run(
        Command::new("rm").args(["-rf", "--one-file-system"]).arg(dir),
        &doing,
    )
}

/// The files in `dir` whose names end in `end`, in order.
pub(crate) fn files_ending(dir: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry
            .with_context(|| format!("cannot list {}", dir.display()))?
            .path();
        if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_leaves_nothing() {
        let parent = tempfile::tempdir().expect("tempdir");
        let dir = parent.path().join("thing-1.2");
        assert!(make_whole(&dir, |_| anyhow::bail!("no")).is_err());
        assert_eq!(fs::read_dir(parent.path()).expect("list").count(), 0);
    }

    #[test]
    fn what_was_interrupted_is_made_anew() {
        let parent = tempfile::tempdir().expect("tempdir");
        let dir = parent.path().join("thing-1.2");
        fs::create_dir(parent.path().join("thing-1.2.partial")).expect("mkdir");
        fs::write(parent.path().join("thing-1.2.partial/old"), "").expect("write");
        make_whole(&dir, |dir| Ok(fs::write(dir.join("new"), "")?)).expect("make");
        assert!(dir.join("new").exists() && !dir.join("old").exists());
    }
}
