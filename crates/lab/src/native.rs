//! MariaDB run natively on this machine, privately: its own data directory and
//! socket, and nothing left behind.

use std::{
    fs,
    io::Write,
    os::unix::{fs::symlink, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    datadir,
    mariadb_files::MariadbFiles,
    process::Process,
    run_dir::RunDir,
    sql_client::{SqlConnection, SqlSession},
};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How to start a [`NativeServer`].
#[derive(Debug, Clone, Default)]
pub struct NativeOptions {
    /// A storage engine plugin to load at the start, such as `ha_vamos.so`.
    pub plugin: Option<PathBuf>,
    /// Further options of mariadbd.
    pub args: Vec<String>,
    /// Environment variables for mariadbd.
    pub env: Vec<(String, String)>,
    /// A TCP port on the loopback interface; without it, the Unix socket only.
    pub port: Option<u16>,
    /// A data directory that outlives the server; it is filled if it does not
    /// exist. Without it, a temporary one.
    pub datadir: Option<PathBuf>,
}

/// A MariaDB server of our own. Dropping it kills it and removes its files.
#[derive(Debug)]
pub struct NativeServer {
    process: Process,
    dir: RunDir,
    files: MariadbFiles,
    options: NativeOptions,
}

impl NativeServer {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// If it does not come up: with the end of its log.
    pub fn start(files: &MariadbFiles, options: NativeOptions) -> Result<Self> {
        let dir = RunDir::create("native")?;
        let data = datadir_of(&dir, &options);
        if !data.exists() {
            datadir::copy(files, &data)?;
        }
        link_plugins(files, &options, &dir.file("plugins"))?;
        let process = launch(files, &options, &dir)?;
        let mut server = Self {
            process,
            dir,
            files: files.clone(),
            options,
        };
        server.wait_ready()?;
        Ok(server)
    }

    /// Runs SQL statements through the command-line client and returns what it
    /// prints: rows of tab-separated columns, without column names.
    ///
    /// # Errors
    /// If a statement fails: with the server's message.
    pub fn sql(&self, statements: &str) -> Result<String> {
        run_sql(self.client_command(), statements)
    }

    /// A connection from within this process.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn connect(&self) -> Result<SqlConnection> {
        SqlConnection::open(&self.socket())
    }

    /// A connection with a thread of its own, whose statements may wait.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn session(&self) -> Result<SqlSession> {
        SqlSession::open(&self.socket())
    }

    /// The command-line client, ready to connect to this server.
    #[must_use]
    pub fn client_command(&self) -> Command {
        client_on_socket(&self.files, &self.socket())
    }

    /// What a person types to connect.
    #[must_use]
    pub fn connect_hint(&self) -> String {
        let client = self.files.client();
        format!(
            "{} --socket={} --user=root",
            client.display(),
            self.socket().display()
        )
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.file("mysqld.sock")
    }

    /// Its data directory.
    #[must_use]
    pub fn datadir(&self) -> PathBuf {
        datadir_of(&self.dir, &self.options)
    }

    /// The file of its error log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Shuts it down cleanly.
    ///
    /// # Errors
    /// If it does not end in time (it is killed then), or ends with a failure.
    pub fn shutdown(&mut self) -> Result<()> {
        self.process.terminate(STOP_LIMIT)
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same data directory, with the same options,
    /// killing it first if it still runs.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_again(&mut self) -> Result<()> {
        self.process.kill();
        self.process = launch(&self.files, &self.options, &self.dir)?;
        self.wait_ready()
    }

    fn wait_ready(&mut self) -> Result<()> {
        let socket = self.socket();
        self.process
            // The socket is there a moment before anybody listens.
            .wait_until("listening", START_LIMIT, || UnixStream::connect(&socket).is_ok())?;
        self.sql("SELECT 1").map(drop)
    }
}

