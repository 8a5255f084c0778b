//! Changing tables on which prepared transactions have changes and locks: as with
//! InnoDB, whoever wants to waits for XA COMMIT, and nothing is lost.

use super::Check;
use anyhow::{Context, Result, ensure};
use std::thread::sleep;
use std::time::{Duration, Instant};
use vamos_lab::local::LocalStack;
use vamos_lab::sql_client::{SqlConnection, SqlError, SqlSession};

pub(super) const CHECKS: &[Check] = &[
    ("DDL waits for prepared transactions", |stack| {
        check(stack, Owner::Connected)
    }),
    ("DDL waits for prepared transactions that nobody has", |stack| {
        check(stack, Owner::Gone)
    }),
    ("DDL waits for prepared transactions after a restart", |stack| {
        check(stack, Owner::Killed)
    }),
];

/// What has become of the connections that prepared the transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Connected,
    Gone,
    /// With the server.
    Killed,
}

const ENGINES: [&str; 2] = ["VAMOS", "InnoDB"];

const PARTITIONS: &str =
    "PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (100))";

const LOCKS: &str = "SELECT * FROM {t} WHERE id BETWEEN 10 AND 20 FOR UPDATE";

const CHANGES: &[&str] = &[
    "UPDATE {t} SET v = 77 WHERE id = 1",
    LOCKS,
    "INSERT INTO {t} VALUES (6, 6)",
    "UPDATE {t} SET v = 31 WHERE id = 30",
];

/// How tables are made, what is prepared, and what is done to each table.
const CASES: &[(&str, &[&str], &[&str])] = &[
    (
        "",
        CHANGES,
        &[
            "DROP TABLE {t}",
            "TRUNCATE {t}",
            "RENAME TABLE {t} TO {t}_new",
            "ALTER TABLE {t} ADD INDEX k2 (v, id), ALGORITHM=INPLACE, LOCK=NONE",
            "ALTER TABLE {t} ADD COLUMN c INT NOT NULL DEFAULT 3, ALGORITHM=INSTANT",
            "ALTER TABLE {t} COMMENT='new'",
            "ALTER TABLE {t} FORCE, ALGORITHM=COPY",
            "ALTER TABLE {t} ENGINE=MyISAM",
            "CREATE INDEX k3 ON {t} (v, id) ALGORITHM=COPY",
            "CREATE OR REPLACE TABLE {t} (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
        ],
    ),
    (
        PARTITIONS,
        CHANGES,
        &[
            "ALTER TABLE {t} ADD INDEX k2 (v, id), ALGORITHM=INPLACE",
            "ALTER TABLE {t} DROP PARTITION a",
            "ALTER TABLE {t} TRUNCATE PARTITION a",
            "ALTER TABLE {t} REORGANIZE PARTITION a INTO \
             (PARTITION a1 VALUES LESS THAN (3), PARTITION a2 VALUES LESS THAN (10))",
            "ALTER TABLE {t} REMOVE PARTITIONING",
            "ALTER TABLE {t} ENGINE=MyISAM",
        ],
    ),
    // The first partition can be copied at once.
    (
        PARTITIONS,
        &["UPDATE {t} SET v = 31 WHERE id = 30", LOCKS],
        &[
            "ALTER TABLE {t} ENGINE=MyISAM",
            "ALTER TABLE {t} REMOVE PARTITIONING",
            "ALTER TABLE {t} TRUNCATE PARTITION b",
            "ALTER TABLE {t} REORGANIZE PARTITION a, b INTO (PARTITION c VALUES LESS THAN (100))",
        ],
    ),
];

/// A table of one engine, and what happens to it.
struct Scene {
    case: usize,
    table: String,
    statement: String,
    /// The connection that has prepared, while it is there.
    owner: Option<SqlSession>,
    told: Vec<String>,
}

fn check(stack: &mut LocalStack, owner: Owner) -> Result<()> {
    let mut scenes = scenes(stack)?;
    if owner != Owner::Connected {
        let owners: Vec<_> = scenes.iter_mut().filter_map(|scene| scene.owner.take()).collect();
        end(stack, owners, owner == Owner::Killed)?;
    }
    let mut main = connect(stack, 0)?;
    for scene in &mut scenes {
        // What fails at once has done nothing.
        let outcome = main.run(&scene.statement);
        scene.told.push(said(outcome.map(drop)));
    }
    let mut waiting = Vec::new();
    for scene in &scenes {
        let session = stack.server.session()?;
        session.run("USE kinds")?;
        session.start(&scene.statement);
        waiting.push(session);
    }
    for (scene, session) in scenes.iter_mut().zip(waiting) {
        let early = session.outcome_within(Duration::from_millis(30));
        scene.told.push(match &early {
            Some(outcome) => format!("did not wait: {outcome:?}"),
            None => "waited".to_owned(),
        });
        let commit = format!("XA COMMIT '{}'", scene.table);
        match &scene.owner {
            Some(owner) => drop(owner.run(&commit)?),
            None => main.execute(&commit)?,
        }
        let outcome = early.unwrap_or_else(|| session.outcome());
        scene.told.push(said(outcome.map(drop)));
        look(&mut main, scene)?;
    }
    compare(&scenes)?;
    // Where DROP PARTITION failed, the partition has gone and its rows have not.
    let mut main = stack.server.connect()?;
    main.execute("DROP DATABASE kinds")?;
    main.execute("CREATE DATABASE kinds")?;
    let left = "SELECT COUNT(*) FROM information_schema.VAMOS_TABLES WHERE table_schema = 'kinds'";
    let left = main.value(left)?;
    ensure!(
        left == "0",
        "the host keeps {left} tables of a database that was dropped"
    );
    Ok(())
}

