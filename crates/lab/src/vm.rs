//! Virtual machines: the guest image under QEMU.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    image::GuestImage, mariadb_files::MariadbFiles, native, packages, process::Process, run_dir::RunDir,
    switches::SwitchMeter,
};

mod accelerator;
mod agent;
mod backlog;
mod counting;
mod disk;
mod exits;
mod instructions;
mod options;
mod qemu;
mod storage;
mod vsock;

pub use accelerator::Accelerator;
pub use agent::Output;
pub use disk::DataDisk;
pub use instructions::InstructionCounts;
pub use options::{VmOptions, Window, WindowDevice};
pub use storage::Storage;
pub use vsock::Vsock;

use agent::Agent;
use instructions::InstructionCounter;

const BOOT_LIMIT: Duration = Duration::from_secs(180);
/// How often a guest is booted that comes up and then fails.
const BOOTS: u32 = 3;
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(60);

/// A running guest. Dropping it kills it and removes its files, but not the data
/// disk's.
#[derive(Debug)]
pub struct Vm {
    machine: Machine,
    image: GuestImage,
    options: VmOptions,
    data_disk: PathBuf,
    mariadb: MariadbFiles,
    accelerator: Accelerator,
    meter: Option<SwitchMeter>,
    counter: Option<InstructionCounter>,
    dir: RunDir,
}

/// The processes of one boot. The order is that of their end: QEMU first.
#[derive(Debug)]
struct Machine {
    agent: Agent,
    qemu: Process,
    /// What serves the guest's devices, where that is not QEMU.
    helpers: Vec<Process>,
    boot_time: Duration,
}

impl Vm {
    /// Boots the image with `data_disk` as MariaDB's disk, and waits until
    /// MariaDB runs in the guest.
    ///
    /// # Errors
    /// If QEMU refuses, or the guest does not come up in time: with the end of
    /// the console's log.
    pub fn boot(
        image: &GuestImage,
        mariadb: &MariadbFiles,
        data_disk: &DataDisk,
        mut options: VmOptions,
    ) -> Result<Self> {
        packages::ensure(&["qemu-system-x86"])?;
        if let Some(Vsock::UnixSocket { .. }) = options.vsock {
            Vsock::install()?;
        }
        let dir = RunDir::create("vm")?;
        options.mysql_port = options.mysql_port.map(free_port).transpose()?;
        let accelerator = Accelerator::probe();
        let counts = options.count_instructions && accelerator == Accelerator::Tcg;
        let counter = counts.then(|| InstructionCounter::new(&dir)).transpose()?;
        println!("lab: booting the guest with {accelerator}");
        let parts = Parts {
            dir: &dir,
            accelerator,
            image,
            data_disk: data_disk.path(),
            options: &options,
            counter: counter.as_ref(),
        };
        let mut vm = Self {
            machine: start(&parts)?,
            image: image.clone(),
            options,
            data_disk: data_disk.path().to_path_buf(),
            mariadb: mariadb.clone(),
            accelerator,
            meter: None,
            counter,
            dir,
        };
        vm.make_ready()?;
        Ok(vm)
    }

    /// Boots again on the same disks, killing the guest first if it still runs.
    ///
    /// # Errors
    /// As for [`boot`](Self::boot).
    pub fn boot_again(&mut self) -> Result<()> {
        self.restart()?;
        self.make_ready()
    }

    fn restart(&mut self) -> Result<()> {
        self.kill();
        self.machine = start(&Parts {
            dir: &self.dir,
            accelerator: self.accelerator,
            image: &self.image,
            data_disk: &self.data_disk,
            options: &self.options,
            counter: self.counter.as_ref(),
        })?;
        Ok(())
    }

    /// Starts to count. One emulated guest in some fifty was seen to stand still
    /// then, with a processor that takes no timer interrupt: it is booted anew.
    fn make_ready(&mut self) -> Result<()> {
        for _ in 1..BOOTS {
            match self.attach_meter() {
                Ok(()) => return Ok(()),
                Err(error) => println!("lab: the guest came up and failed, and is booted anew: {error:#}"),
            }
            self.restart()?;
        }
        self.attach_meter()
    }

    /// Runs a shell script in the guest as root, for at most `limit`.
    ///
    /// # Errors
    /// If the guest does not answer. A script that fails is no error: see
    /// [`Output::status`], which is 124 for one that took too long.
    pub fn run_for(&mut self, script: &str, input: &[u8], limit: Duration) -> Result<Output> {
        let answer = self.machine.agent.run(script, input, limit);
        answer.map_err(|error| error.context(self.machine.qemu.failure("has a guest that is silent")))
    }

    /// Runs a shell script in the guest as root, for at most a minute, and
    /// returns its standard output.
    ///
    /// # Errors
    /// If the guest does not answer or the script fails.
    pub fn run(&mut self, script: &str) -> Result<String> {
        self.run_for(script, b"", Duration::from_secs(60))?
            .success(script)
    }

    /// Runs SQL through the client in the guest, for at most `limit`, and
    /// returns what it prints: rows of tab-separated columns.
    ///
    /// # Errors
    /// If the guest does not answer or a statement fails.
    pub fn sql_for(&mut self, statements: &str, limit: Duration) -> Result<String> {
        let client = "mariadb --no-defaults --user=root --socket=/run/mysqld/mysqld.sock --batch \
                      --skip-column-names --default-character-set=utf8mb4";
        self.run_for(client, statements.as_bytes(), limit)?
            .success(statements)
    }

