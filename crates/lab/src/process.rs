//! Child processes that cannot outlive us.

use std::{
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

use crate::command;

/// Kills the process with this id, which must be one that this run has started,
/// without warning.
pub(crate) fn kill_by_id(pid: u32) -> Result<()> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let id = id.with_context(|| format!("{pid} is no process id"))?;
    kill_process(id, Signal::KILL).with_context(|| format!("cannot kill the process {pid}"))
}

/// A running program whose output goes to a log file. It is killed when this is
/// dropped, and by the kernel when this process ends in whatever way.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// How long the log was when this was started, in bytes.
    log_begin: u64,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`, called `name` in messages, with its standard output
    /// and error appended to the file `log`.
    ///
    /// # Errors
    /// If the log can't be written or the program can't be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let open = || {
            File::options()
                .create(true)
                .append(true)
                .open(log)
                .with_context(|| format!("cannot open the log file {}", log.display()))
        };
        let output = open()?;
        let log_begin = output.metadata().map_or(0, |metadata| metadata.len());
        command.stdin(Stdio::null()).stdout(output).stderr(open()?);
        die_with_us(&mut command);
        let child = spawn(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_path_buf(),
            log_begin,
            ended: None,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file that its output goes to.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_none()
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// If the program ends before, or `limit` is over: with the end of its log.
    pub fn wait_until(&mut self, what: &str, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready() {
            if !self.is_running() {
                return Err(self.failure(&format!("ended before {what}")));
            }
            if start.elapsed() > limit {
                return Err(self.failure(&format!("was not {what} within {limit:?}")));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > limit {
                return Err(self.failure(&format!("did not end within {limit:?}")));
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.ended.context("a process that ended has no exit status")
    }

    /// Asks it to end with SIGTERM and waits for that.
    ///
    /// # Errors
    /// If it still runs after `limit` (it is killed then), or ends with a failure.
    pub fn terminate(&mut self, limit: Duration) -> Result<()> {
        self.signal(Signal::TERM);
        let status = self.wait(limit).inspect_err(|_| self.kill())?;
        if !status.success() {
            bail!(self.failure(&format!("ended with {status} when asked to stop")));
        }
        Ok(())
    }

    /// Kills it without warning and waits until it is gone.
    pub fn kill(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    /// Sends a signal, if it still runs.
    fn signal(&mut self, signal: Signal) {
        // Not yet waited for, so the id can't belong to another process.
        if self.is_running()
            && let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// An error that shows what it logged: errors, and the end.
    pub(crate) fn failure(&self, what: &str) -> anyhow::Error {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let begin = usize::try_from(self.log_begin).unwrap_or(usize::MAX);
        let log = String::from_utf8_lossy(log.get(begin..).unwrap_or_default());
        anyhow!("{} {what}; the end of its log:\n{}", self.name, telling(&log))
    }
}

/// The end of a log, after the errors of which it is the consequence.
fn telling(log: &str) -> String {
    let tail = command::tail(log, 30);
    let before = log.trim_end().strip_suffix(tail.trim_end()).unwrap_or_default();
    let errors: Vec<_> = before
        .lines()
        .filter(|line| line.contains("ERROR"))
        .take(20)
        .collect();
    match errors.is_empty() {
        true => tail,
        false => format!("{}\n  ...\n{tail}", errors.join("\n")),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Lets the kernel kill the program when we end.
pub(crate) fn die_with_us(command: &mut Command) {
    let us = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if getppid() != Some(us) {
            return Err(io::Error::other("the laboratory ended"));
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls and allocates nothing unless
    // it fails, which is allowed between fork and exec.
    unsafe { command.pre_exec(before_exec) };
}

type Answer = mpsc::SyncSender<io::Result<Child>>;

/// Spawns from a thread that never ends: the kernel sends the parent-death
/// signal when the *thread* that made the child ends, not the process.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<(Command, Answer)>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<(Command, Answer)>();
        thread::spawn(move || {
            for (mut command, answer) in receiver {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (answer, child) = mpsc::sync_channel(1);
    spawner.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(log: &Path) -> Process {
        let mut command = Command::new("sleep");
        command.arg("1000");
        Process::start("sleep", command, log).expect("start")
    }

    fn exists(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let dir = tempfile::tempdir().expect("tempdir");
        let process = sleeper(&dir.path().join("log"));
        let pid = process.pid();
        assert!(exists(pid));
        drop(process);
        assert!(!exists(pid));
    }

    #[test]
    fn a_process_outlives_the_thread_that_asked_for_it() {
        let dir = tempfile::tempdir().expect("tempdir");
        let log = dir.path().join("log");
        let mut process = thread::spawn(move || sleeper(&log)).join().expect("join");
        thread::sleep(Duration::from_millis(50));
        assert!(process.is_running());
    }

    #[test]
    fn a_failure_tells_the_first_errors_of_this_start() {
        let dir = tempfile::tempdir().expect("tempdir");
        let log = dir.path().join("log");
        std::fs::write(&log, "[ERROR] of a start before\n").expect("write");
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo '[ERROR] the cause'; seq -f '[Note] %g' 100; echo '[ERROR] Aborting'; exit 1",
        ]);
        let mut process = Process::start("thing", command, &log).expect("start");
        let error = process.wait_until("ready", Duration::from_secs(10), || false);
        let error = error.expect_err("must fail").to_string();
        for told in ["[ERROR] the cause", "[ERROR] Aborting", "[Note] 100\n"] {
            assert!(error.contains(told), "{told} is not in {error}");
        }
        for untold in ["start before", "[Note] 1\n"] {
            assert!(!error.contains(untold), "{untold} is in {error}");
        }
    }

    #[test]
    fn an_early_end_is_reported_with_the_log() {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no disk; exit 1"]);
        let mut process = Process::start("thing", command, &dir.path().join("log")).expect("start");
        let error = process
            .wait_until("ready", Duration::from_secs(10), || false)
            .expect_err("must fail");
        assert!(error.to_string().contains("no disk"), "{error}");
    }
}
