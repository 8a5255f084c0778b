//! KILL ends what waits and what runs long, and leaves no lock behind.

use crate::{native::NativeServer, sql_client::SqlSession};
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

/// What a killed statement says: ER_QUERY_INTERRUPTED.
const INTERRUPTED: u16 = 1317;

/// After so long a statement that would go on for a minute counts as not killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A statement that does not end by itself, and what it waits for.
const STATEMENTS: &[(&str, &str)] = &[
    ("a wait for a row", "UPDATE t SET value = 99 WHERE id = 1"),
    ("a wait of a scan", "SELECT * FROM t WHERE value >= 0 FOR UPDATE"),
    (
        "a search for the least value",
        "SELECT MIN(value) FROM least WHERE part = 1 FOR UPDATE",
    ),
    ("a wait of an insert for a range", "INSERT INTO t VALUES (50, 50)"),
    (
        "a wait of rows for several partitions",
        "INSERT INTO parts VALUES (0), (1), (2), (3), (4), (5)",
    ),
    (
        "a long scan",
        "SELECT COUNT(*) FROM big a, big b, big c WHERE a.id + b.id + c.id < 0",
    ),
];

/// Kills statements and connections; gives what was killed and how long that took.
///
/// # Errors
/// If one goes on, ends otherwise, or leaves a lock behind.
pub fn check_kills(server: &NativeServer) -> Result<Vec<(String, Duration)>> {
    server.sql(
        "CREATE DATABASE killed; USE killed;
         CREATE TABLE t (id INT PRIMARY KEY, value INT NOT NULL) ENGINE=VAMOS;
         INSERT INTO t VALUES (1, 10), (2, 20), (90, 90), (99, 99);
         CREATE TABLE least (part INT NOT NULL, value INT, KEY (part, value)) ENGINE=VAMOS;
         INSERT INTO least VALUES (1, 1), (1, 2), (2, 3);
         CREATE TABLE parts (id INT PRIMARY KEY) ENGINE=VAMOS PARTITION BY HASH (id) PARTITIONS 3;
         INSERT INTO parts VALUES (0), (1), (2);
         CREATE TABLE big (id INT PRIMARY KEY) ENGINE=VAMOS;
         INSERT INTO big SELECT seq FROM seq_1_to_2000",
    )?;
    let mut times = Vec::new();
    for (what, statement) in STATEMENTS {
        for command in ["KILL QUERY", "KILL CONNECTION"] {
            let time =
                kill_one(server, statement, command).with_context(|| format!("{command} of {what}"))?;
            times.push((format!("{command} of {what}"), time));
        }
    }
    server.sql("DROP DATABASE killed")?;
    Ok(times)
}

fn begin(server: &NativeServer) -> Result<SqlSession> {
    let session = server.session()?;
    for statement in [
        "USE killed",
        "SET SESSION vamos_lock_wait_timeout = 3600",
        "BEGIN",
    ] {
        session.run(statement)?;
    }
    Ok(session)
}

fn kill_one(server: &NativeServer, statement: &str, command: &str) -> Result<Duration> {
    let holder = begin(server)?;
    holder.run("SELECT * FROM t WHERE id = 1 FOR UPDATE")?;
    holder.run("SELECT * FROM least WHERE part = 1 FOR UPDATE")?;
    holder.run("SELECT * FROM parts FOR UPDATE")?;
    holder.run("SELECT * FROM t WHERE id BETWEEN 30 AND 60 FOR UPDATE")?;
    let killed = begin(server)?;
    killed.run("UPDATE t SET value = value + 1 WHERE id = 99")?;
    killed.start(statement);
    ensure!(
        killed.outcome_within(Duration::from_millis(300)).is_none(),
        "the statement did not go on by itself"
    );
    let start = Instant::now();
    server.connect()?.execute(&format!("{command} {}", killed.id()))?;
    let outcome = killed.outcome_within(PATIENCE).context("it goes on")?;
    let time = start.elapsed();
    match command {
        "KILL QUERY" => {
            let code = outcome.err().and_then(|error| error.code());
            ensure!(code == Some(INTERRUPTED), "it ended with {code:?}");
            // The transaction goes on, with what it did before.
            killed.run("COMMIT")?;
        }
        _ => ensure!(outcome.is_err(), "it ended well"),
    }
    let next = begin(server)?;
    next.start("UPDATE t SET value = value + 1 WHERE id IN (2, 99)");
    next.outcome_within(PATIENCE)
        .context("a lock was left behind")??;
    next.run("ROLLBACK")?;
    holder.run("ROLLBACK")?;
    Ok(time)
}
