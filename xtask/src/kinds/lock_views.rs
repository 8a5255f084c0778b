//! The tables of information_schema that show transactions and locks, while one
//! connection waits for another.

use super::Check;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use vamos_lab::local::LocalStack;
use vamos_lab::sql_client::{SqlConnection, SqlSession};

pub(super) const CHECKS: &[Check] = &[
    ("tables show who waits for a row, and why", row_wait),
    ("tables show who waits to insert into a range", range_wait),
    ("tables of locks want the PROCESS privilege", privilege),
];

/// How long the host may take to show that somebody waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ten rows, two of them locked by `holder`.
struct Scene {
    holder: SqlConnection,
    waiter: SqlSession,
    watcher: SqlConnection,
}

impl Scene {
    fn new(stack: &LocalStack, lock: &str) -> Result<Self> {
        stack.server.sql(
            "USE kinds;
             CREATE TABLE `a/b` (id INT PRIMARY KEY, v INT, UNIQUE KEY by_v (v)) ENGINE=VAMOS;
             INSERT INTO `a/b` SELECT seq, seq FROM seq_10_to_100_step_10",
        )?;
        let mut holder = stack.server.connect()?;
        for statement in ["USE kinds", "BEGIN", lock] {
            holder.execute(statement)?;
        }
        let waiter = stack.server.session()?;
        for statement in [
            "USE kinds",
            "SET vamos_lock_wait_timeout = 120",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ] {
            waiter.run(statement)?;
        }
        let watcher = stack.server.connect()?;
        Ok(Self {
            holder,
            waiter,
            watcher,
        })
    }

    /// Starts a statement and returns when the host says that it waits.
    fn begin_to_wait(&mut self, statement: &str) -> Result<()> {
        self.waiter.start(statement);
        let waits = format!(
            "SELECT COUNT(*) FROM information_schema.VAMOS_LOCK_WAITS WHERE WAITING_CONNECTION_ID = {}",
            self.waiter.id()
        );
        self.will_see(&waits, "1")
    }

    /// Sooner or later a query gives this value.
    fn will_see(&mut self, query: &str, expected: &str) -> Result<()> {
        let start = Instant::now();
        while self.watcher.value(query)? != expected {
            ensure!(start.elapsed() < PATIENCE, "{query} does not become {expected}");
        }
        Ok(())
    }

    /// The watcher sees exactly these rows.
    fn sees(&mut self, query: &str, expected: &[&str]) -> Result<()> {
        let rows = self.watcher.rows(query)?;
        let rows: Vec<_> = rows.iter().map(|row| row.join("|")).collect();
        ensure!(
            rows == expected,
            "{query}\n  gave     {rows:?}\n  expected {expected:?}"
        );
        Ok(())
    }

    /// The holder gives way, and nothing is left in the tables.
    fn end(mut self) -> Result<()> {
        self.holder.execute("COMMIT")?;
        self.waiter.outcome().context("the wait ended badly")?;
        let mine = format!("CONNECTION_ID IN ({}, {})", self.holder.id(), self.waiter.id());
        for rest in [
            format!("TRANSACTIONS WHERE {mine}"),
            "LOCKS WHERE TABLE_NAME = 'a/b'".to_owned(),
            "LOCK_WAITS WHERE TABLE_NAME = 'a/b'".to_owned(),
        ] {
            self.will_see(
                &format!("SELECT COUNT(*) FROM information_schema.VAMOS_{rest}"),
                "0",
            )?;
        }
        Ok(())
    }
}

