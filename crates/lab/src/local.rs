//! MariaDB and the host daemon side by side on this machine, without a guest:
//! the engine talks to its worker over a Unix socket and a shared memfd.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    daemon::Daemon,
    mariadb_files::MariadbFiles,
    native::{NativeOptions, NativeServer},
    run_dir::RunDir,
};

/// The programs that were built from this workspace.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The host daemon.
    pub vamosd: PathBuf,
    /// The operator's command.
    pub vamos: PathBuf,
    /// The engine plugin, named `ha_vamos.so`.
    pub plugin: PathBuf,
}

impl Programs {
    /// What a person types to see the status of the daemon with this socket.
    #[must_use]
    pub fn status_hint(&self, socket: &Path) -> String {
        format!("{} status --socket {}", self.vamos.display(), socket.display())
    }
}

/// What a [`LocalStack`] may differ in.
#[derive(Clone, Debug, Default)]
pub struct LocalOptions {
    /// Further options of mariadbd.
    pub mariadb_args: Vec<String>,
    /// A TCP port of mariadbd on the loopback interface.
    pub port: Option<u16>,
    /// A directory for MariaDB's data and the store that outlives the stack;
    /// without it, a temporary one.
    pub state: Option<PathBuf>,
    /// Further lines of the guest's section in vamosd's configuration.
    pub guest_config: String,
}

/// A running daemon and a running MariaDB that uses it.
#[derive(Debug)]
pub struct LocalStack {
    /// The server; goes down first.
    pub server: NativeServer,
    /// The daemon.
    pub daemon: Daemon,
    programs: Programs,
    store: PathBuf,
    dir: RunDir,
}

impl LocalStack {
    /// Starts both.
    ///
    /// # Errors
    /// If one of them does not come up: with the end of its log.
    pub fn start(files: &MariadbFiles, programs: &Programs, options: LocalOptions) -> Result<Self> {
        let dir = RunDir::create("local")?;
        let state = options.state.clone().unwrap_or_else(|| dir.path().to_path_buf());
        fs::create_dir_all(&state).with_context(|| format!("cannot create {}", state.display()))?;
        let config = write_config(dir.path(), &state, &options.guest_config)?;
        let socket = dir.file("guest.sock");
        let daemon = Daemon::start(&programs.vamosd, &config, &socket, &dir.file("vamosd.log"))?;
        let mut args = vec![format!("--vamos-endpoint=unix:{}", socket.display())];
        args.extend(options.mariadb_args);
        let server = NativeServer::start(
            files,
            NativeOptions {
                plugin: Some(programs.plugin.clone()),
                args,
                port: options.port,
                datadir: options.state.map(|state| state.join("mariadb")),
                ..NativeOptions::default()
            },
        )?;
        Ok(Self {
            server,
            daemon,
            programs: programs.clone(),
            store: state.join("stores/local"),
            dir,
        })
    }

    /// The socket on which `vamos status` asks.
    #[must_use]
    pub fn status_socket(&self) -> PathBuf {
        self.dir.file("status.sock")
    }

    /// The socket on which the guest named `local` is served.
    #[must_use]
    pub fn guest_socket(&self) -> PathBuf {
        self.dir.file("guest.sock")
    }

    /// The directory of that guest's store.
    #[must_use]
    pub fn store_dir(&self) -> PathBuf {
        self.store.clone()
    }

    /// A number in what `vamos status --json` prints, by its JSON pointer.
    ///
    /// # Errors
    /// If the daemon does not answer, or there is no such number.
    pub fn status_number(&self, pointer: &str) -> Result<u64> {
        let output = Command::new(&self.programs.vamos)
            .args(["status", "--json", "--socket"])
            .arg(self.status_socket())
            .output()
            .context("cannot run vamos")?;
        let status: serde_json::Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("no status: {}", String::from_utf8_lossy(&output.stderr)))?;
        let number = status.pointer(pointer).and_then(serde_json::Value::as_u64);
        number.with_context(|| format!("the status has no {pointer}: {status}"))
    }

    /// What a person types to see the daemon's status.
    #[must_use]
    pub fn status_hint(&self) -> String {
        self.programs.status_hint(&self.status_socket())
    }
}

/// One guest named `local` on a Unix socket in `run`, its store in `state`.
fn write_config(run: &Path, state: &Path, guest: &str) -> Result<PathBuf> {
    let config = format!(
        "[global]\nstate_dir = {:?}\nrun_dir = {:?}\nrestart_pause_max_ms = 200\n\n[[guest]]\nname = \"local\"\nlisten = \"unix:{}\"\n{guest}\n",
        state.join("stores").display().to_string(),
        run.display().to_string(),
        run.join("guest.sock").display(),
    );
    let path = run.join("vamosd.toml");
    fs::write(&path, config).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
