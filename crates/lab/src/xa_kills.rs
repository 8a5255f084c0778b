//! XA transactions that outlive their connection, the server and the worker.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{local::LocalStack, sql_client::SqlConnection};

/// What dies between XA PREPARE and the transaction's end.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    connection: bool,
    server: bool,
    worker: bool,
    commit: bool,
}

const CASES: &[Case] = &[
    Case {
        name: "nothing",
        connection: false,
        server: false,
        worker: false,
        commit: true,
    },
    Case {
        name: "the connection",
        connection: true,
        server: false,
        worker: false,
        commit: true,
    },
    Case {
        name: "the worker",
        connection: false,
        server: false,
        worker: true,
        commit: true,
    },
    Case {
        name: "the connection and the worker",
        connection: true,
        server: false,
        worker: true,
        commit: false,
    },
    Case {
        name: "the server",
        connection: true,
        server: true,
        worker: false,
        commit: true,
    },
    Case {
        name: "the server and the worker",
        connection: true,
        server: true,
        worker: true,
        commit: true,
    },
    Case {
        name: "the server and the worker, then rolled back",
        connection: true,
        server: true,
        worker: true,
        commit: false,
    },
];

/// Prepares, kills, and ends the transaction from wherever that is possible.
///
/// # Errors
/// If something prepared is lost, not locked, or not as it was decided.
pub fn check(stack: &mut LocalStack) -> Result<()> {
    let mut connection = SqlConnection::open(&stack.server.socket())?;
    connection.execute("CREATE OR REPLACE DATABASE xa")?;
    connection.execute("CREATE TABLE xa.v (id INT PRIMARY KEY, n INT) ENGINE=VAMOS")?;
    connection.execute("CREATE TABLE xa.i (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")?;
    for (number, case) in CASES.iter().enumerate() {
        run(stack, *case, number).with_context(|| format!("XA where {} is lost", case.name))?;
    }
    for commit in [true, false] {
        after_reset(stack, commit).context("XA whose connection is reset")?;
    }
    Ok(())
}

/// A connection that is reset parts with what it has prepared, and goes on without it.
fn after_reset(stack: &LocalStack, commit: bool) -> Result<()> {
    let (prepared, next) = if commit { (100, 101) } else { (200, 201) };
    let mut owner = SqlConnection::open(&stack.server.socket())?;
    owner.execute("XA START 'reset'")?;
    owner.execute(&format!("INSERT INTO xa.v VALUES ({prepared}, 1)"))?;
    owner.execute("XA END 'reset'")?;
    owner.execute("XA PREPARE 'reset'")?;
    owner.reset()?;
    owner.execute(&format!("INSERT INTO xa.v VALUES ({next}, 1)"))?;
    owner.execute("BEGIN")?;
    owner.execute(&format!("UPDATE xa.v SET n = 2 WHERE id = {next}"))?;
    owner.execute("ROLLBACK")?;
    let mut other = SqlConnection::open(&stack.server.socket())?;
    let rows = format!("SELECT id, n FROM xa.v WHERE id BETWEEN {prepared} AND {next} ORDER BY id");
    let row = |id: u32| vec![id.to_string(), "1".to_owned()];
    let found = other.rows(&rows)?;
    ensure!(found == [row(next)], "after the reset {found:?} are there");
    let listed = other.rows("XA RECOVER")?;
    ensure!(listed.len() == 1, "XA RECOVER lists {listed:?}");
    owner.execute(if commit {
        "XA COMMIT 'reset'"
    } else {
        "XA ROLLBACK 'reset'"
    })?;
    let expected = match commit {
        true => vec![row(prepared), row(next)],
        false => vec![row(next)],
    };
    let found = other.rows(&rows)?;
    ensure!(found == expected, "after the end {found:?} are there");
    Ok(())
}

fn run(stack: &mut LocalStack, case: Case, number: usize) -> Result<()> {
    let mut owner = SqlConnection::open(&stack.server.socket())?;
    for statement in [
        format!("XA START 'x{number}', 'b', 7"),
        format!("INSERT INTO xa.v VALUES ({number}, 1)"),
        format!("INSERT INTO xa.i VALUES ({number}, 1)"),
        format!("XA END 'x{number}', 'b', 7"),
        format!("XA PREPARE 'x{number}', 'b', 7"),
    ] {
        owner.execute(&statement)?;
    }
    if case.worker {
        stack.daemon.kill_worker()?;
    }
    if case.server {
        stack.server.kill();
        stack.server.start_again()?;
    }
    let mut other = SqlConnection::open(&stack.server.socket())?;
    let listed = other.rows("XA RECOVER")?;
    let expected = [["7", "2", "1", &format!("x{number}b")]
        .map(str::to_owned)
        .to_vec()];
    ensure!(listed == expected, "XA RECOVER lists {listed:?}");
    still_locked(&mut other, number)?;
    let end = format!(
        "XA {} 'x{number}', 'b', 7",
        if case.commit { "COMMIT" } else { "ROLLBACK" }
    );
    if case.connection {
        drop(owner);
        end_from(&mut other, &end)?;
    } else {
        owner.execute(&end)?;
    }
    let found = other.rows(&format!(
        "SELECT (SELECT COUNT(*) FROM xa.v WHERE id = {number}), (SELECT COUNT(*) FROM xa.i WHERE id = {number})"
    ))?;
    let there = if case.commit { "1" } else { "0" };
    ensure!(found == [[there, there]], "{found:?} rows are there");
    ensure!(
        other.rows("XA RECOVER")?.is_empty(),
        "it is still prepared after its end"
    );
    Ok(())
}

/// Nobody else gets the row of the prepared transaction.
fn still_locked(other: &mut SqlConnection, number: usize) -> Result<()> {
    let insert = format!("INSERT INTO xa.v VALUES ({number}, 2)");
    other.execute("SET vamos_lock_wait_timeout = 1")?;
    // The host may be away for a moment.
    for _ in 0..200 {
        match other.run(&insert) {
            Err(error) if error.code() == Some(1205) => return Ok(()),
            Err(error) if matches!(error.code(), Some(1429 | 1213)) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            result => anyhow::bail!("the row is not locked: {result:?}"),
        }
    }
    anyhow::bail!("the host did not come back")
}

/// Ends it from another connection, as soon as the server has noticed that its own
/// connection is gone.
fn end_from(other: &mut SqlConnection, end: &str) -> Result<()> {
    for _ in 0..200 {
        match other.run(end) {
            Ok(_) => return Ok(()),
            // Unknown to this connection as long as the other one has it.
            Err(error) if error.code() == Some(1397) => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(error).context(end.to_owned()),
        }
    }
    anyhow::bail!("{end} was refused for 10 s")
}
