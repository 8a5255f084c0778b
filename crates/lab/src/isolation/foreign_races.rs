//! Foreign keys hold, and rows stay what they are, while the tables are made anew under
//! those who change rows of the other one.

use crate::{
    native::NativeServer,
    sql_client::{Answer, SqlConnection},
};
use anyhow::{Context, Result, ensure};
use std::sync::atomic::{AtomicBool, Ordering};

/// How often the tables are made anew, in two forms each time.
const ROUNDS: usize = 30;

/// A statement that runs over and over, and the only errors that it may end with.
struct Loop {
    /// How it waits for who replaces a table: not at all, to begin at every moment of
    /// that, or until it is done.
    waits: bool,
    statement: &'static str,
    errors: &'static [u16],
}

/// ER_ROW_IS_REFERENCED_2, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_NO_SUCH_TABLE.
const REFERENCED: u16 = 1451;
const TIMEOUT: u16 = 1205;
const DEADLOCK: u16 = 1213;
const MISSING: u16 = 1146;

/// Beside the schema's changes.
const LOOPS: &[Loop] = &[
    Loop {
        waits: true,
        statement: "UPDATE parent SET x = x + 1 WHERE id = 1",
        errors: &[TIMEOUT, DEADLOCK],
    },
    Loop {
        waits: true,
        statement: "UPDATE parent SET x = x + 1 WHERE id = 2",
        errors: &[TIMEOUT, DEADLOCK],
    },
    Loop {
        waits: true,
        statement: "DELETE FROM parent WHERE id = 1",
        errors: &[REFERENCED, TIMEOUT, DEADLOCK],
    },
    Loop {
        waits: false,
        statement: "DELETE FROM parent WHERE id = 1 AND x >= 0",
        errors: &[REFERENCED, TIMEOUT, DEADLOCK],
    },
    Loop {
        waits: true,
        statement: "INSERT INTO other VALUES (NULL, 2)",
        errors: &[TIMEOUT, DEADLOCK],
    },
    Loop {
        waits: true,
        statement: "UPDATE bare SET x = x + 1 WHERE id = 1",
        errors: &[TIMEOUT, DEADLOCK, MISSING],
    },
];

/// Changes tables while others change rows; gives what was tried.
///
/// # Errors
/// If a row is not what was written, a key was not checked, or was checked wrongly.
pub fn check_foreign_races(server: &NativeServer) -> Result<Vec<String>> {
    server.sql(
        "CREATE DATABASE races; USE races;
         CREATE TABLE parent (id INT PRIMARY KEY, x INT NOT NULL) ENGINE=VAMOS;
         INSERT INTO parent VALUES (1, 0), (2, 0);
         CREATE TABLE child (id INT PRIMARY KEY, p INT, b INT, FOREIGN KEY (p) REFERENCES parent (id)) ENGINE=VAMOS;
         INSERT INTO child VALUES (1, 1, 7);
         CREATE TABLE other (id INT AUTO_INCREMENT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))
           ENGINE=VAMOS;
         CREATE TABLE bare (id INT PRIMARY KEY, x INT NOT NULL) ENGINE=VAMOS;
         INSERT INTO bare VALUES (1, 0)",
    )?;
    let stop = AtomicBool::new(false);
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let loops: Vec<_> = LOOPS
            .iter()
            .map(|each| scope.spawn(|| repeat(server, each, &stop)))
            .collect();
        wrong.extend(change_tables(server).err());
        stop.store(true, Ordering::Relaxed);
        for thread in loops {
            wrong.extend(thread.join().ok().and_then(Result::err));
        }
    });
    let wrong: Vec<_> = wrong.iter().map(|error| format!("{error:#}")).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.sql("DROP DATABASE races")?;
    Ok(vec![
        "ALTER TABLE of the table that refers".to_owned(),
        "ALTER TABLE of the table referred to".to_owned(),
        "DROP and CREATE of a table that refers".to_owned(),
    ])
}

fn connect(server: &NativeServer) -> Result<SqlConnection> {
    let mut connection = server.connect()?;
    connection.execute("USE races")?;
    Ok(connection)
}

fn repeat(server: &NativeServer, each: &Loop, stop: &AtomicBool) -> Result<()> {
    repeat_until(server, each, stop).context(each.statement)
}

fn repeat_until(server: &NativeServer, each: &Loop, stop: &AtomicBool) -> Result<()> {
    let mut connection = connect(server)?;
    if !each.waits {
        connection.execute("SET lock_wait_timeout = 0")?;
    }
    while !stop.load(Ordering::Relaxed) {
        match connection.run(each.statement) {
            Ok(Answer::Done { affected, .. }) => ensure!(
                affected == 1 && !each.errors.contains(&REFERENCED),
                "it changed {affected} rows"
            ),
            Ok(Answer::Rows(_)) => {}
            Err(error) if error.code().is_some_and(|code| each.errors.contains(&code)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn change_tables(server: &NativeServer) -> Result<()> {
    let mut connection = connect(server)?;
    for round in 0..ROUNDS {
        for kind in ["BIGINT", "INT"] {
            change_once(&mut connection, kind).with_context(|| format!("{kind}, round {round}"))?;
        }
    }
    Ok(())
}

fn change_once(connection: &mut SqlConnection, kind: &str) -> Result<()> {
    connection.execute(&format!("ALTER TABLE child MODIFY b {kind}, ALGORITHM=COPY"))?;
    let rows = connection.rows("SELECT id, p, b FROM child")?;
    ensure!(rows == [["1", "1", "7"]], "the child's row is {rows:?}");
    connection.execute("INSERT INTO child VALUES (2, 1, 8)")?;
    connection.execute("DELETE FROM child WHERE id = 2")?;
    connection.execute("ALTER TABLE parent FORCE, ALGORITHM=COPY")?;
    connection.execute(
        "CREATE TABLE brief (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES bare (id)) ENGINE=VAMOS",
    )?;
    connection.execute("INSERT INTO brief VALUES (1)")?;
    connection.execute("DROP TABLE brief")
}