/// Makes the tables, with a prepared transaction on each.
fn scenes(stack: &LocalStack) -> Result<Vec<Scene>> {
    let mut main = connect(stack, 0)?;
    let mut scenes = Vec::new();
    let cases = CASES
        .iter()
        .flat_map(|(made, changes, all)| all.iter().map(move |ddl| (made, changes, ddl)));
    for (case, (made, changes, ddl)) in cases.enumerate() {
        for engine in ENGINES {
            let table = format!("{engine}_{case}").to_lowercase();
            main.execute(&format!(
                "CREATE TABLE {table} (id INT PRIMARY KEY, v INT, KEY (v)) ENGINE={engine} {made}"
            ))?;
            main.execute(&format!("INSERT INTO {table} VALUES (1, 1), (5, 5), (30, 30)"))?;
            let owner = stack.server.session()?;
            let begin = ["USE kinds", "XA START '{t}'"];
            let end = ["XA END '{t}'", "XA PREPARE '{t}'"];
            for statement in begin.iter().chain(changes.iter()).chain(&end) {
                let statement = statement.replace("{t}", &table);
                owner.run(&statement).with_context(|| statement.clone())?;
            }
            scenes.push(Scene {
                case,
                statement: ddl.replace("{t}", &table),
                table,
                owner: Some(owner),
                told: Vec::new(),
            });
        }
    }
    Ok(scenes)
}

/// Ends connections, and sees the server notice.
fn end(stack: &mut LocalStack, owners: Vec<SqlSession>, kill: bool) -> Result<()> {
    let ids: Vec<_> = owners.iter().map(|owner| owner.id().to_string()).collect();
    if kill {
        stack.server.kill();
        drop(owners);
        return stack.server.start_again();
    }
    drop(owners);
    let count = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE id IN ({})",
        ids.join(", ")
    );
    let mut main = stack.server.connect()?;
    let start = Instant::now();
    while main.value(&count)? != "0" {
        ensure!(
            start.elapsed() < Duration::from_secs(30),
            "connections do not end"
        );
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn connect(stack: &LocalStack, lock_wait: u32) -> Result<SqlConnection> {
    let mut connection = stack.server.connect()?;
    connection.execute("USE kinds")?;
    connection.execute(&format!(
        "SET lock_wait_timeout = {lock_wait}, innodb_lock_wait_timeout = {lock_wait}, \
         vamos_lock_wait_timeout = {lock_wait}"
    ))?;
    Ok(connection)
}

fn said(outcome: Result<(), SqlError>) -> String {
    match outcome {
        Ok(()) => "done".to_owned(),
        Err(SqlError::Refused { code, .. }) => format!("error {code}"),
        Err(error) => format!("{error:?}"),
    }
}

/// What is there in the end; nothing bars the range that was locked.
fn look(main: &mut SqlConnection, scene: &mut Scene) -> Result<()> {
    for table in [scene.table.clone(), format!("{}_new", scene.table)] {
        for statement in [
            format!("INSERT INTO {table} (id, v) VALUES (15, 15), (2, 2)"),
            format!("UPDATE {table} SET v = v + 1 WHERE id = 30"),
        ] {
            let outcome = main.run(&statement);
            scene.told.push(said(outcome.map(drop)));
        }
        match main.rows(&format!("SELECT id, v FROM {table} ORDER BY id")) {
            Ok(rows) => {
                scene.told.push(format!("{rows:?}"));
                let checked = main.rows(&format!("CHECK TABLE {table} EXTENDED"))?;
                scene
                    .told
                    .extend(checked.iter().filter_map(|row| row.last().cloned()));
            }
            Err(_) => scene.told.push("no such table".to_owned()),
        }
    }
    Ok(())
}

/// Both engines must have told the same.
fn compare(scenes: &[Scene]) -> Result<()> {
    let mut differences = Vec::new();
    for pair in scenes.chunks(ENGINES.len()) {
        let [vamos, innodb] = pair else { continue };
        if vamos.told != innodb.told {
            differences.push(format!(
                "case {}, {}\n  VAMOS  {:?}\n  InnoDB {:?}",
                vamos.case, vamos.statement, vamos.told, innodb.told
            ));
        }
    }
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}
