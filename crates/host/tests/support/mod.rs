//! A real vamosd in a directory of its own, and lanes to it on which tests say
//! what they like, message by message.

// Each test file uses its own part of this.
#![allow(dead_code)]
// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rustix::process::{Pid, Signal, kill_process};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vamos_channel::{ClientLane, ClientOptions, ConnectError, Hello, LaneError, Token};
use vamos_host::status::{GuestState, GuestStatus, Status};
use vamos_proto::{
    Begin, Commit, CommitId, CreateTable, Durability, Get, IndexId, Isolation, Lock, LockWait, MODULE_NAME,
    MODULE_VERSION, Request, Response, TableId, Write, WriteOp, Written,
};

/// Nothing in these tests takes so long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running vamosd.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) dir: TempDir,
}

impl Daemon {
    /// With one guest `g` on a Unix socket, and these lines in its section.
    pub(crate) fn start(guest: &str) -> Self {
        Self::start_with("", guest)
    }

    /// With further lines in the global section.
    pub(crate) fn start_with(global: &str, guest: &str) -> Self {
        let daemon = Self::launch(global, guest);
        daemon.wait_for("the worker serves", |guest| guest.state == GuestState::Running);
        daemon
    }

    /// Does not wait until it serves.
    pub(crate) fn launch(global: &str, guest: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display();
        let config = format!(
            "[global]\nstate_dir = \"{path}/state\"\nrun_dir = \"{path}\"\nlog = \"info\"\n{global}\n\
             [[guest]]\nname = \"g\"\nlisten = \"unix:{path}/g.sock\"\n{guest}\n"
        );
        std::fs::write(dir.path().join("vamosd.toml"), config).unwrap();
        let child = spawn(dir.path());
        Self { child, dir }
    }