fn row_wait(stack: &mut LocalStack) -> Result<()> {
    let mut scene = Scene::new(stack, "SELECT v FROM `a/b` WHERE id IN (20, 30) FOR UPDATE")?;
    let statement = "UPDATE `a/b` SET v = 7 WHERE id = 20 /* för you */";
    scene.begin_to_wait(statement)?;
    let (holder, waiter) = (scene.holder.id(), scene.waiter.id());
    scene.sees(
        "SELECT STATE, ISOLATION, CONNECTION_ID, QUERY, WAITING_FOR, AGE_SECONDS >= WAIT_SECONDS,
                BLOCKING_TRANSACTION_ID =
                  (SELECT TRANSACTION_ID FROM information_schema.VAMOS_TRANSACTIONS WHERE STATE = 'OPEN')
           FROM information_schema.VAMOS_TRANSACTIONS ORDER BY STATE",
        &[
            &format!(
                "LOCK WAIT|READ COMMITTED|{waiter}|{statement}|\
                 kinds/a@002fb, index 0, row 0x80000014 (exclusive)|1|1"
            ),
            &format!("OPEN|REPEATABLE READ|{holder}|NULL|NULL|NULL|NULL"),
        ],
    )?;
    scene.sees(
        "SELECT CONNECTION_ID, LOCKS >= 2, CHANGED_ENTRIES FROM information_schema.VAMOS_TRANSACTIONS
          WHERE STATE = 'OPEN'",
        &[&format!("{holder}|1|0")],
    )?;
    scene.sees(
        "SELECT TABLE_SCHEMA, TABLE_NAME, PARTITION_NAME, INDEX_NAME, LOCK_TYPE, LOCK_MODE, LOCK_KEY, STATUS
           FROM information_schema.VAMOS_LOCKS WHERE LOCK_TYPE = 'ROW' ORDER BY STATUS, LOCK_KEY",
        &[
            "kinds|a/b|NULL|PRIMARY|ROW|X|0x80000014|GRANTED",
            "kinds|a/b|NULL|PRIMARY|ROW|X|0x8000001e|GRANTED",
            "kinds|a/b|NULL|PRIMARY|ROW|X|0x80000014|WAITING",
        ],
    )?;
    scene.sees(
        "SELECT WAITING_CONNECTION_ID, BLOCKING_CONNECTION_ID, TABLE_NAME, INDEX_NAME, LOCK_TYPE, LOCK_KEY
           FROM information_schema.VAMOS_LOCK_WAITS",
        &[&format!("{waiter}|{holder}|a/b|PRIMARY|ROW|0x80000014")],
    )?;
    scene.end()
}

fn range_wait(stack: &mut LocalStack) -> Result<()> {
    let lock = "SELECT id FROM `a/b` FORCE INDEX (by_v) WHERE v BETWEEN 41 AND 49 FOR UPDATE";
    let mut scene = Scene::new(stack, lock)?;
    scene.begin_to_wait("INSERT INTO `a/b` VALUES (45, 45)")?;
    let (holder, waiter) = (scene.holder.id(), scene.waiter.id());
    scene.sees(
        "SELECT WAITING_CONNECTION_ID, BLOCKING_CONNECTION_ID, INDEX_NAME, LOCK_TYPE, LOCK_MODE
           FROM information_schema.VAMOS_LOCK_WAITS",
        &[&format!("{waiter}|{holder}|by_v|INSERT|X")],
    )?;
    scene.sees(
        "SELECT held.INDEX_NAME, held.LOCK_TYPE, wanted.LOCK_TYPE, wanted.STATUS
           FROM information_schema.VAMOS_LOCKS held JOIN information_schema.VAMOS_LOCKS wanted
             ON wanted.INDEX_ID = held.INDEX_ID AND wanted.LOCK_KEY >= held.LOCK_KEY
                AND wanted.LOCK_KEY < held.RANGE_END
          WHERE held.LOCK_TYPE = 'RANGE' AND wanted.STATUS = 'WAITING'",
        &["by_v|RANGE|INSERT|WAITING"],
    )?;
    scene.end()
}

fn privilege(stack: &mut LocalStack) -> Result<()> {
    // What a routine may do is what its definer may do.
    stack
        .server
        .sql("CREATE OR REPLACE USER nosy@localhost; GRANT ALL ON kinds.* TO nosy@localhost")?;
    for table in ["TRANSACTIONS", "LOCKS", "LOCK_WAITS"] {
        stack.server.sql(&format!(
            "CREATE DEFINER = nosy@localhost PROCEDURE kinds.peep_{table}() \
             SELECT COUNT(*) FROM information_schema.VAMOS_{table}"
        ))?;
        super::expect_error(stack, &format!("CALL peep_{table}"), "ERROR 1227 (42000)")?;
    }
    stack.server.sql("GRANT PROCESS ON *.* TO nosy@localhost")?;
    for table in ["TRANSACTIONS", "LOCKS", "LOCK_WAITS"] {
        stack.server.sql(&format!("CALL kinds.peep_{table}"))?;
    }
    stack.server.sql("DROP USER nosy@localhost").map(drop)
}
