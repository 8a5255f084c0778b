//! A client hears of every lock that its statement did not get, also where the server's
//! own callers of an engine lose the error: on InnoDB some of these statements end well,
//! with a wrong result.

use crate::{native::NativeServer, sql_client::SqlSession};
use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// ER_LOCK_WAIT_TIMEOUT and ER_LOCK_DEADLOCK.
const TIMEOUT: u16 = 1205;
const DEADLOCK: u16 = 1213;

/// A wait that is to end in a deadlock has begun after so long.
const BEGUN: Duration = Duration::from_millis(300);

/// Which row another transaction holds, and a statement that needs it.
const STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "the least value of a column that may be NULL",
        "SELECT * FROM g WHERE part = 1 AND value = 1 FOR UPDATE",
        "SELECT MIN(value) FROM g WHERE part = 1 FOR UPDATE",
    ),
    (
        "the greatest value of each group",
        "SELECT * FROM g WHERE part = 4 AND value = 1999 FOR UPDATE",
        "SELECT part, MIN(value), MAX(value) FROM g GROUP BY part LOCK IN SHARE MODE",
    ),
    (
        "a change that is sent while the next ranges are asked for",
        "SELECT * FROM wide FORCE INDEX (k) WHERE k BETWEEN 141 AND 142 FOR UPDATE",
        // The rows are sent by threes, and six messages may be under way when the next
        // ranges are taken, behind the first 32: row 14's is then the oldest.
        "UPDATE wide FORCE INDEX (PRIMARY) SET k = k + 1 WHERE id IN \
         (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, \
          21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)",
    ),
];

/// Has statements wait for locks in vain; gives what was told.
///
/// # Errors
/// If one ends well, or otherwise, or leaves a change behind.
pub fn check_untold(server: &NativeServer) -> Result<Vec<String>> {
    server.sql(
        "CREATE DATABASE untold; USE untold;
         CREATE TABLE g (part INT NOT NULL, value INT, KEY (part, value)) ENGINE=VAMOS;
         INSERT INTO g SELECT seq MOD 5, seq FROM seq_1_to_1999;
         CREATE TABLE wide (id INT PRIMARY KEY, k INT NOT NULL, filler VARCHAR(6000) NOT NULL, KEY k (k))
           CHARSET latin1 ENGINE=VAMOS;
         INSERT INTO wide SELECT seq, seq * 10, REPEAT('x', 6000) FROM seq_1_to_400;
         CREATE TABLE copy (part INT, low INT, high INT) ENGINE=InnoDB;
         ANALYZE TABLE g, wide",
    )?;
    let mut told = Vec::new();
    for (what, held, statement) in STATEMENTS {
        for begin in ["SET autocommit = 1", "BEGIN"] {
            time_out(server, held, begin, statement).with_context(|| format!("{what}, {begin}"))?;
        }
        told.push(format!("lock wait timeout of {what}"));
    }
    for begin in ["SET autocommit = 1", "BEGIN"] {
        copied(server, begin).with_context(|| format!("groups into InnoDB, {begin}"))?;
    }
    told.push(format!("lock wait timeout of {}, into InnoDB", STATEMENTS[1].0));
    deadlock(server).context("a deadlock")?;
    told.push(format!("deadlock of {}", STATEMENTS[0].0));
    server.sql("DROP DATABASE untold")?;
    Ok(told)
}

fn session(server: &NativeServer, lock_wait_seconds: u32) -> Result<SqlSession> {
    let session = server.session()?;
    session.run("USE untold")?;
    session.run(format!(
        "SET SESSION vamos_lock_wait_timeout = {lock_wait_seconds}"
    ))?;
    Ok(session)
}

fn code_of(session: &SqlSession, statement: &str) -> Option<u16> {
    session.run(statement).err().and_then(|error| error.code())
}

fn time_out(server: &NativeServer, held: &str, begin: &str, statement: &str) -> Result<()> {
    let holder = session(server, 3600)?;
    holder.run("BEGIN")?;
    holder.run(held)?;
    let waiting = session(server, 1)?;
    waiting.run(begin)?;
    let code = code_of(&waiting, statement);
    ensure!(code == Some(TIMEOUT), "it ended with {code:?}");
    // The transaction goes on, without what the statement did.
    waiting.run("INSERT INTO g VALUES (9, NULL)")?;
    waiting.run("COMMIT")?;
    holder.run("ROLLBACK")?;
    let mut after = server.connect()?;
    let changed = after.value("SELECT COUNT(*) FROM untold.wide WHERE k <> id * 10")?;
    ensure!(changed == "0", "{changed} rows are changed");
    let kept = after.value("SELECT COUNT(*) FROM untold.g WHERE part = 9")?;
    ensure!(kept == "1", "{kept} rows were added by the transaction");
    after.execute("DELETE FROM untold.g WHERE part = 9")
}

/// What a statement wrote to another engine goes with it.
fn copied(server: &NativeServer, begin: &str) -> Result<()> {
    let (_, held, groups) = STATEMENTS[1];
    let holder = session(server, 3600)?;
    holder.run("BEGIN")?;
    holder.run(held)?;
    let copying = session(server, 1)?;
    copying.run(begin)?;
    copying.run("INSERT INTO copy VALUES (-1, 0, 0)")?;
    let code = code_of(&copying, &format!("INSERT INTO copy {groups}"));
    ensure!(code == Some(TIMEOUT), "it ended with {code:?}");
    copying.run("COMMIT")?;
    holder.run("ROLLBACK")?;
    let mut after = server.connect()?;
    let rows = after.value("SELECT GROUP_CONCAT(part) FROM untold.copy")?;
    ensure!(rows == "-1", "the parts {rows} are there");
    after.execute("DELETE FROM untold.copy")
}

/// The lighter transaction is undone, and all of it.
fn deadlock(server: &NativeServer) -> Result<()> {
    let heavy = session(server, 3600)?;
    heavy.run("BEGIN")?;
    heavy.run("UPDATE wide SET k = k + 1 WHERE id BETWEEN 200 AND 300")?;
    heavy.run(STATEMENTS[0].1)?;
    let light = session(server, 3600)?;
    light.run("BEGIN")?;
    light.run("UPDATE wide SET k = k + 1 WHERE id = 1")?;
    heavy.start("UPDATE wide SET k = k + 1 WHERE id = 1");
    ensure!(
        heavy.outcome_within(BEGUN).is_none(),
        "the other one did not wait"
    );
    let code = code_of(&light, STATEMENTS[0].2);
    ensure!(code == Some(DEADLOCK), "it ended with {code:?}");
    heavy.outcome()?;
    heavy.run("ROLLBACK")?;
    light.run("COMMIT")?;
    let changed = server
        .connect()?
        .value("SELECT COUNT(*) FROM untold.wide WHERE k <> id * 10")?;
    ensure!(changed == "0", "{changed} rows are changed");
    Ok(())
}
