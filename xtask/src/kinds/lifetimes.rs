//! What ends with its connection, and what outlives servers and workers.

use super::{Check, expect, expect_error};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use vamos_lab::local::LocalStack;

pub(super) const CHECKS: &[Check] = &[
    ("temporary tables end with their connection", temporary_tables_end),
    (
        "temporary tables end with the worker",
        temporary_tables_end_with_the_worker,
    ),
    (
        "a transaction begins with a worker that is gone",
        transactions_begin_with_a_dead_worker,
    ),
    ("sequences keep their values", sequences_keep_their_values),
    (
        "a connection reads more partitions than it has cursors",
        many_partitions,
    ),
];

const FILL: &str = "CREATE TEMPORARY TABLE t (i INT PRIMARY KEY, b BLOB) ENGINE=VAMOS";

/// Tables that the worker knows of, by its status.
fn tables(stack: &LocalStack) -> Result<u64> {
    stack.status_number("/guests/0/worker/modules/0/state/tables")
}

fn temporary_tables_end(stack: &mut LocalStack) -> Result<()> {
    let before = tables(stack)?;
    let mut connection = stack.server.connect()?;
    connection.execute("USE kinds")?;
    connection.execute(FILL)?;
    connection.execute("INSERT INTO t SELECT seq, REPEAT('x', 1000) FROM seq_1_to_1000")?;
    let mut other = stack.server.connect()?;
    other.execute("USE kinds")?;
    other.execute(FILL)?;
    ensure!(
        other.value("SELECT COUNT(*) FROM t")? == "0",
        "a temporary table is its connection's"
    );
    ensure!(
        connection.value("SELECT COUNT(*) FROM t")? == "1000",
        "rows are missing"
    );
    ensure!(tables(stack)? == before + 2, "the worker knows of both tables");
    drop(connection);
    drop(other);
    let start = Instant::now();
    while tables(stack)? != before {
        ensure!(
            start.elapsed() < Duration::from_secs(20),
            "temporary tables are left behind"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    // A server that is killed cannot drop them.
    let mut connection = stack.server.connect()?;
    connection.execute("USE kinds")?;
    connection.execute(FILL)?;
    stack.server.kill();
    stack.server.start_again()?;
    let start = Instant::now();
    while tables(stack)? != before {
        ensure!(
            start.elapsed() < Duration::from_secs(20),
            "a killed server leaves temporary tables behind"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn temporary_tables_end_with_the_worker(stack: &mut LocalStack) -> Result<()> {
    let mut connection = stack.server.connect()?;
    connection.execute("USE kinds")?;
    connection.execute(FILL)?;
    connection.execute("INSERT INTO t VALUES (1, 'x')")?;
    stack.daemon.kill_worker()?;
    let start = Instant::now();
    // The first statements may come before the worker is back.
    while stack
        .server
        .sql("USE kinds; CREATE OR REPLACE TABLE probe (i INT) ENGINE=VAMOS")
        .is_err()
    {
        ensure!(
            start.elapsed() < Duration::from_secs(20),
            "the worker does not come back"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let lost = connection.value("SELECT COUNT(*) FROM t");
    ensure!(lost.is_err(), "a temporary table outlived its worker: {lost:?}");
    connection.execute("DROP TEMPORARY TABLE t")?;
    connection.execute(FILL)?;
    connection.execute("INSERT INTO t VALUES (2, 'y')")?;
    ensure!(
        connection.value("SELECT i FROM t")? == "2",
        "a new temporary table does not work"
    );
    expect(stack, "SELECT COUNT(*) FROM probe", "0")
}

/// The optimizer is the first to meet the worker's end, when it asks how many rows a
/// range has, and says nothing of it: the transaction must go on all the same, or it
/// would be rolled back unnoticed.
fn transactions_begin_with_a_dead_worker(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds; CREATE TABLE t (i INT PRIMARY KEY, j INT, KEY (j)) ENGINE=VAMOS;
         INSERT INTO t SELECT seq, seq FROM seq_1_to_1000",
    )?;
    let mut connection = stack.server.connect()?;
    connection.execute("USE kinds")?;
    connection.value("SELECT COUNT(*) FROM t FORCE INDEX (j) WHERE j > 0")?;
    stack.daemon.kill_worker()?;
    let start = Instant::now();
    while stack
        .server
        .sql("USE kinds; REPLACE INTO t VALUES (1, 1)")
        .is_err()
    {
        ensure!(
            start.elapsed() < Duration::from_secs(20),
            "the worker does not come back"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    connection.execute("BEGIN")?;
    let query = "SELECT COUNT(*) FROM t FORCE INDEX (j) WHERE j BETWEEN 5 AND 700";
    if connection.value(query).is_err() {
        // Another request has met it, which may say so.
        connection.execute("ROLLBACK")?;
        connection.execute("BEGIN")?;
    }
    connection.execute("UPDATE t SET j = -1 WHERE i = 7")?;
    let open = connection.value("SELECT @@in_transaction")?;
    ensure!(open == "1", "the transaction ended unnoticed");
    expect(stack, "SELECT j FROM t WHERE i = 7", "7")?;
    connection.execute("COMMIT")?;
    expect(stack, "SELECT j FROM t WHERE i = 7", "-1")
}

fn sequences_keep_their_values(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds; CREATE SEQUENCE s CACHE 10 ENGINE=VAMOS; CREATE SEQUENCE n NOCACHE ENGINE=VAMOS;
         CREATE TABLE t (i INT DEFAULT NEXTVAL(n)) ENGINE=VAMOS",
    )?;
    expect(stack, "SELECT NEXTVAL(s), NEXTVAL(n)", "1\t1")?;
    expect(stack, "SELECT NEXTVAL(s), NEXTVAL(n)", "2\t2")?;
    stack.server.kill();
    stack.server.start_again()?;
    // What was cached is lost, as in every engine.
    expect(stack, "SELECT NEXTVAL(s), NEXTVAL(n)", "11\t3")?;
    stack.daemon.stop()?;
    expect_error(stack, "SELECT NEXTVAL(n)", "ERROR 1429")?;
    stack.daemon.start_again()?;
    expect(stack, "SELECT NEXTVAL(n); SELECT SETVAL(s, 100)", "4\n100")?;
    stack.server.shutdown()?;
    stack.server.start_again()?;
    expect(
        stack,
        "SELECT NEXTVAL(s); SELECT NEXTVAL(n); SHOW TABLES",
        "101\n5\nn\ns\nt",
    )
}

fn many_partitions(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds; CREATE TABLE many (a INT PRIMARY KEY, b INT, KEY (b)) ENGINE=VAMOS PARTITION BY HASH (a) PARTITIONS 1100;
         INSERT INTO many SELECT seq, seq % 10 FROM seq_1_to_33000",
    )?;
    expect(stack, "SELECT COUNT(*), SUM(a) FROM many", "33000\t544516500")?;
    expect(
        stack,
        "SELECT COUNT(*), SUM(a) FROM many FORCE INDEX (b) WHERE b = 3",
        "3300\t54443400",
    )?;
    let in_order: Vec<_> = (1..=33_000).map(|a: u32| a.to_string()).collect();
    expect(
        stack,
        "SELECT a FROM many FORCE INDEX (PRIMARY) ORDER BY a",
        &in_order.join("\n"),
    )?;
    expect(
        stack,
        "SELECT a FROM many ORDER BY a DESC LIMIT 3",
        "33000\n32999\n32998",
    )?;
    expect(
        stack,
        "START TRANSACTION; SELECT COUNT(*) FROM (SELECT a FROM many ORDER BY b, a LIMIT 40000 FOR UPDATE) s; UPDATE many SET b = b + 1; SELECT SUM(b) FROM many; ROLLBACK",
        "33000\n181500",
    )?;
    expect(
        stack,
        "SELECT COUNT(*) FROM many x JOIN many y ON x.a = y.a + 1 WHERE x.b = 1",
        "3299",
    )
}
