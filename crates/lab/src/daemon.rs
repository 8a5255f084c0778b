//! The host daemon, `vamosd`, as a child of the laboratory.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::process::{self, Process};

/// A running `vamosd`. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    program: PathBuf,
    config: PathBuf,
    socket: PathBuf,
}

impl Daemon {
    /// Starts `program --config CONFIG`, its output appended to `log`, and waits
    /// until the Unix socket `socket` is there.
    ///
    /// # Errors
    /// If it ends or makes no socket in time: with the end of its log.
    pub fn start(program: &Path, config: &Path, socket: &Path, log: &Path) -> Result<Self> {
        let process = launch(program, config, socket, log)?;
        Ok(Self {
            process,
            program: program.to_path_buf(),
            config: config.to_path_buf(),
            socket: socket.to_path_buf(),
        })
    }

    /// Its process id: that of the supervisor, whose children are the workers.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The ids of its workers.
    #[must_use]
    pub fn workers(&self) -> Vec<u32> {
        children(self.pid())
    }

    /// Kills its first worker without warning.
    ///
    /// # Errors
    /// If it has none now.
    pub fn kill_worker(&self) -> Result<()> {
        let worker = self
            .workers()
            .first()
            .copied()
            .context("vamosd has no worker now")?;
        process::kill_by_id(worker)
    }

    /// The file that its output goes to.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Stops it with SIGTERM and waits for its end.
    ///
    /// # Errors
    /// If it does not end within 30 s (it is killed then), or ends with a failure.
    pub fn stop(&mut self) -> Result<()> {
        self.process.terminate(Duration::from_secs(30))
    }

    /// Kills it without warning. Its workers are its own affair.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`stop`](Self::stop) or [`kill`](Self::kill).
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_again(&mut self) -> Result<()> {
        let log = self.process.log().to_path_buf();
        self.process.kill();
        self.process = launch(&self.program, &self.config, &self.socket, &log)?;
        Ok(())
    }
}

fn launch(program: &Path, config: &Path, socket: &Path, log: &Path) -> Result<Process> {
    // A socket left by a killed daemon would pass for the new one's.
    let _ = std::fs::remove_file(socket);
    let mut command = Command::new(program);
    command.arg("--config").arg(config);
    let mut process = Process::start("vamosd", command, log)?;
    process.wait_until("listening", Duration::from_secs(30), || socket.exists())?;
    Ok(process)
}

/// The children of all threads of a process.
fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}
