//! New tables that are being filled when the worker dies: they are there whole, as the
//! client was told, or not at all.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    local::LocalStack,
    sql_client::{SqlConnection, SqlSession},
};

/// Enough that a part of a copy is committed before the rest is read.
const ROWS: u32 = 4000;

/// Statements that fill a table, and the table.
const STATEMENTS: &[(&str, &str)] = &[
    ("CREATE TABLE made ENGINE=VAMOS AS SELECT * FROM source", "made"),
    (
        "CREATE TABLE from_other ENGINE=VAMOS AS SELECT seq AS id, REPEAT('y', 8000) AS filler FROM seq_1_to_4000",
        "from_other",
    ),
    ("ALTER TABLE source FORCE", "source"),
];

/// So far apart are the moments, after a statement's beginning, at which the worker dies.
const STEPS: &[u64] = &[50, 200, 400, 800, 1200];

/// How long the host may take to come back.
const COMES_BACK: Duration = Duration::from_secs(30);

/// Kills the worker in the middle of statements that fill tables.
///
/// # Errors
/// If a table is there by half, or a statement's end is not as it was told.
pub fn check(stack: &LocalStack) -> Result<()> {
    stack.server.sql(&format!(
        "CREATE OR REPLACE DATABASE copies; USE copies;
         CREATE TABLE source (id INT PRIMARY KEY, filler VARCHAR(8000)) CHARSET latin1 ENGINE=VAMOS;
         INSERT INTO source SELECT seq, REPEAT('x', 8000) FROM seq_1_to_{ROWS}"
    ))?;
    for (statement, table) in STATEMENTS {
        for step in STEPS {
            kill_during(stack, statement, table, *step)
                .with_context(|| format!("a kill {step} ms after {statement}"))?;
        }
    }
    stack.server.sql("DROP DATABASE copies").map(drop)
}

fn kill_during(stack: &LocalStack, statement: &str, table: &str, after_ms: u64) -> Result<()> {
    let filling = SqlSession::open(&stack.server.socket())?;
    filling.run("USE copies")?;
    filling.start(statement);
    std::thread::sleep(Duration::from_millis(after_ms));
    stack.daemon.kill_worker()?;
    let succeeded = filling.outcome().is_ok();
    let mut other = SqlConnection::open(&stack.server.socket())?;
    // What the host has and the server does not is found when the host is there.
    rows_when_back(&mut other, "SELECT COUNT(*) FROM copies.source")?;
    let there = !rows_when_back(&mut other, &format!("SHOW TABLES FROM copies LIKE '{table}'"))?.is_empty();
    ensure!(
        there == (succeeded || table == "source"),
        "it succeeded: {succeeded}; the table is there: {there}"
    );
    if there {
        let rows = rows_when_back(&mut other, &format!("SELECT COUNT(*) FROM copies.{table}"))?;
        ensure!(rows == [[ROWS.to_string()]], "{rows:?} rows are there");
    }
    if there && table != "source" {
        other.execute(&format!("DROP TABLE copies.{table}"))?;
    }
    Ok(())
}

/// A query's rows, as soon as the host is there again.
fn rows_when_back(connection: &mut SqlConnection, query: &str) -> Result<Vec<Vec<String>>> {
    let deadline = Instant::now() + COMES_BACK;
    loop {
        match connection.rows(query) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            found => return found,
        }
    }
}
