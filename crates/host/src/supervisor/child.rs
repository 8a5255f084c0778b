//! A worker's process.

use super::SupervisorOptions;
use super::confinement::User;
use anyhow::{Context, Result};
use parking_lot::Mutex;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often an ending process is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A running worker, and our end of its link.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    child: Mutex<Child>,
    pid: u32,
}

impl WorkerProcess {
    /// Starts one; returns it and our end of its link.
    pub(super) fn start(options: &SupervisorOptions, user: Option<User>) -> Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair().context("cannot make a socket pair")?;
        let mut command = Command::new(&options.program);
        command
            .arg0("vamosd")
            .arg("worker")
            .stdin(Stdio::from(OwnedFd::from(theirs)));
        // What the supervisor knows from its environment is not the worker's.
        command.env_clear().current_dir("/");
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", options.program.display()))?;
        let pid = child.id();
        let child = Mutex::new(child);
        Ok((Self { child, pid }, ours))
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Its memory in bytes, from the kernel.
    pub(super) fn memory(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid)).ok()?;
        let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    /// Kills it. No error if it has ended.
    pub(super) fn kill(&self) {
        // The lock keeps the process from being reaped, so that its number
        // cannot be another's.
        let _ = self.child.lock().kill();
    }

    /// Waits for its end, and kills it at the deadline.
    pub(super) fn wait(&self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.child.lock().try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(pid = self.pid, %error, "cannot wait for a worker");
                    return None;
                }
            }
            if Instant::now() >= deadline {
                tracing::warn!(
                    pid = self.pid,
                    "the worker has hung up and does not end; killing it"
                );
                self.kill();
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// How a process ended, as a sentence.
pub(super) fn describe_end(status: Option<ExitStatus>) -> String {
    let Some(status) = status else {
        return "ended in an unknown way".into();
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => "finished".into(),
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(libc::SIGSYS)) => {
            "was killed by seccomp for a forbidden system call (see the kernel's log)".into()
        }
        (None, Some(signal)) => format!("was killed by signal {signal}{}", signal_name(signal)),
        (None, None) => "ended in an unknown way".into(),
    }
}

fn signal_name(signal: i32) -> String {
    let name = signal_hook::low_level::signal_name(signal);
    name.map(|name| format!(" ({name})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_described() {
        let end = |wait: i32| describe_end(Some(ExitStatus::from_raw(wait)));
        assert_eq!(end(0), "finished");
        assert_eq!(end(256), "ended with exit code 1");
        assert_eq!(end(9), "was killed by signal 9 (SIGKILL)");
        assert!(end(libc::SIGSYS).contains("seccomp"));
    }
}
