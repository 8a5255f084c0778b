//! Schema changes beside writers, and with processes that die in the middle.

use super::leftovers::ensure_no_leftovers;
use super::{Check, expect};
use anyhow::{Context, Result, ensure};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use vamos_lab::local::LocalStack;
use vamos_lab::sql_client::{SqlConnection, SqlError};

pub(super) const CHECKS: &[Check] = &[
    ("indexes are built beside writers", indexes_beside_writers),
    ("a killed ALTER leaves the table as it was", killed_statements),
    ("ALTERs are done or not when processes die", dying_processes),
];

const ROWS: u64 = 20_000;

/// Errors that a writer gets for its own random rows, or for a table that is just
/// being altered: duplicate, deadlock, lock wait timeout, definition changed.
const EXPECTED: [u16; 5] = [1062, 1213, 1205, 1412, 1020];

fn fill(connection: &mut SqlConnection, table: &str, partitions: &str) -> Result<()> {
    connection.execute("USE kinds")?;
    connection.execute(&format!(
        "CREATE TABLE {table} (id INT PRIMARY KEY, a INT, s VARCHAR(40), u INT NOT NULL) ENGINE=VAMOS {partitions}"
    ))?;
    connection.execute(&format!(
        "INSERT INTO {table} SELECT seq, seq % 97, CONCAT('s', seq % 1013), seq FROM seq_1_to_{ROWS}"
    ))
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// Changes rows until told to stop; values of `u` stay unique, and move from row
/// to row.
fn write(
    connection: &mut SqlConnection,
    table: &str,
    seed: u64,
    stop: &AtomicBool,
    writes: &AtomicU64,
) -> Result<()> {
    let mut numbers = Numbers(seed);
    connection.execute("USE kinds")?;
    while !stop.load(Relaxed) {
        let (id, other) = (1 + numbers.below(ROWS), 1 + numbers.below(ROWS));
        let own = ROWS * (10 + seed) + numbers.below(2000);
        let statements = match numbers.below(6) {
            0 => vec![format!("DELETE FROM {table} WHERE id = {own}")],
            1 | 2 => vec![format!(
                "INSERT INTO {table} (id, a, s, u) VALUES ({own}, {id}, 'new', {own})"
            )],
            3 => vec![format!(
                "UPDATE {table} SET a = {other}, s = CONCAT(s, 'x') WHERE id = {id} AND LENGTH(s) < 30"
            )],
            4 => vec![format!("UPDATE {table} SET a = NULL WHERE id = {id}")],
            // A value goes to another row and leaves its own free in between.
            _ => vec![
                "BEGIN".to_owned(),
                format!("UPDATE {table} SET u = -u WHERE id = {own} AND u > 0"),
                format!("UPDATE {table} SET u = u + 0, a = 5 WHERE id = {id}"),
                format!("UPDATE {table} SET u = {own} WHERE id = {own}"),
                "COMMIT".to_owned(),
            ],
        };
        for statement in statements {
            match connection.run(&statement) {
                Ok(_) => _ = writes.fetch_add(1, Relaxed),
                Err(SqlError::Refused { code, .. }) if EXPECTED.contains(&code) => {
                    connection.execute("ROLLBACK")?;
                    break;
                }
                Err(error) => return Err(error).context(statement),
            }
        }
    }
    Ok(())
}

/// What the rows are, read by an index or by the table.
fn digest(connection: &mut SqlConnection, table: &str, index: &str) -> Result<String> {
    let query = format!(
        "SELECT CONCAT_WS(' ', COUNT(*), SUM(id), BIT_XOR(CRC32(CONCAT_WS(',', id, a, s, u)))) FROM {table} FORCE INDEX ({index}) \
         WHERE {}",
        match index {
            "ka" => "a IS NULL OR a > -1",
            "ks" => "s > ''",
            "ku" => "u > -1000000000",
            _ => "id > 0",
        }
    );
    connection.value(&query)
}

/// Each index of the table has the entry of each row, and no other.
fn check_indexes(connection: &mut SqlConnection, table: &str) -> Result<()> {
    let indexes = connection.rows(&format!(
        "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = 'kinds' AND table_name = '{table}'"
    ))?;
    let expected = digest(connection, table, "PRIMARY")?;
    for index in indexes.concat() {
        let got = digest(connection, table, &index)?;
        ensure!(
            got == expected,
            "{table}: index {index} has {got}, the rows are {expected}"
        );
    }
    Ok(())
}

fn indexes_beside_writers(stack: &mut LocalStack) -> Result<()> {
    let mut main = stack.server.connect()?;
    for (table, partitions) in [("t", ""), ("p", "PARTITION BY HASH (id) PARTITIONS 3")] {
        fill(&mut main, table, partitions)?;
        let unique = match partitions {
            "" => "u",
            _ => "u, id",
        };
        let (stop, writes) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut writers = Vec::new();
        for _ in 0..3 {
            writers.push(stack.server.connect()?);
        }
        let during = thread::scope(|scope| {
            let mut threads = Vec::new();
            for (seed, mut connection) in (1..).zip(writers) {
                let (stop, writes) = (&stop, &writes);
                threads.push(scope.spawn(move || write(&mut connection, table, seed, stop, writes)));
            }
            let altered = alter_again_and_again(&mut main, table, unique, &writes);
            stop.store(true, Relaxed);
            for thread in threads {
                thread
                    .join()
                    .unwrap_or_else(|_| anyhow::bail!("a writer panicked"))?;
            }
            altered
        })?;
        ensure!(during > 0, "nobody could write while indexes were built");
        check_indexes(&mut main, table)?;
        let rows = main.value(&format!("SELECT COUNT(*) FROM {table} WHERE c5 = 5"))?;
        let all = main.value(&format!("SELECT COUNT(*) FROM {table}"))?;
        ensure!(rows == all, "{rows} of {all} rows have the new column's default");
    }
    Ok(())
}

/// Returns how many statements others made meanwhile.
fn alter_again_and_again(
    main: &mut SqlConnection,
    table: &str,
    unique: &str,
    writes: &AtomicU64,
) -> Result<u64> {
    let mut during = 0;
    for round in 0..6 {
        let before = writes.load(Relaxed);
        main.execute(&format!(
            "ALTER TABLE {table} ADD INDEX ka (a), ADD UNIQUE INDEX ku ({unique}), ALGORITHM=INPLACE, LOCK=NONE"
        ))?;
        during += writes.load(Relaxed) - before;
        main.execute(&format!("ALTER TABLE {table} ADD INDEX ks (s), ADD COLUMN c{round} INT DEFAULT {round}, ALGORITHM=INPLACE, LOCK=NONE"))?;
        check_in_a_snapshot(main, table)?;
        if round < 5 {
            main.execute(&format!("ALTER TABLE {table} DROP INDEX ka, DROP INDEX ks, DROP INDEX ku, ALGORITHM=INPLACE, LOCK=NONE"))?;
        }
    }
    Ok(during)
}

/// While others write, a snapshot shows all indexes alike.
fn check_in_a_snapshot(connection: &mut SqlConnection, table: &str) -> Result<()> {
    connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")?;
    check_indexes(connection, table)?;
    connection.execute("COMMIT")
}

fn killed_statements(stack: &mut LocalStack) -> Result<()> {
    let mut main = stack.server.connect()?;
    fill(&mut main, "t", "")?;
    let mut killed = 0;
    for pause in [0, 1, 3, 10, 30, 60, 100] {
        let session = stack.server.session()?;
        session.start(
            "ALTER TABLE kinds.t ADD INDEX ka (a), ADD UNIQUE INDEX ku (u), ALGORITHM=INPLACE, LOCK=NONE",
        );
        thread::sleep(Duration::from_millis(pause));
        main.execute(&format!("KILL QUERY {}", session.id()))?;
        match session.outcome() {
            Ok(_) => main.execute("ALTER TABLE t DROP INDEX ka, DROP INDEX ku")?,
            Err(SqlError::Refused { .. }) => killed += 1,
            Err(error) => return Err(error.into()),
        }
        check_indexes(&mut main, "t")?;
        main.execute("UPDATE t SET a = a + 1 WHERE id < 100")?;
    }
    ensure!(killed > 0, "no ALTER TABLE was slow enough to be killed");
    main.execute("ALTER TABLE t ADD INDEX ka (a), ADD UNIQUE INDEX ku (u), ALGORITHM=INPLACE, LOCK=NONE")?;
    check_indexes(&mut main, "t")
}

const ALTERS: &[&str] = &[
    "ADD INDEX ka (a), ALGORITHM=INPLACE, LOCK=NONE",
    "ADD COLUMN x INT NOT NULL DEFAULT 9 FIRST, ADD UNIQUE INDEX ku (u, id), ALGORITHM=INPLACE, LOCK=NONE",
    "DROP INDEX ka, ADD INDEX ks (s), ALGORITHM=INPLACE, LOCK=NONE",
    "DROP COLUMN x, ALGORITHM=INSTANT",
    "DROP INDEX ks, DROP INDEX ku, ALGORITHM=INPLACE, LOCK=NONE",
];

fn dying_processes(stack: &mut LocalStack) -> Result<()> {
    let mut main = stack.server.connect()?;
    for (table, partitions) in [("t", ""), ("p", "PARTITION BY HASH (id) PARTITIONS 2")] {
        fill(&mut main, table, partitions)?;
        let mut numbers = Numbers(7);
        for round in 0..12 {
            let alter = ALTERS[round % ALTERS.len()];
            let session = stack.server.session()?;
            session.start(format!("ALTER TABLE kinds.{table} {alter}"));
            thread::sleep(Duration::from_millis(numbers.below(60)));
            match round % 3 {
                0 => stack.daemon.kill_worker()?,
                _ => stack.server.kill(),
            }
            let outcome = session.outcome();
            if round % 3 != 0 {
                stack.server.start_again()?;
                ensure_no_leftovers(stack)?;
            }
            main = after_a_kill(stack, table)
                .with_context(|| format!("{table}, round {round}: {alter}: {outcome:?}"))?;
            // What was not done is done now; what was, is refused.
            match main.run(&format!("ALTER TABLE {table} {alter}")) {
                Ok(_)
                | Err(SqlError::Refused {
                    code: 1060 | 1061 | 1091,
                    ..
                }) => {}
                Err(error) => return Err(error).context(alter),
            }
            check_indexes(&mut main, table)?;
        }
        expect(
            stack,
            &format!("SELECT COUNT(*), SUM(id) FROM {table}"),
            &format!("{ROWS}\t{}", ROWS * (ROWS + 1) / 2),
        )?;
    }
    Ok(())
}

/// The table is whole, and can be written, as soon as all are back.
fn after_a_kill(stack: &LocalStack, table: &str) -> Result<SqlConnection> {
    let mut main = stack.server.connect()?;
    main.execute("USE kinds")?;
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let written = main.execute(&format!(
            "UPDATE {table} SET a = a + 1 WHERE id BETWEEN 50 AND 60"
        ));
        match written.and_then(|()| check_indexes(&mut main, table)) {
            Ok(()) => return Ok(main),
            Err(error) if Instant::now() > until => return Err(error),
            // The worker is being started.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}
