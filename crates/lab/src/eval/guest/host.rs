//! The side of VAMOS that is on the host: one vamosd with a worker for each guest.

use std::{
    fs,
    path::{Path as FilePath, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::GuestStart;
use crate::{
    command,
    daemon::Daemon,
    eval::arm::Path,
    local::Programs,
    process,
    run_dir::RunDir,
    vm::{Vsock, Window, WindowDevice},
};

/// The vsock port on which a worker listens.
pub(super) const PORT: u32 = 5000;

/// The longest that workers may take to open their stores.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running vamosd with a copy of the prepared store for each guest. Dropping
/// it takes it down and removes them.
#[derive(Debug)]
pub(super) struct Host {
    _daemon: Daemon,
    programs: Programs,
    has_window: bool,
    dir: RunDir,
}

impl Host {
    pub(super) fn start(start: &GuestStart<'_>, store: &FilePath, guests: usize) -> Result<Self> {
        let programs = start.programs;
        let dir = RunDir::create("host")?;
        let stores = dir.file("stores");
        fs::create_dir_all(&stores).context("cannot create the stores' directory")?;
        let has_window = start.arm.path != Path::Stream;
        let mut config = format!(
            "[global]\nstate_dir = {stores:?}\nrun_dir = {:?}\nrestart_pause_max_ms = 200\n",
            dir.path()
        );
        for index in 0..guests {
            let copy = stores.join(index.to_string());
            command::run(
                Command::new("cp")
                    .args(["-a", "--reflink=auto"])
                    .arg(store)
                    .arg(&copy),
                "copy the prepared store",
            )?;
            config += &guest_section(&dir, index, start);
        }
        let file = dir.file("vamosd.toml");
        fs::write(&file, config).with_context(|| format!("cannot write {}", file.display()))?;
        let log = dir.file("vamosd.log");
        let daemon = Daemon::start(&programs.vamosd, &file, &socket(&dir, 0), &log)?;
        let host = Self {
            _daemon: daemon,
            programs: programs.clone(),
            has_window,
            dir,
        };
        host.wait_for(guests)?;
        Ok(host)
    }

    fn wait_for(&self, guests: usize) -> Result<()> {
        let begin = Instant::now();
        let is_there = |index| socket(&self.dir, index).exists();
        while !(0..guests).all(is_there) {
            ensure!(
                begin.elapsed() < START_LIMIT,
                "vamosd does not serve all guests: see {}",
                self.dir.file("vamosd.log").display()
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// What `vamos status --json` says of a guest.
    fn status(&self, index: usize) -> Result<Value> {
        let output = command::output_bytes(
            Command::new(&self.programs.vamos)
                .args(["status", "--json", "--socket"])
                .arg(self.dir.file("status.sock")),
            "ask vamosd for its status",
        )?;
        let mut status: Value =
            serde_json::from_slice(&output).context("`vamos status --json` printed something else")?;
        let guest = status.pointer_mut(&format!("/guests/{index}"));
        guest.map(Value::take).context("vamosd knows no such guest")
    }
}

/// A guest's place at a vamosd.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) host: Arc<Host>,
    pub(super) index: usize,
}

impl Seat {
    /// The guest's window, if the arm has one.
    pub(super) fn window(&self) -> Option<Window> {
        let path = window(&self.host.dir, self.index);
        let bytes = fs::metadata(&path).ok()?.len();
        self.host.has_window.then_some(Window {
            path,
            bytes,
            device: WindowDevice::Nvdimm,
        })
    }

    pub(super) fn vsock(&self) -> Vsock {
        Vsock::UnixSocket {
            uds_path: self.host.dir.file(&format!("vsock{}", self.index)),
        }
    }

    /// The guest's worker's process id.
    pub(super) fn worker(&self) -> Result<u32> {
        let status = self.status()?;
        let pid = status.get("pid").and_then(Value::as_u64);
        pid.and_then(|pid| u32::try_from(pid).ok())
            .context("the guest has no worker now")
    }

    /// Kills the guest's worker without warning and waits until the next one
    /// serves.
    pub(super) fn kill_worker(&self) -> Result<()> {
        let old = self.worker()?;
        process::kill_by_id(old)?;
        let begin = Instant::now();
        loop {
            let status = self.status()?;
            let runs = status.get("state").and_then(Value::as_str) == Some("running");
            if runs && status.get("pid").and_then(Value::as_u64) != Some(old.into()) {
                return Ok(());
            }
            ensure!(
                begin.elapsed() < START_LIMIT,
                "no worker took the killed one's place"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What `vamos status --json` says of the guest.
    pub(super) fn status(&self) -> Result<Value> {
        self.host.status(self.index)
    }
}

fn socket(dir: &RunDir, index: usize) -> PathBuf {
    dir.file(&format!("vsock{index}_{PORT}"))
}

fn window(dir: &RunDir, index: usize) -> PathBuf {
    dir.file(&format!("window{index}"))
}

fn guest_section(dir: &RunDir, index: usize, start: &GuestStart<'_>) -> String {
    let window = match start.arm.path {
        Path::Stream => "none".to_owned(),
        _ => format!("file:{}", window(dir, index).display()),
    };
    let polling = match start.arm.path {
        Path::WindowUnpolled => "poll_budget_us = 0\n",
        _ => "",
    };
    format!(
        "\n[[guest]]\nname = \"{index}\"\nlisten = \"unix:{}\"\nwindow = {window:?}\n{}{polling}{}\n",
        socket(dir, index).display(),
        start.settings.store_config(),
        start.options.store_conf
    )
}
