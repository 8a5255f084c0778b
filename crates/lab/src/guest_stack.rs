//! A guest whose MariaDB has both engines: VAMOS, with its worker on this host,
//! and InnoDB on a virtio-blk disk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    daemon::Daemon,
    image::GuestImage,
    local::Programs,
    mariadb_files::MariadbFiles,
    payload::Payload,
    run_dir::RunDir,
    vm::{DataDisk, Vm, VmOptions, Vsock, Window, WindowDevice},
};

/// The vsock port on which the worker listens.
const PORT: u32 = 5000;

/// The size of InnoDB's disk; what is not used takes no room.
const DATA_DISK_MIB: u32 = 4096;

/// What both engines get, so that they are alike: the cache, and full durability.
#[derive(Clone, Debug)]
pub struct GuestStackOptions {
    /// InnoDB's buffer pool in the guest, and the store's cache on the host.
    pub cache_mib: u32,
    /// Files for the workload, at `/payload/data/` in the guest.
    pub data: Vec<PathBuf>,
    /// How the guest sees the window.
    pub window: WindowDevice,
}

impl Default for GuestStackOptions {
    fn default() -> Self {
        Self {
            cache_mib: 64,
            data: Vec::new(),
            window: WindowDevice::Nvdimm,
        }
    }
}

/// The daemon and the guest. Dropping it takes both down and removes their files.
#[derive(Debug)]
pub struct GuestStack {
    /// The guest; goes down first.
    pub vm: Vm,
    /// The daemon.
    pub daemon: Daemon,
    programs: Programs,
    dir: RunDir,
}

impl GuestStack {
    /// Starts the daemon and boots the guest.
    ///
    /// # Errors
    /// If one of them does not come up: with the end of its log.
    pub fn start(programs: &Programs, mariadb: &MariadbFiles, options: &GuestStackOptions) -> Result<Self> {
        let image = GuestImage::build(mariadb)?;
        let dir = RunDir::create("guest")?;
        let daemon = start_daemon(programs, dir.path(), options)?;
        let window = dir.file("window");
        let bytes = fs::metadata(&window)
            .context("vamosd has not made the window's file")?
            .len();
        let payload = dir.file("payload.img");
        Payload {
            plugins: vec![programs.plugin.clone()],
            conf: guest_configuration(options),
            data: options.data.clone(),
        }
        .make_disk(&payload)?;
        let disk = DataDisk::create(mariadb, &dir.file("data.img"), DATA_DISK_MIB)?;
        let vm = Vm::boot(
            &image,
            mariadb,
            &disk,
            VmOptions {
                window: Some(Window {
                    path: window,
                    bytes,
                    device: options.window,
                }),
                vsock: Some(Vsock::UnixSocket {
                    uds_path: dir.file("vsock"),
                }),
                payload: Some(payload),
                ..VmOptions::default()
            },
        )?;
        Ok(Self {
            vm,
            daemon,
            programs: programs.clone(),
            dir,
        })
    }

    /// The daemon's status, as `vamos status --json` prints it.
    ///
    /// # Errors
    /// If the daemon does not answer.
    pub fn status(&self) -> Result<serde_json::Value> {
        let output = Command::new(&self.programs.vamos)
            .args(["status", "--json", "--socket"])
            .arg(self.status_socket())
            .output()
            .context("cannot run `vamos status`")?;
        anyhow::ensure!(
            output.status.success(),
            "`vamos status` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        serde_json::from_slice(&output.stdout).context("`vamos status --json` printed something else")
    }

    /// The socket on which `vamos status` asks.
    #[must_use]
    pub fn status_socket(&self) -> PathBuf {
        self.dir.file("status.sock")
    }

    /// What a person types to see the daemon's status.
    #[must_use]
    pub fn status_hint(&self) -> String {
        self.programs.status_hint(&self.status_socket())
    }

    /// Starts MariaDB in the guest and the worker on the host anew and drops the
    /// guest's page cache: what follows finds cold caches in both engines. The
    /// host's page cache is not dropped, for neither of them.
    ///
    /// # Errors
    /// If one of them does not come back.
    pub fn cool_down(&mut self) -> Result<()> {
        self.daemon.stop()?;
        self.daemon.start_again()?;
        self.vm.restart_mariadb()
    }

    /// Waits until a statement that needs the host succeeds.
    ///
    /// # Errors
    /// If it does not within half a minute: with its last error.
    pub fn wait_for(&mut self, statement: &str) -> Result<()> {
        let mut last = None;
        for _ in 0..60 {
            match self.vm.sql(statement) {
                Ok(_) => return Ok(()),
                Err(error) => last = Some(error),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no answer"))).context("MariaDB does not reach vamosd")
    }
}

fn start_daemon(programs: &Programs, run: &Path, options: &GuestStackOptions) -> Result<Daemon> {
    let socket = run.join(format!("vsock_{PORT}"));
    let config = format!(
        "[global]\nstate_dir = {state:?}\nrun_dir = {run:?}\n\n\
         [[guest]]\nname = \"guest\"\nlisten = {listen:?}\nwindow = {window:?}\ncache = \"{cache}MiB\"\n",
        state = run.join("stores").display().to_string(),
        run = run.display().to_string(),
        listen = format!("unix:{}", socket.display()),
        window = format!("file:{}", run.join("window").display()),
        cache = options.cache_mib,
    );
    let path = run.join("vamosd.toml");
    fs::write(&path, config).with_context(|| format!("cannot write {}", path.display()))?;
    Daemon::start(&programs.vamosd, &path, &socket, &run.join("vamosd.log"))
}

fn guest_configuration(options: &GuestStackOptions) -> String {
    format!(
        "[mariadb]\n\
         plugin-maturity = experimental\n\
         plugin-load-add = ha_vamos.so\n\
         vamos-endpoint = vsock:2:{PORT}\n\
         vamos-window = /dev/dax0.0\n\
         vamos-durability = commit\n\
         innodb-buffer-pool-size = {}M\n\
         innodb-flush-log-at-trx-commit = 1\n\
         innodb-buffer-pool-dump-at-shutdown = OFF\n\
         innodb-buffer-pool-load-at-startup = OFF\n\
         secure-file-priv = /payload/data\n",
        options.cache_mib
    )
}
