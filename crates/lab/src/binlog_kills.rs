//! Commits with the binary log while servers and workers are killed: whether the
//! engine, another engine in the same transactions, and the log agree.
//!
//! A transaction writes rows with its number to a table of VAMOS and to a pair of
//! tables, one of VAMOS and one of InnoDB, and counts in a row that others count in
//! too. Afterwards an acknowledged number must have all its rows, the pair must
//! hold the same, and a second server that replays the log must come to the same
//! tables.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{
    mariadb_files::MariadbFiles,
    native::{NativeOptions, NativeServer},
    sql_client::SqlConnection,
};

/// How mariadbd is started: a small log is changed often, which needs checkpoints.
pub const SERVER_ARGS: &[&str] = &[
    "--server-id=1",
    "--log-bin=binlog",
    "--sync-binlog=1",
    "--binlog-format=ROW",
    "--max-binlog-size=65536",
    "--innodb-flush-log-at-trx-commit=1",
];

/// The tables, made without being logged: `$ENGINE` of the first server is VAMOS.
const SCHEMA: &[&str] = &[
    "SET sql_log_bin = 0",
    "DROP DATABASE IF EXISTS kills",
    "CREATE DATABASE kills",
    "CREATE TABLE kills.alone (id BIGINT PRIMARY KEY, number BIGINT NOT NULL, payload VARCHAR(100), \
     KEY (number)) ENGINE=$ENGINE",
    "CREATE TABLE kills.pair (number BIGINT PRIMARY KEY, payload VARCHAR(100)) ENGINE=$ENGINE",
    "CREATE TABLE kills.other (number BIGINT PRIMARY KEY, payload VARCHAR(100)) ENGINE=InnoDB",
    "CREATE TABLE kills.hot (id INT PRIMARY KEY, counted BIGINT NOT NULL) ENGINE=$ENGINE",
    "INSERT INTO kills.hot VALUES (0, 0), (1, 0), (2, 0)",
    "SET sql_log_bin = 1",
];

/// Each table, and what sums it up.
const SUMS: &[(&str, &str)] = &[
    (
        "alone",
        "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, number, payload))) FROM kills.alone",
    ),
    (
        "pair",
        "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', number, payload))) FROM kills.pair",
    ),
    (
        "other",
        "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', number, payload))) FROM kills.other",
    ),
    (
        "hot",
        "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, counted))) FROM kills.hot",
    ),
];

/// Makes the tables.
///
/// # Errors
/// If the server refuses a statement.
pub fn make_tables(server: &NativeServer, engine: &str) -> Result<()> {
    let mut connection = SqlConnection::open(&server.socket())?;
    SCHEMA
        .iter()
        .try_for_each(|statement| connection.execute(&statement.replace("$ENGINE", engine)))
}

/// Threads that commit until they are told to stop.
#[derive(Debug)]
pub struct Committers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    socket: PathBuf,
    stop: AtomicBool,
    next: AtomicU64,
    acked: Mutex<BTreeSet<u64>>,
}

impl Committers {
    /// Starts so many connections to the server on this socket.
    #[must_use]
    pub fn start(count: usize, socket: &Path) -> Self {
        let shared = Arc::new(Shared {
            socket: socket.to_path_buf(),
            stop: AtomicBool::new(false),
            next: AtomicU64::new(1),
            acked: Mutex::default(),
        });
        let threads = (0..count)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.work())
            })
            .collect();
        Self { shared, threads }
    }

    /// How many transactions were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.shared.acked().len()
    }

    /// Waits until `more` further transactions have been acknowledged.
    ///
    /// # Errors
    /// If that takes longer than `limit`.
    pub fn wait_for(&self, more: usize, limit: Duration) -> Result<()> {
        let (goal, start) = (self.acknowledged() + more, Instant::now());
        while self.acknowledged() < goal {
            ensure!(
                start.elapsed() < limit,
                "no {more} transactions were acknowledged within {} s",
                limit.as_secs()
            );
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Stops them and returns the acknowledged numbers.
    #[must_use]
    pub fn finish(mut self) -> BTreeSet<u64> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        std::mem::take(&mut *self.shared.acked())
    }
}