    /// As [`sql_for`](Self::sql_for), for at most five minutes.
    ///
    /// # Errors
    /// As for [`sql_for`](Self::sql_for).
    pub fn sql(&mut self, statements: &str) -> Result<String> {
        self.sql_for(statements, Duration::from_secs(300))
    }

    /// Runs SQL through a client on the host, over the forwarded port. Under
    /// emulation this is far faster for many small statements.
    ///
    /// # Errors
    /// If there is no forwarded port, or a statement fails.
    pub fn sql_from_host(&self, statements: &str) -> Result<String> {
        let port = self
            .options
            .mysql_port
            .context("this guest has no forwarded MySQL port")?;
        native::run_sql(native::client_on_port(&self.mariadb, port), statements)
    }

    /// What a person types on the host to connect to the guest's MariaDB.
    #[must_use]
    pub fn connect_hint(&self) -> Option<String> {
        let port = self.options.mysql_port?;
        let client = self.mariadb.client();
        Some(format!(
            "{} --host=127.0.0.1 --port={port} --user=root",
            client.display()
        ))
    }

    /// The loopback port that leads to the guest's MariaDB.
    #[must_use]
    pub fn mysql_port(&self) -> Option<u16> {
        self.options.mysql_port
    }

    /// Restarts MariaDB in the guest and drops the guest's page cache, so that
    /// what follows starts with cold caches.
    ///
    /// # Errors
    /// If MariaDB does not stop or start.
    pub fn restart_mariadb(&mut self) -> Result<()> {
        let script = "vamos-mariadb stop && sync && echo 3 >/proc/sys/vm/drop_caches && \
                      vamos-mariadb start";
        self.run_for(script, b"", Duration::from_secs(180))?
            .success(script)
            .map(drop)
    }

    /// Takes the guest down cleanly.
    ///
    /// # Errors
    /// If it does not go down in time (it is killed then).
    pub fn shutdown(&mut self) -> Result<()> {
        self.machine.agent.post("vamos-poweroff")?;
        let ended = self.machine.qemu.wait(SHUTDOWN_LIMIT);
        self.kill();
        match ended?.success() {
            true => Ok(()),
            false => bail!(self.machine.qemu.failure("failed while the guest went down")),
        }
    }

    /// Kills the guest without any warning.
    pub fn kill(&mut self) {
        self.machine.qemu.kill();
        self.machine.helpers.iter_mut().for_each(Process::kill);
    }

    /// Whether QEMU still runs.
    pub fn is_running(&mut self) -> bool {
        self.machine.qemu.is_running()
    }

    /// QEMU's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.machine.qemu.pid()
    }

    /// The ids of the processes that serve the guest's devices beside QEMU: vsock
    /// and virtio-fs.
    #[must_use]
    pub fn helper_pids(&self) -> Vec<u32> {
        self.machine.helpers.iter().map(Process::pid).collect()
    }

    /// The accelerator that QEMU uses.
    #[must_use]
    pub fn accelerator(&self) -> Accelerator {
        self.accelerator
    }

    /// From QEMU's start until MariaDB ran.
    #[must_use]
    pub fn boot_time(&self) -> Duration {
        self.machine.boot_time
    }

    /// The log of the guest's serial console, where MariaDB's messages are too.
    #[must_use]
    pub fn console_log(&self) -> PathBuf {
        self.dir.file("console.log")
    }
}

/// What a guest is booted from.
struct Parts<'a> {
    dir: &'a RunDir,
    accelerator: Accelerator,
    image: &'a GuestImage,
    data_disk: &'a Path,
    options: &'a VmOptions,
    counter: Option<&'a InstructionCounter>,
}

fn start(parts: &Parts<'_>) -> Result<Machine> {
    let (dir, options) = (parts.dir, parts.options);
    let begin = Instant::now();
    for old in ["trace.log", "agent.sock", "qmp.sock"] {
        let _ = fs::remove_file(dir.file(old));
    }
    let mut helpers = Vec::new();
    if let Some(vsock) = &options.vsock {
        helpers.extend(vsock.start(dir)?);
    }
    helpers.extend(options.storage.start(dir, parts.data_disk)?);
    let command = qemu::command(parts);
    let mut qemu = Process::start("qemu", command, &dir.file("console.log"))?;
    let socket = dir.file("agent.sock");
    let mut agent = None;
    // The socket is there a moment before anybody listens.
    qemu.wait_until("listening", Duration::from_secs(20), || {
        agent = Agent::connect(&socket).ok();
        agent.is_some()
    })?;
    let mut agent = agent.context("QEMU listens, and there is no connection")?;
    agent
        .wait_ready(BOOT_LIMIT, || qemu.is_running())
        .map_err(|error| error.context(qemu.failure("has a guest that did not come up")))?;
    if let Some(port) = options.mysql_port
        && let Err(error) = backlog::raise(qemu.pid(), port)
    {
        println!("lab: many connections at once will take long: {error:#}");
    }
    Ok(Machine {
        agent,
        qemu,
        helpers,
        boot_time: begin.elapsed(),
    })
}

/// The port itself, or a free one for 0.
fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("port {port} on 127.0.0.1 is not free: choose another"))?;
    Ok(listener
        .local_addr()
        .context("cannot ask for a free port")?
        .port())
}
