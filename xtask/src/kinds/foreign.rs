//! Foreign keys between connections, and through restarts: the same on InnoDB where
//! that can be tried there.

use super::lost_files::lose_files;
use super::{Check, expect, expect_error};
use anyhow::{Context, Result, ensure};
use std::thread;
use vamos_lab::local::LocalStack;
use vamos_lab::sql_client::{SqlConnection, SqlError};

pub(super) const CHECKS: &[Check] = &[
    ("foreign keys make connections wait", connections_wait),
    ("no child is left when its parent goes meanwhile", no_orphans),
    ("foreign keys outlive servers, workers and files", keys_outlive),
];

const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

/// Error codes of the server's.
const WAITED: u16 = 1205;
const KEPT: u16 = 1451;
const MISSING: u16 = 1452;
const DEADLOCK: u16 = 1213;

fn make_tables(stack: &LocalStack, engine: &str) -> Result<()> {
    stack.server.sql(&format!(
        "CREATE OR REPLACE DATABASE kinds; USE kinds;
         CREATE TABLE p (id INT PRIMARY KEY, u INT UNIQUE, v INT) ENGINE={engine};
         CREATE TABLE c (id INT PRIMARY KEY, p INT, u INT, CONSTRAINT by_id FOREIGN KEY (p) REFERENCES p (id),
                         CONSTRAINT by_u FOREIGN KEY (u) REFERENCES p (u)) ENGINE={engine};
         CREATE TABLE d (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id)
                         ON DELETE CASCADE ON UPDATE CASCADE) ENGINE={engine};
         INSERT INTO p SELECT seq, seq * 10, 0 FROM seq_1_to_20"
    ))?;
    Ok(())
}

/// A connection that waits so many seconds for a lock.
fn connect(stack: &LocalStack, level: &str, wait: u32) -> Result<SqlConnection> {
    let mut connection = stack.server.connect()?;
    for statement in [
        "USE kinds",
        &format!("SET vamos_lock_wait_timeout = {wait}, innodb_lock_wait_timeout = {wait}"),
        &format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}"),
    ] {
        connection.execute(statement)?;
    }
    Ok(connection)
}

/// Runs a statement that must succeed (`None`), or fail with this error.
fn runs(connection: &mut SqlConnection, statement: &str, error: Option<u16>) -> Result<()> {
    let got = connection.run(statement).err();
    ensure!(
        got.as_ref().and_then(SqlError::code) == error && got.is_some() == error.is_some(),
        "{statement}\n  gave {got:?}\n  expected {error:?}"
    );
    Ok(())
}

fn connections_wait(stack: &mut LocalStack) -> Result<()> {
    for engine in ["InnoDB", "VAMOS"] {
        for level in LEVELS {
            make_tables(stack, engine)?;
            let mut first = connect(stack, level, 0)?;
            let mut second = connect(stack, level, 0)?;
            for (statements, (waits, then)) in STEPS {
                let (begin, statement) = statements;
                step(&mut first, &mut second, begin, statement, *waits, *then)
                    .with_context(|| format!("{engine}, {level}: {begin}; {statement}"))?;
            }
        }
    }
    Ok(())
}

/// What the first connection does and commits, what the second does meanwhile,
/// whether that waits, and how it ends afterwards.
type Step = ((&'static str, &'static str), (bool, Option<u16>));

const STEPS: &[Step] = &[
    (
        ("DELETE FROM p WHERE id = 1", "INSERT INTO c VALUES (1, 1, NULL)"),
        (true, Some(MISSING)),
    ),
    (
        ("DELETE FROM p WHERE id = 2", "INSERT INTO c VALUES (1, NULL, 20)"),
        (true, Some(MISSING)),
    ),
    (
        ("INSERT INTO c VALUES (3, 3, NULL)", "DELETE FROM p WHERE id = 3"),
        (true, Some(KEPT)),
    ),
    (
        ("INSERT INTO c VALUES (4, NULL, 40)", "DELETE FROM p WHERE id = 4"),
        (true, Some(KEPT)),
    ),
    (
        (
            "INSERT INTO c VALUES (5, 5, 50)",
            "INSERT INTO c VALUES (55, 5, 50)",
        ),
        (false, None),
    ),
    (
        (
            "INSERT INTO c VALUES (6, 6, NULL)",
            "UPDATE p SET v = 1 WHERE id = 6",
        ),
        (true, None),
    ),
    (
        (
            "UPDATE p SET u = 71 WHERE id = 7",
            "INSERT INTO c VALUES (7, NULL, 70)",
        ),
        (true, Some(MISSING)),
    ),
    (
        (
            "INSERT INTO p VALUES (30, 300, 0)",
            "INSERT INTO c VALUES (30, 30, 300)",
        ),
        (true, None),
    ),
    (
        ("DELETE FROM c WHERE id = 3", "DELETE FROM p WHERE id = 3"),
        (true, None),
    ),
    (
        ("INSERT INTO d VALUES (8, 8)", "DELETE FROM p WHERE id = 8"),
        (true, None),
    ),
    (
        (
            "INSERT INTO d VALUES (9, 9), (10, 10)",
            "UPDATE p SET id = 90 WHERE id = 9",
        ),
        (true, None),
    ),
    (
        ("DELETE FROM p WHERE id = 10", "UPDATE d SET p = 11 WHERE id = 10"),
        (true, None),
    ),
    (
        ("UPDATE c SET p = 12 WHERE id = 5", "DELETE FROM p WHERE id = 12"),
        (true, Some(KEPT)),
    ),
];