/// The command-line client of the pinned version, without any configuration
/// file and with errors and results that a program can read.
pub(crate) fn client(files: &MariadbFiles) -> Command {
    let mut command = Command::new(files.client());
    command
        .args([
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
        ])
        .arg("--local-infile=1");
    command
}

/// The client for a server on this Unix socket.
#[must_use]
pub fn client_on_socket(files: &MariadbFiles, socket: &Path) -> Command {
    let mut command = client(files);
    command
        .arg(format!("--socket={}", socket.display()))
        .arg("--user=root");
    command
}

/// The client for a server on this port of the loopback interface.
#[must_use]
pub fn client_on_port(files: &MariadbFiles, port: u16) -> Command {
    let mut command = client(files);
    command.args(["--host=127.0.0.1", "--user=root", &format!("--port={port}")]);
    command
}

/// Feeds statements to a client and returns what it prints.
pub(crate) fn run_sql(mut client: Command, statements: &str) -> Result<String> {
    let mut child = client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the MariaDB client")?;
    let mut input = child.stdin.take().context("the MariaDB client has no input")?;
    let done = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(statements.as_bytes()));
        child
            .wait_with_output()
            .context("cannot wait for the MariaDB client")
    })?;
    if !done.status.success() {
        bail!(
            "SQL failed: {}\nThe statements began with: {}",
            String::from_utf8_lossy(&done.stderr).trim(),
            statements.chars().take(300).collect::<String>(),
        );
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn datadir_of(dir: &RunDir, options: &NativeOptions) -> PathBuf {
    options.datadir.clone().unwrap_or_else(|| dir.file("data"))
}

/// Makes a plugin directory of links: the server loads a plugin only from its
/// plugin directory, and only by a bare name.
fn link_plugins(files: &MariadbFiles, options: &NativeOptions, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let link = |from: &Path| -> Result<()> {
        let name = from.file_name().context("a plugin's path has no file name")?;
        symlink(from, dir.join(name)).with_context(|| format!("cannot link {}", from.display()))
    };
    for entry in fs::read_dir(files.plugin_dir()).context("cannot list MariaDB's plugins")? {
        link(&entry.context("cannot list MariaDB's plugins")?.path())?;
    }
    match &options.plugin {
        Some(plugin) => {
            let plugin = fs::canonicalize(plugin)
                .with_context(|| format!("there is no plugin {}: build it first", plugin.display()))?;
            link(&plugin)
        }
        None => Ok(()),
    }
}

fn launch(files: &MariadbFiles, options: &NativeOptions, dir: &RunDir) -> Result<Process> {
    let _ = fs::remove_file(dir.file("mysqld.sock"));
    let command = server_command(files, options, dir);
    Process::start("mariadbd", command, &dir.file("mariadbd.log"))
}

fn server_command(files: &MariadbFiles, options: &NativeOptions, dir: &RunDir) -> Command {
    let mut command = Command::new(files.mariadbd());
    command
        .arg("--no-defaults")
        .arg(format!("--basedir={}", files.root().join("usr").display()))
        .arg(format!("--lc-messages-dir={}", files.share_dir().display()))
        .arg(format!("--plugin-dir={}", dir.file("plugins").display()))
        .arg(format!("--datadir={}", datadir_of(dir, options).display()))
        .arg(format!("--socket={}", dir.file("mysqld.sock").display()))
        .arg(format!("--pid-file={}", dir.file("mysqld.pid").display()))
        .arg(format!("--tmpdir={}", dir.path().display()))
        // Changing the user would take away the kernel's promise to kill it with us.
        .args(["--user=root", "--skip-name-resolve", "--local-infile=1"]);
    match options.port {
        Some(port) => command
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--port={port}")),
        None => command.arg("--skip-networking"),
    };
    if let Some(plugin) = options.plugin.as_deref().and_then(Path::file_name) {
        command
            .arg("--plugin-maturity=experimental")
            .arg(format!("--plugin-load-add={}", plugin.to_string_lossy()));
    }
    command.args(&options.args).envs(options.env.iter().cloned());
    command
}