    /// Starts it again in the same place, after its end.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(self.dir.path());
        self.wait_for("the worker serves", |guest| guest.state == GuestState::Running);
    }

    pub(crate) fn status(&self) -> Option<Status> {
        vamos_host::supervisor::ask(&self.dir.path().join("status.sock")).ok()
    }

    pub(crate) fn guest(&self) -> Option<GuestStatus> {
        self.status().map(|status| status.guests[0].clone())
    }

    /// Waits until something holds of the guest.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&GuestStatus) -> bool) -> GuestStatus {
        let start = Instant::now();
        loop {
            if let Some(guest) = self.guest()
                && holds(&guest)
            {
                return guest;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: not so; {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("g.sock")
    }

    pub(crate) fn kill_worker(&self) {
        let worker = self.guest().unwrap().pid.unwrap();
        kill(worker, Signal::KILL);
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        kill(self.child.id(), Signal::TERM);
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "vamosd does not end; {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A lane to the guest's worker.
    pub(crate) fn lane(&self) -> TestLane {
        self.try_lane(&hello(), &ClientOptions::default()).unwrap()
    }

    pub(crate) fn try_lane(&self, hello: &Hello, options: &ClientOptions) -> Result<TestLane, ConnectError> {
        let endpoint = format!("unix:{}", self.socket().display()).parse().unwrap();
        ClientLane::connect(&endpoint, hello, options).map(|lane| TestLane { lane, tag: 0 })
    }
}

fn spawn(dir: &std::path::Path) -> Child {
    let log = std::fs::File::create(dir.join("log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_vamosd"))
        .arg("--config")
        .arg(dir.join("vamosd.toml"))
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

pub(crate) fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// Runs vamosd with these arguments to its end.
pub(crate) fn vamosd(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_vamosd"))
        .args(arguments)
        .output()
        .unwrap()
}

/// What a guest of the store says when it comes.
pub(crate) fn hello() -> Hello {
    Hello {
        module: MODULE_NAME.into(),
        module_version: MODULE_VERSION,
        wants_window: true,
        token: Token::default(),
    }
}

/// An answer: its tag, opcode and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) tag: u32,
    opcode: u16,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn response(&self) -> Response<'_> {
        Response::decode(self.opcode, &self.body).unwrap()
    }

    /// The values of its rows.
    pub(crate) fn values(&self) -> Vec<Vec<u8>> {
        let (Response::Rows(block) | Response::LastRows(block)) = self.response() else {
            panic!("no rows: {:?}", self.response());
        };
        block.iter().map(|row| row.unwrap().value.to_vec()).collect()
    }

    pub(crate) fn is_last(&self) -> bool {
        matches!(self.response(), Response::LastRows(_))
    }

    /// The failure's code.
    pub(crate) fn code(&self) -> vamos_proto::ErrorCode {
        match self.response() {
            Response::Failed(failure) => failure.code,
            other => panic!("no failure: {other:?}"),
        }
    }
}

/// A lane on which requests get tags in their order, from 1.
pub(crate) struct TestLane {
    pub(crate) lane: ClientLane,
    tag: u32,
}

impl TestLane {
    /// Sends a request and returns its tag.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> u32 {
        self.tag += 1;
        let mut body = Vec::new();
        let opcode = request.encode(&mut body);
        self.lane.send(opcode, self.tag, &body).unwrap();
        self.lane.flush().unwrap();
        self.tag
    }

    pub(crate) fn try_receive(&mut self, patience: Duration) -> Result<Option<Answer>, LaneError> {
        let mut body = Vec::new();
        let received = self.lane.recv(&mut body, Some(Instant::now() + patience))?;
        Ok(received.map(|received| Answer {
            tag: received.tag,
            opcode: received.opcode,
            body,
        }))
    }

    pub(crate) fn receive(&mut self) -> Answer {
        self.try_receive(PATIENCE).unwrap().expect("an answer in time")
    }

    /// Nothing arrives for a while.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.try_receive(Duration::from_millis(150)).unwrap().is_none()
    }

    /// Sends a request and returns its answer.
    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Answer {
        let tag = self.send(request);
        let answer = self.receive();
        assert_eq!(answer.tag, tag);
        answer
    }

    /// The lane is closed by the host.
    pub(crate) fn assert_closed(&mut self) {
        assert_eq!(
            self.try_receive(PATIENCE).map(|answer| answer.is_some()),
            Err(LaneError::Closed)
        );
    }

    /// A table with one index.
    pub(crate) fn table(&mut self, name: &str) -> Table {
        let answer = self.ask(&Request::CreateTable(CreateTable {
            name,
            definition: b"",
            indexes: 1,
            counters: [1, 1],
        }));
        match answer.response() {
            Response::Table(info) => Table {
                id: info.table,
                index: info.indexes[0],
            },
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.send(&Request::Begin(Begin {
            isolation: Isolation::ReadCommitted,
            lock_wait_ms: 20_000,
            client: 7,
        }));
    }

    pub(crate) fn insert(&mut self, table: Table, key: &[u8], value: &[u8]) {
        let answer = self.ask(&insert(table, key, value));
        assert_eq!(answer.response(), Response::Written(Written::Done));
    }

    pub(crate) fn commit(&mut self, number: u64) -> Answer {
        self.ask(&commit([7; 16], number))
    }

    /// The value under a key in the newest state that this lane sees.
    pub(crate) fn get(&mut self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        self.ask(&get(table, key, Lock::None)).values().pop()
    }

    /// Fills a table with rows of this size, committed.
    pub(crate) fn fill(&mut self, table: Table, rows: u32, size: usize) {
        self.begin();
        for row in 0..rows {
            let value = vec![b'x'; size];
            self.insert(table, &row.to_be_bytes(), &value);
        }
        let answer = self.commit(u64::from(rows));
        assert_eq!(answer.response(), Response::Done(()));
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) id: TableId,
    pub(crate) index: IndexId,
}

pub(crate) fn insert<'a>(table: Table, key: &'a [u8], value: &'a [u8]) -> Request<'a> {
    Request::Write(Write {
        ops: vec![WriteOp::Insert {
            index: table.index,
            key,
            value,
        }],
        raise: Vec::new(),
        row_delta: 1,
        answer: true,
        table: table.id,
    })
}

pub(crate) fn get(table: Table, key: &[u8], lock: Lock) -> Request<'_> {
    Request::Get(Get {
        index: table.index,
        key,
        lock,
        fetch: None,
    })
}

pub(crate) const EXCLUSIVE: Lock = Lock::Exclusive(LockWait::Wait);

pub(crate) fn commit(session: [u8; 16], number: u64) -> Request<'static> {
    Request::Commit(Commit {
        durability: Durability::Second,
        id: CommitId { session, number },
    })
}