impl Shared {
    fn acked(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            if let Ok(mut connection) = SqlConnection::open(&self.socket) {
                self.commit_with(&mut connection);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Commits until something fails.
    fn commit_with(&self, connection: &mut SqlConnection) {
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let done = transaction(number)
                .iter()
                .try_for_each(|statement| connection.run(statement).map(drop));
            match done {
                Ok(()) => drop(self.acked().insert(number)),
                Err(error) if error.code().is_some() => drop(connection.run("ROLLBACK")),
                Err(_) => return,
            }
        }
    }
}

/// The statements of a transaction: every third one is a statement by itself.
fn transaction(number: u64) -> Vec<String> {
    let insert = format!(
        "INSERT INTO kills.alone VALUES ({}, {number}, REPEAT('a', 60)), ({}, {number}, REPEAT('b', 60))",
        number * 2,
        number * 2 + 1
    );
    if number.is_multiple_of(3) {
        return vec![insert];
    }
    vec![
        "START TRANSACTION".to_owned(),
        insert,
        format!("INSERT INTO kills.pair VALUES ({number}, REPEAT('p', 60))"),
        format!("INSERT INTO kills.other VALUES ({number}, REPEAT('p', 60))"),
        format!(
            "UPDATE kills.hot SET counted = counted + 1 WHERE id = {}",
            number % 3
        ),
        "COMMIT".to_owned(),
    ]
}

/// Holds the tables against what was acknowledged, and against each other.
/// Returns how many transactions there are.
///
/// # Errors
/// If something acknowledged is missing, or is there by half.
pub fn verify(server: &NativeServer, acked: &BTreeSet<u64>) -> Result<usize> {
    let mut connection = SqlConnection::open(&server.socket())?;
    let prepared = connection.rows("XA RECOVER")?;
    ensure!(
        prepared.is_empty(),
        "transactions are still prepared: {prepared:?}"
    );
    let counts =
        connection.rows("SELECT number, COUNT(*) FROM kills.alone FORCE INDEX (PRIMARY) GROUP BY number")?;
    let mut found = BTreeSet::new();
    for row in &counts {
        ensure!(row[1] == "2", "transaction {} is there by half", row[0]);
        found.insert(row[0].parse::<u64>()?);
    }
    let lost: Vec<_> = acked.difference(&found).collect();
    ensure!(lost.is_empty(), "acknowledged transactions are lost: {lost:?}");
    let numbers = |connection: &mut SqlConnection, table: &str| -> Result<BTreeSet<u64>> {
        let rows = connection.rows(&format!("SELECT number FROM kills.{table}"))?;
        rows.iter().map(|row| Ok(row[0].parse()?)).collect()
    };
    let (pair, other) = (
        numbers(&mut connection, "pair")?,
        numbers(&mut connection, "other")?,
    );
    let differ: Vec<_> = pair.symmetric_difference(&other).collect();
    ensure!(
        differ.is_empty(),
        "VAMOS and InnoDB differ in transactions {differ:?}"
    );
    let of_pairs: BTreeSet<_> = found.iter().copied().filter(|number| number % 3 != 0).collect();
    ensure!(of_pairs == pair, "a transaction is there by half");
    let counted: usize = connection.value("SELECT SUM(counted) FROM kills.hot")?.parse()?;
    ensure!(
        counted == pair.len(),
        "{} transactions have counted {counted}",
        pair.len()
    );
    Ok(found.len())
}

/// Replays the server's whole binary log in another server and compares all tables.
///
/// # Errors
/// If it cannot be replayed, or a table differs.
pub fn compare_with_log(server: &NativeServer, files: &MariadbFiles) -> Result<()> {
    let copy = NativeServer::start(files, NativeOptions::default())?;
    make_tables(&copy, "InnoDB")?;
    replay(server, files, &copy)?;
    let mut ours = SqlConnection::open(&server.socket())?;
    let mut logged = SqlConnection::open(&copy.socket())?;
    for (table, sum) in SUMS {
        let (have, log) = (ours.rows(sum)?, logged.rows(sum)?);
        ensure!(
            have == log,
            "table {table} differs from what the binary log tells: {have:?} and {log:?}"
        );
    }
    Ok(())
}

/// Feeds the log to the copy's client.
fn replay(server: &NativeServer, files: &MariadbFiles, copy: &NativeServer) -> Result<()> {
    let directory = server.datadir();
    let index = fs::read_to_string(directory.join("binlog.index")).context("cannot read binlog.index")?;
    let mut reader = Command::new(files.root().join("usr/bin/mariadb-binlog"))
        .args(["--no-defaults", "--disable-log-bin"])
        .args(index.lines().map(|name| directory.join(name)))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start mariadb-binlog")?;
    let log = reader.stdout.take().context("mariadb-binlog has no output")?;
    let replayed = copy
        .client_command()
        .stdin(log)
        .status()
        .context("cannot start the MariaDB client")?;
    ensure!(reader.wait()?.success(), "mariadb-binlog failed");
    ensure!(replayed.success(), "the binary log could not be replayed");
    Ok(())
}
