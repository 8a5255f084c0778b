//! Tables that are made anew, renamed, created or dropped when the worker dies: each is
//! there with all of its rows, by the name that the client was told, and its foreign keys
//! hold.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    local::LocalStack,
    sql_client::{SqlConnection, SqlSession},
};

/// How often the worker dies, by turns during each statement.
const ROUNDS: u32 = 50;

const STATEMENTS: &[&str] = &[
    "ALTER TABLE child FORCE, ALGORITHM=COPY",
    "RENAME TABLE child TO moved",
    "ALTER TABLE parent FORCE, ALGORITHM=COPY",
    "CREATE TABLE brief (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES parent (id)) ENGINE=VAMOS",
    "RENAME TABLE parent TO moved",
];

/// Rows of the child.
const ROWS: &str = "100";

/// How long the host may take to come back.
const COMES_BACK: Duration = Duration::from_secs(30);

/// ER_ROW_IS_REFERENCED_2 and ER_NO_REFERENCED_ROW_2.
const REFERENCED: u16 = 1451;
const NO_PARENT: u16 = 1452;

/// Kills the worker in the middle of statements that change the schema.
///
/// # Errors
/// If a table or its rows are gone, a foreign key does not hold, or something that the
/// server made for itself is left on the host.
pub fn check(stack: &LocalStack) -> Result<()> {
    stack.server.sql(&format!(
        "CREATE OR REPLACE DATABASE renames; USE renames;
         CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=VAMOS;
         INSERT INTO parent VALUES (1), (2);
         CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id)) ENGINE=VAMOS;
         INSERT INTO child SELECT seq, 1 FROM seq_1_to_{ROWS}"
    ))?;
    let mut times = Vec::new();
    for statement in STATEMENTS {
        times.push(time_of(stack, statement)?);
    }
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let at = round as usize % STATEMENTS.len();
        let limit = u64::try_from(times[at].as_micros()).unwrap_or(u64::MAX).max(1);
        let after = Duration::from_micros((random >> 33) % limit);
        kill_during(stack, STATEMENTS[at], after)
            .with_context(|| format!("round {round}: a kill {after:?} after {}", STATEMENTS[at]))?;
    }
    stack.server.sql("DROP DATABASE renames").map(drop)
}

/// How long a statement takes when nothing dies.
fn time_of(stack: &LocalStack, statement: &str) -> Result<Duration> {
    let mut connection = connect(stack)?;
    let start = Instant::now();
    connection.execute(statement)?;
    let time = start.elapsed();
    tidy(&mut connection)?;
    Ok(time)
}

fn connect(stack: &LocalStack) -> Result<SqlConnection> {
    let mut connection = SqlConnection::open(&stack.server.socket())?;
    connection.execute("USE renames")?;
    Ok(connection)
}

fn kill_during(stack: &LocalStack, statement: &str, after: Duration) -> Result<()> {
    let changing = SqlSession::open(&stack.server.socket())?;
    changing.run("USE renames")?;
    changing.start(statement);
    std::thread::sleep(after);
    stack.daemon.kill_worker()?;
    let outcome = changing.outcome();
    let told = outcome.as_ref().err().map(ToString::to_string);
    let mut connection = connect(stack)?;
    check_all(&mut connection).with_context(|| format!("the statement said {told:?}"))
}

/// The tables that the server has.
fn tables(connection: &mut SqlConnection) -> Result<Vec<String>> {
    Ok(connection.rows("SHOW TABLES")?.concat())
}

/// Gives the tables their names again, and drops what is not one of them.
fn tidy(connection: &mut SqlConnection) -> Result<()> {
    let found = tables(connection)?;
    let has = |name: &str| found.iter().any(|found| found == name);
    if has("brief") {
        connection.execute("DROP TABLE brief")?;
    }
    if has("moved") {
        let name = if has("child") { "parent" } else { "child" };
        connection.execute(&format!("RENAME TABLE moved TO {name}"))?;
    }
    let found = tables(connection)?;
    ensure!(found == ["child", "parent"], "the tables are {found:?}");
    Ok(())
}

fn check_all(connection: &mut SqlConnection) -> Result<()> {
    let deadline = Instant::now() + COMES_BACK;
    while connection
        .rows("SELECT COUNT(*) FROM information_schema.VAMOS_TABLES")
        .is_err()
    {
        ensure!(Instant::now() < deadline, "the host does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
    let found = tables(connection)?;
    for table in &found {
        let rows = connection.value(&format!("SELECT COUNT(*) FROM {table}"))?;
        let known = [ROWS, "2", "0"].contains(&rows.as_str());
        ensure!(known, "{table} has {rows} rows");
    }
    if found.iter().any(|table| table == "brief") {
        ensure_refused(connection, "INSERT INTO brief VALUES (99)", NO_PARENT)?;
    }
    let name = |own: &str| match found.iter().any(|table| table == own) {
        true => own.to_owned(),
        false => "moved".to_owned(),
    };
    check_keys(connection, &name("parent"), &name("child"))?;
    tidy(connection)?;
    let rows = connection.value("SELECT COUNT(*) FROM child")?;
    ensure!(rows == ROWS, "the child has {rows} rows");
    check_keys(connection, "parent", "child")?;
    let left = connection.rows(
        "SELECT TABLE_NAME FROM information_schema.VAMOS_TABLES \
         WHERE TABLE_SCHEMA = 'renames' AND TABLE_NAME NOT IN ('parent', 'child')",
    )?;
    ensure!(left.is_empty(), "the host still has {left:?}");
    Ok(())
}

/// The foreign key holds in both directions.
fn check_keys(connection: &mut SqlConnection, parent: &str, child: &str) -> Result<()> {
    ensure_refused(
        connection,
        &format!("INSERT INTO {child} VALUES (1000, 99)"),
        NO_PARENT,
    )?;
    ensure_refused(
        connection,
        &format!("DELETE FROM {parent} WHERE id = 1"),
        REFERENCED,
    )?;
    connection.execute(&format!("DELETE FROM {parent} WHERE id = 2"))?;
    connection.execute(&format!("INSERT INTO {parent} VALUES (2)"))
}

fn ensure_refused(connection: &mut SqlConnection, statement: &str, code: u16) -> Result<()> {
    let outcome = connection.run(statement);
    let said = outcome.as_ref().err().and_then(|error| error.code());
    ensure!(said == Some(code), "{statement} ended with {outcome:?}");
    Ok(())
}
