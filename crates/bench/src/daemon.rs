//! A vamosd in a directory of its own, with one guest on a Unix socket.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use vamos_guest::{Client, Config, Session};

/// It does not take longer to start, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running vamosd, killed on drop.
pub(crate) struct Daemon {
    child: Child,
    program: PathBuf,
    config: PathBuf,
    socket: PathBuf,
}

impl Daemon {
    /// Starts it and waits until it serves.
    pub(crate) fn start(program: &Path, directory: &Path) -> Result<Self> {
        let path = directory.display();
        let config = directory.join("vamosd.toml");
        let text = format!(
            "[global]\nstate_dir = \"{path}/state\"\nrun_dir = \"{path}\"\nlog = \"warn\"\n\n\
             [[guest]]\nname = \"g\"\nlisten = \"unix:{path}/g.sock\"\n"
        );
        std::fs::write(&config, text)?;
        let daemon = Self {
            child: spawn(program, &config)?,
            program: program.to_owned(),
            config,
            socket: directory.join("g.sock"),
        };
        daemon.wait()?;
        Ok(daemon)
    }

    /// A session of its guest.
    pub(crate) fn session(&self) -> Result<Session> {
        let endpoint = format!("unix:{}", self.socket.display()).parse()?;
        Ok(Session::new(Client::new(Config::new(endpoint))))
    }

    /// Ends it in order and starts it again in the same place.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("vamosd has no process")?, Signal::TERM)?;
        self.child.wait()?;
        self.child = spawn(&self.program, &self.config)?;
        self.wait()
    }

    /// It and its workers, by their process ids.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .context("cannot find vamosd's workers")?;
        let workers = children.split_whitespace().map(str::parse);
        let mut all = workers.collect::<Result<Vec<u32>, _>>()?;
        all.push(pid);
        Ok(all)
    }

    fn wait(&self) -> Result<()> {
        let begin = Instant::now();
        let mut session = self.session()?;
        while let Err(error) = session.ping() {
            if begin.elapsed() > PATIENCE {
                bail!("vamosd does not serve: {error}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

fn spawn(program: &Path, config: &Path) -> Result<Child> {
    Command::new(program)
        .arg("--config")
        .arg(config)
        .stdout(std::process::Stdio::null())
        .spawn()
        .with_context(|| {
            format!(
                "cannot start {}; build it, or name it by --vamosd",
                program.display()
            )
        })
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