fn step(
    first: &mut SqlConnection,
    second: &mut SqlConnection,
    begin: &str,
    statement: &str,
    waits: bool,
    then: Option<u16>,
) -> Result<()> {
    first.execute("BEGIN")?;
    first.execute(begin)?;
    if waits {
        runs(second, statement, Some(WAITED))?;
        first.execute("COMMIT")?;
        runs(second, statement, then)
    } else {
        runs(second, statement, then)?;
        first.execute("COMMIT")
    }
}

/// Connections that add children, and others that delete and rename parents.
fn no_orphans(stack: &mut LocalStack) -> Result<()> {
    make_tables(stack, "VAMOS")?;
    let stack = &*stack;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..6_u32)
            .map(|number| {
                scope.spawn(move || -> Result<()> {
                    let mut connection = connect(stack, LEVELS[number as usize % 2], 20)?;
                    for turn in 0..300_u32 {
                        let p = 1 + (turn * 7 + number * 3) % 20;
                        let id = number * 1000 + turn;
                        let statement = match number % 3 {
                            0 => format!("INSERT INTO c VALUES ({id}, {p}, {p}0)"),
                            1 if turn % 3 == 0 => format!("INSERT INTO p VALUES ({p}, {p}0, 1)"),
                            1 => format!("INSERT INTO d VALUES ({id}, {p})"),
                            _ if turn % 5 == 0 => format!("DELETE FROM c WHERE p = {p} LIMIT 9"),
                            _ if turn % 5 == 1 => format!("UPDATE p SET id = id + 20 WHERE id = {p}"),
                            _ => format!("DELETE FROM p WHERE id = {p}"),
                        };
                        if let Err(error) = connection.run(&statement) {
                            let expected = [WAITED, KEPT, MISSING, DEADLOCK, 1062];
                            ensure!(
                                error.code().is_some_and(|code| expected.contains(&code)),
                                "{statement}: {error}"
                            );
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| anyhow::bail!("a thread panicked"))
        })
    })?;
    expect(
        stack,
        "SELECT COUNT(*) FROM c LEFT JOIN p ON p.id = c.p WHERE p.id IS NULL;
         SELECT COUNT(*) FROM c LEFT JOIN p ON p.u = c.u WHERE p.u IS NULL;
         SELECT COUNT(*) FROM d LEFT JOIN p ON p.id = d.p WHERE p.id IS NULL;
         SELECT COUNT(*) > 0 FROM c; SELECT COUNT(*) > 0 FROM d",
        "0\n0\n0\n1\n1",
    )?;
    let checked = stack
        .server
        .sql("CHECK TABLE kinds.p, kinds.c, kinds.d EXTENDED")?;
    ensure!(checked.matches("\tOK").count() == 3, "{checked}");
    Ok(())
}

/// The keys are there: a child that refers to nothing is refused, a parent kept.
fn keys_hold(stack: &LocalStack) -> Result<()> {
    expect_error(stack, "INSERT INTO c VALUES (100, 99, NULL)", "ERROR 1452")?;
    expect_error(stack, "DELETE FROM p WHERE id = 1", "ERROR 1451")?;
    expect_error(stack, "DROP TABLE p", "ERROR 1451")?;
    expect(
        stack,
        "START TRANSACTION; INSERT INTO d VALUES (2, 2); DELETE FROM p WHERE id = 2; SELECT COUNT(*) FROM d WHERE p = 2; ROLLBACK",
        "0",
    )
}

fn keys_outlive(stack: &mut LocalStack) -> Result<()> {
    make_tables(stack, "VAMOS")?;
    stack
        .server
        .sql("USE kinds; INSERT INTO c VALUES (1, 1, NULL); RENAME TABLE p TO q; RENAME TABLE q TO p")?;
    let shown = stack
        .server
        .sql("USE kinds; SHOW CREATE TABLE c; SHOW CREATE TABLE d")?;
    ensure!(shown.matches("FOREIGN KEY").count() == 3, "{shown}");
    keys_hold(stack)?;
    stack.server.kill();
    stack.server.start_again()?;
    keys_hold(stack)?;
    lose_files(stack, "kinds")?;
    keys_hold(stack)?;
    stack.daemon.stop()?;
    stack.server.shutdown()?;
    stack.daemon.start_again()?;
    stack.server.start_again()?;
    // The parent alone is used, and its children are known.
    expect_error(stack, "DELETE FROM p WHERE id = 1", "ERROR 1451")?;
    keys_hold(stack)?;
    stack
        .server
        .sql("USE kinds; DROP TABLE c, d; DELETE FROM p; DROP TABLE p")?;
    Ok(())
}
