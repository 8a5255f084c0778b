//! A primary and a replica with different engines: what conflicting writers leave
//! on the primary must be on the replica too.

use std::{
    net::TcpListener,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::sql_client::SqlConnection;

/// Connections that write at once.
const WRITERS: u32 = 6;

/// Rows for which all writers compete.
const HOT: u32 = 8;

/// How long the replica may take: less than a lock wait lasts, so that one which
/// ends by its timeout is noticed.
const CATCHES_UP: Duration = Duration::from_secs(40);

const SCHEMA: &[&str] = &[
    "SET sql_log_bin = 0",
    "CREATE DATABASE shop",
    "CREATE TABLE shop.hot (id INT PRIMARY KEY, n BIGINT NOT NULL, KEY (n)) ENGINE=$ENGINE",
    "CREATE TABLE shop.orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, writer INT NOT NULL, \
     note VARCHAR(50), UNIQUE KEY (writer, note)) ENGINE=$ENGINE",
    "CREATE TABLE shop.plain (a INT, b VARCHAR(20)) ENGINE=$ENGINE",
    "SET sql_log_bin = 1",
];

const SUMS: &[&str] = &[
    "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, n))) FROM shop.hot FORCE INDEX (PRIMARY)",
    "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, n))) FROM shop.hot FORCE INDEX (n) WHERE n > -1",
    "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, writer, note))) FROM shop.orders",
    "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', a, b))) FROM shop.plain",
];

/// A free TCP port of the loopback interface.
///
/// # Errors
/// If there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// What a replica did.
#[derive(Clone, Debug)]
pub struct CaughtUp {
    /// Transactions on the primary.
    pub transactions: u32,
    /// How long the replica took for them.
    pub time: Duration,
    /// How often it tried a transaction again.
    pub retries: u64,
}

/// Makes the tables, without logging that, and the user that replicates.
///
/// # Errors
/// If the server refuses a statement.
pub fn make_tables(socket: &Path, engine: &str) -> Result<()> {
    let mut connection = SqlConnection::open(socket)?;
    for statement in SCHEMA {
        connection.execute(&statement.replace("$ENGINE", engine))?;
    }
    connection.execute("SET sql_log_bin = 0")?;
    connection.execute("CREATE USER repl@'%' IDENTIFIED BY 'repl'")?;
    connection.execute("GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
}

/// Writes on the primary with all writers at once, then lets the replica catch up,
/// with all that is there to be applied in parallel, and compares.
///
/// # Errors
/// If the replica stops or stalls, or a table differs.
pub fn run(primary: &Path, port: u16, replica: &Path, mode: &str, rounds: u32) -> Result<CaughtUp> {
    let mut there = SqlConnection::open(replica)?;
    there.execute("SET GLOBAL slave_parallel_threads = 4")?;
    there.execute(&format!("SET GLOBAL slave_parallel_mode = '{mode}'"))?;
    there.execute(&format!(
        "CHANGE MASTER TO master_host = '127.0.0.1', master_port = {port}, master_user = 'repl', \
         master_password = 'repl', master_use_gtid = slave_pos"
    ))?;
    let transactions = write_all(primary, rounds)?;
    let position = SqlConnection::open(primary)?.value("SELECT @@gtid_binlog_pos")?;
    let start = Instant::now();
    there.execute("START SLAVE")?;
    let waited = there.value(&format!(
        "SELECT MASTER_GTID_WAIT('{position}', {})",
        CATCHES_UP.as_secs()
    ))?;
    let time = start.elapsed();
    if waited != "0" {
        let status = there.rows("SHOW SLAVE STATUS")?;
        let threads = there.rows("SHOW FULL PROCESSLIST")?;
        anyhow::bail!("the replica did not reach {position} within {time:?}: {status:?}, {threads:?}");
    }
    let retries = there.rows("SHOW GLOBAL STATUS LIKE 'Slave_retried_transactions'")?;
    there.execute("STOP SLAVE")?;
    let mut here = SqlConnection::open(primary)?;
    for sum in SUMS {
        let (ours, theirs) = (here.rows(sum)?, there.rows(sum)?);
        ensure!(
            ours == theirs,
            "{sum}: {ours:?} on the primary, {theirs:?} on the replica"
        );
    }
    Ok(CaughtUp {
        transactions,
        time,
        retries: retries
            .first()
            .and_then(|row| row.get(1)?.parse().ok())
            .unwrap_or(0),
    })
}

/// Runs the writers; returns how many transactions they committed.
fn write_all(primary: &Path, rounds: u32) -> Result<u32> {
    let mut connection = SqlConnection::open(primary)?;
    for id in 0..HOT {
        connection.execute(&format!("INSERT IGNORE INTO shop.hot VALUES ({id}, 0)"))?;
    }
    let counts: Vec<Result<u32>> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write(primary, writer, rounds)))
            .collect();
        let joined = writers.into_iter().map(|writer| writer.join());
        joined
            .map(|result| result.unwrap_or_else(|_| anyhow::bail!("a writer panicked")))
            .collect()
    });
    let mut total = HOT;
    for count in counts {
        total += count?;
    }
    Ok(total)
}

/// One writer: transactions that a deadlock ends are tried again.
fn write(primary: &Path, writer: u32, rounds: u32) -> Result<u32> {
    let mut connection = SqlConnection::open(primary)?;
    let mut random = fastrand::Rng::with_seed(u64::from(writer) + 1);
    let stamp = connection.value("SELECT UUID_SHORT()")?;
    for round in 0..rounds {
        let statements = transaction(&mut random, writer, &format!("{stamp}-{round}"));
        loop {
            let done = statements
                .iter()
                .try_for_each(|statement| connection.run(statement).map(drop));
            match done {
                Ok(()) => break,
                // A deadlock, or a lock wait that took too long.
                Err(error) if matches!(error.code(), Some(1213 | 1205)) => {
                    connection.execute("ROLLBACK")?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(rounds)
}

fn transaction(random: &mut fastrand::Rng, writer: u32, note: &str) -> Vec<String> {
    let mut hot = || random.u32(0..HOT);
    let (first, second) = (hot(), hot());
    let mut statements = vec![
        "START TRANSACTION".to_owned(),
        format!("UPDATE shop.hot SET n = n + 1 WHERE id = {first}"),
        format!("INSERT INTO shop.orders (writer, note) VALUES ({writer}, '{note}')"),
        format!("UPDATE shop.hot SET n = n + 2 WHERE id = {second}"),
    ];
    match random.u32(0..6) {
        0 => statements.push(format!(
            "DELETE FROM shop.orders WHERE writer = {writer} ORDER BY id LIMIT 1"
        )),
        1 => statements.push(format!("INSERT INTO shop.plain VALUES ({first}, 'x{second}')")),
        2 => statements.push(format!(
            "DELETE FROM shop.plain WHERE a = {first} ORDER BY b LIMIT 1"
        )),
        3 => statements.push(format!(
            "UPDATE shop.orders SET note = CONCAT(note, '!') WHERE writer = {writer} ORDER BY id LIMIT 1"
        )),
        _ => {}
    }
    statements.push("COMMIT".to_owned());
    statements
}
