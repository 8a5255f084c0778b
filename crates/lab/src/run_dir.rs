//! Directories that do not outlive the run that made them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, OnceLock, PoisonError},
    thread,
};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use crate::paths::{self, Lock};

/// The longest path of a directory in which Unix sockets can still be named.
const LONGEST: usize = 80;

/// A directory of one run: sockets, logs, disks. It is removed when this is
/// dropped, at Ctrl-C, and, if this process was killed, by the next run.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Makes a new one, after removing those whose makers are gone.
    ///
    /// # Errors
    /// If it can't be made, or its path is too long for Unix sockets.
    pub fn create(purpose: &str) -> Result<Self> {
        remove_at_signals()?;
        let parent = match std::env::var_os("VAMOS_LAB_RUN") {
            Some(dir) => PathBuf::from(dir),
            None => paths::lab_dir()?.join("run"),
        };
        fs::create_dir_all(&parent).with_context(|| format!("cannot create {}", parent.display()))?;
        // Of the directory itself, which workspaces may share: nobody sweeps away
        // what is not yet locked.
        let _lock = Lock::of(&parent)?;
        sweep(&parent)?;
        Self::create_in(&parent, purpose)
    }

    fn create_in(parent: &Path, purpose: &str) -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix(&format!("{purpose}-"))
            .tempdir_in(parent)
            .with_context(|| format!("cannot create a directory in {}", parent.display()))?
            .keep();
        if path.as_os_str().len() > LONGEST {
            let _ = fs::remove_dir_all(&path);
            bail!(
                "{} is too long for Unix sockets in it: set VAMOS_LAB_RUN to a directory \
                 with a shorter path",
                path.display()
            );
        }
        let lock = File::create(path.join("lock")).context("cannot create the run's lock file")?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).context("cannot lock the run's directory")?;
        register(&path);
        Ok(Self { path, _lock: lock })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|path| *path != self.path);
    }
}

/// The directories that exist now.
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn register(path: &Path) {
    LIVE.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(path.to_path_buf());
}

/// Removes the directories in `parent` that no running process holds.
fn sweep(parent: &Path) -> Result<()> {
    for entry in fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))? {
        let path = entry
            .with_context(|| format!("cannot list {}", parent.display()))?
            .path();
        let held = File::open(path.join("lock"))
            .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err());
        if !held {
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// Removes the directories when a signal ends this process; the children are
/// killed by the kernel.
fn remove_at_signals() -> Result<()> {
    static WATCHER: OnceLock<()> = OnceLock::new();
    if WATCHER.get().is_some() {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    if WATCHER.set(()).is_err() {
        return Ok(());
    }
    thread::spawn(move || {
        for signal in signals.forever() {
            if tell_waiting() {
                continue;
            }
            let live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
            for path in live.iter() {
                let _ = fs::remove_dir_all(path);
            }
            let _ = emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Whether someone waits for a signal in order to stop cleanly.
static WAITING: Mutex<bool> = Mutex::new(false);
static SIGNALLED: Condvar = Condvar::new();

/// Waits for Ctrl-C (or SIGTERM, SIGHUP) so that the caller can stop cleanly.
/// From then on a signal ends this process at once, as it does otherwise.
///
/// # Errors
/// If signals cannot be watched for.
pub fn wait_for_signal() -> Result<()> {
    remove_at_signals()?;
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    *waiting = true;
    while *waiting {
        waiting = SIGNALLED.wait(waiting).unwrap_or_else(PoisonError::into_inner);
    }
    Ok(())
}

/// Wakes who waits for a signal; says whether there was someone.
fn tell_waiting() -> bool {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let told = std::mem::take(&mut *waiting);
    SIGNALLED.notify_all();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_directory_is_gone() {
        let parent = tempfile::tempdir().expect("tempdir");
        let dir = RunDir::create_in(parent.path(), "test").expect("create");
        fs::write(dir.file("x"), "x").expect("write");
        let path = dir.path().to_path_buf();
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn sweep_removes_what_nobody_holds_and_nothing_else() {
        let parent = tempfile::tempdir().expect("tempdir");
        let held = RunDir::create_in(parent.path(), "held").expect("create");
        let left = parent.path().join("left");
        fs::create_dir(&left).expect("mkdir");
        fs::write(left.join("lock"), "").expect("write");
        sweep(parent.path()).expect("sweep");
        assert!(held.path().exists());
        assert!(!left.exists());
    }
}
