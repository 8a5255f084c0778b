//! A real vamosd in a directory of its own, and guest sessions that use it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vamos_guest::{
    Client, Config, CounterRaise, CreateTable, Durability, Get, IndexId, Isolation, Lock, Rows, ScanSpec,
    Session, Table, Write, WriteOp, Written,
};

/// A running vamosd with one guest on a Unix socket.
pub(crate) struct Daemon {
    child: Child,
    dir: TempDir,
}

impl Daemon {
    /// Starts it with further lines for its guest's configuration.
    pub(crate) fn start(guest: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display();
        let config = format!(
            "[global]\nstate_dir = \"{path}/state\"\nrun_dir = \"{path}\"\nlog = \"off\"\nrestart_pause_max_ms = 100\n\n\
             [[guest]]\nname = \"g\"\nlisten = \"unix:{path}/g.sock\"\n{guest}\n"
        );
        std::fs::write(dir.path().join("vamosd.toml"), config).unwrap();
        let child = spawn(dir.path());
        let daemon = Self { child, dir };
        daemon.wait_until_listening();
        daemon
    }

    /// Kills vamosd itself without warning and starts it again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Kills vamosd itself without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = std::fs::remove_file(self.socket());
    }

    /// Starts it again after [`kill`](Self::kill).
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.dir.path());
        self.wait_until_listening();
    }

    /// Kills the worker without warning.
    pub(crate) fn kill_worker(&self) {
        let worker = self.worker().expect("a worker");
        let pid = rustix::process::Pid::from_raw(worker).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// The worker's process id, if there is one now.
    pub(crate) fn worker(&self) -> Option<i32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let children = tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        children
            .flat_map(|list| {
                list.split_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .collect::<Vec<_>>()
            })
            .next()
    }

    /// How many transactions the store has open.
    pub(crate) fn open_transactions(&self) -> u64 {
        let status = vamos_host::supervisor::ask(&self.dir.path().join("status.sock")).unwrap();
        let worker = status.guests[0].worker.as_ref().expect("a worker that answers");
        let status = serde_json::to_value(&worker.modules).unwrap();
        status
            .pointer("/0/state/transactions")
            .and_then(|count| count.as_u64())
            .unwrap_or_else(|| panic!("{status}"))
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Arc<Client> {
        Client::new(self.config())
    }

    /// How to reach it.
    pub(crate) fn config(&self) -> Config {
        let endpoint = format!("unix:{}", self.socket().display());
        Config::new(endpoint.parse().unwrap())
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("g.sock")
    }

    fn wait_until_listening(&self) {
        let start = Instant::now();
        let client = self.client();
        while Session::new(Arc::clone(&client)).ping().is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "vamosd does not answer"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_vamosd"))
        .arg("--config")
        .arg(dir.join("vamosd.toml"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A session on a worker, once there is one.
pub(crate) fn connected(client: &Arc<Client>) -> Session {
    let mut session = Session::new(Arc::clone(client));
    let start = Instant::now();
    while session.ping().is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "no worker");
        std::thread::sleep(Duration::from_millis(5));
    }
    session
}

/// Creates a table with a primary and one secondary index.
pub(crate) fn create_table(session: &mut Session, name: &str) -> Table {
    session
        .create_table(CreateTable {
            name,
            definition: b"for tests",
            indexes: 2,
            counters: [1, 1],
        })
        .unwrap()
}

/// A write of these changes to a table.
pub(crate) fn write<'a>(table: &Table, ops: Vec<WriteOp<'a>>, row_delta: i64) -> Write<'a> {
    Write {
        ops,
        raise: Vec::<CounterRaise>::new(),
        row_delta,
        answer: true,
        table: table.table,
    }
}

/// Inserts one row into the primary index.
pub(crate) fn insert(session: &mut Session, table: &Table, key: &[u8], value: &[u8]) -> Written {
    let index = table.indexes[0];
    session
        .write(write(table, vec![WriteOp::Insert { index, key, value }], 1))
        .unwrap()
}

/// All of an index, as one range.
pub(crate) fn everything(index: IndexId) -> vamos_guest::KeyRange<'static> {
    vamos_guest::KeyRange {
        index,
        low: b"",
        high: b"",
    }
}

/// How long a transaction of these tests waits for a lock.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// Begins a transaction at REPEATABLE READ.
pub(crate) fn begin(session: &mut Session) {
    session.begin(Isolation::RepeatableRead, WAIT);
}

/// Commits so many rows, with their number as key.
pub(crate) fn fill(session: &mut Session, table: &Table, rows: u32) {
    begin(session);
    for i in 0..rows {
        let (key, value) = (i.to_be_bytes(), format!("row {i}"));
        let op = WriteOp::Insert {
            index: table.indexes[0],
            key: &key,
            value: value.as_bytes(),
        };
        session.write_deferred(write(table, vec![op], 1)).unwrap();
    }
    session.commit(Durability::Never).unwrap();
}

/// The keys that a scan returns.
pub(crate) fn keys(session: &mut Session, spec: &ScanSpec<'_>) -> Vec<Vec<u8>> {
    let mut cursor = session.scan(spec).unwrap();
    let mut keys = Vec::new();
    while session.next(&mut cursor).unwrap() {
        keys.push(cursor.row().key.to_vec());
    }
    session.close(cursor);
    keys
}

/// The value of a row, if it is there.
pub(crate) fn value(session: &mut Session, table: &Table, key: &[u8], lock: Lock) -> Option<Vec<u8>> {
    let mut rows = Rows::default();
    let found = session
        .get(
            &Get {
                index: table.indexes[0],
                key,
                lock,
                fetch: None,
            },
            &mut rows,
        )
        .unwrap();
    found.then(|| rows.row().unwrap().value.to_vec())
}
