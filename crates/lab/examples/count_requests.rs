//! Counts what each kind of statement asks of the host, and how long it takes
//! beside InnoDB, on this machine without a guest.
//!
//! `cargo run --release -p vamos-lab --example count_requests -- TARGET_DIR/release [FILTER]`
//! after `cargo xtask build`. Each statement runs twice on each engine, in a
//! transaction that is rolled back; the second run is shown. The requests are
//! the messages that the engine sent; doorbells are those that it rang (a host
//! that polls needs none, so they vary); bytes are those received.

use anyhow::{Context, Result};
use std::path::PathBuf;
use vamos_lab::local::{LocalOptions, LocalStack, Programs};
use vamos_lab::mariadb_files::MariadbFiles;
use vamos_lab::native::NativeServer;

/// The tables, with `$ENGINE` for the engine.
const TABLES: &str = "
CREATE TABLE item (id INT PRIMARY KEY, kind INT NOT NULL, code INT NOT NULL, price INT NOT NULL,
    name VARCHAR(60) NOT NULL, note VARCHAR(200), UNIQUE KEY by_code (code), KEY by_kind (kind, price),
    KEY by_price (price)) ENGINE=$ENGINE;
INSERT INTO item SELECT seq, seq MOD 50, 200000 - seq, seq * 7919 MOD 10007, CONCAT('item ', seq),
    REPEAT('n', seq MOD 100) FROM seq_1_to_20000;
CREATE TABLE sale (item INT NOT NULL, number INT NOT NULL, amount INT NOT NULL, PRIMARY KEY (item, number))
    ENGINE=$ENGINE;
INSERT INTO sale SELECT seq DIV 3, seq MOD 3, seq MOD 17 FROM seq_3_to_30000;
CREATE TABLE note (id INT PRIMARY KEY, kind INT, body TEXT, KEY (kind)) ENGINE=$ENGINE;
INSERT INTO note SELECT seq, seq MOD 10, REPEAT('b', seq MOD 300) FROM seq_1_to_3000;
CREATE TABLE target LIKE item;
CREATE TABLE plain (id INT PRIMARY KEY, body VARCHAR(100)) ENGINE=$ENGINE;
INSERT INTO plain SELECT seq, REPEAT('p', 50) FROM seq_1_to_5000;
ANALYZE TABLE item, sale, note, plain;
";

/// What is counted: a name and statements.
const STATEMENTS: &[(&str, &str)] = &[
    ("point by primary key", "SELECT name FROM item WHERE id = 4711"),
    ("point by unique key", "SELECT name FROM item WHERE code = 150000"),
    (
        "IN list of 100 primary keys",
        "SELECT SUM(price) FROM item WHERE id IN ($IN100)",
    ),
    (
        "IN list of 100 unique keys",
        "SELECT SUM(price) FROM item WHERE code IN ($CODES)",
    ),
    (
        "20 ranges of a key",
        "SELECT COUNT(note) FROM item FORCE INDEX (by_price) WHERE $RANGES",
    ),
    (
        "range of 1000 rows",
        "SELECT SUM(LENGTH(note)) FROM item WHERE id BETWEEN 5000 AND 5999",
    ),
    (
        "key range, rows fetched",
        "SELECT SUM(LENGTH(note)) FROM item WHERE kind = 7 AND price < 5000",
    ),
    (
        "key range, covering",
        "SELECT COUNT(*), MAX(price) FROM item WHERE kind = 7 AND price < 5000",
    ),
    (
        "first 10 by primary key",
        "SELECT * FROM item ORDER BY id LIMIT 10",
    ),
    (
        "first 10 by a key",
        "SELECT * FROM item ORDER BY price DESC LIMIT 10",
    ),
    (
        "first 10 that match",
        "SELECT * FROM item WHERE name LIKE '%99' LIMIT 10",
    ),
    ("table scan", "SELECT SUM(LENGTH(note)) FROM item"),
    (
        "join by a primary key",
        "SELECT SUM(s.amount), MAX(i.name) FROM item i JOIN sale s ON s.item = i.id WHERE i.kind = 3",
    ),
    (
        "join by a primary key, BKA",
        "SET SESSION join_cache_level = 6, optimizer_switch = 'mrr=on,mrr_cost_based=off'; \
         SELECT SUM(s.amount), MAX(i.name) FROM item i JOIN sale s ON s.item = i.id WHERE i.kind = 3",
    ),
    (
        "union of two keys",
        "SELECT SUM(LENGTH(note)) FROM item WHERE code < 180100 OR price = 77",
    ),
    (
        "sorted by position",
        "SELECT COUNT(*) FROM (SELECT body FROM note WHERE kind < 3 ORDER BY body, id LIMIT 500) s",
    ),
    (
        "update without a key",
        "UPDATE item SET name = CONCAT(name, '!') WHERE id BETWEEN 1000 AND 1999",
    ),
    (
        "update of the key used",
        "UPDATE item SET price = price + 1 WHERE price BETWEEN 100 AND 599",
    ),
    (
        "update of a unique key",
        "UPDATE item SET code = code + 1000000 WHERE id BETWEEN 1 AND 500",
    ),
    (
        "delete of a range",
        "DELETE FROM item WHERE id BETWEEN 3000 AND 3999",
    ),
    ("delete by IN list", "DELETE FROM item WHERE id IN ($IN100)"),
    (
        "delete of a plain range",
        "DELETE FROM plain WHERE id BETWEEN 1000 AND 2999",
    ),
    ("delete of everything", "DELETE FROM plain"),
    ("insert of 200 rows", "INSERT INTO plain VALUES $ROWS"),
    (
        "INSERT .. SELECT of 10000 rows",
        "INSERT INTO target SELECT * FROM item WHERE id <= 10000",
    ),
    (
        "INSERT .. ON DUPLICATE KEY of 200",
        "INSERT INTO plain VALUES $ROWS ON DUPLICATE KEY UPDATE body = 'again'",
    ),
];

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    micros: u64,
    requests: u64,
    doorbells: u64,
    bytes: u64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let built = PathBuf::from(arguments.next().context("which directory has the programs?")?);
    let filter = arguments.next().unwrap_or_default();
    let programs = Programs {
        vamosd: built.join("vamosd"),
        vamos: built.join("vamos"),
        plugin: built.join("ha_vamos.so"),
    };
    let stack = LocalStack::start(&MariadbFiles::fetch()?, &programs, LocalOptions::default())?;
    for engine in ["VAMOS", "InnoDB"] {
        stack.server.sql(&format!(
            "CREATE DATABASE {engine}; USE {engine}; {}",
            TABLES.replace("$ENGINE", engine)
        ))?;
    }
    println!(
        "{:<36} {:>8} {:>9} {:>10} {:>9} {:>9}",
        "statement", "requests", "doorbells", "bytes in", "us", "InnoDB us"
    );
    for (name, sql) in STATEMENTS.iter().filter(|(name, _)| name.contains(&filter)) {
        let sql = filled_in(sql);
        let ours = run(&stack.server, "VAMOS", &sql).with_context(|| format!("{name}, VAMOS"))?;
        let theirs = run(&stack.server, "InnoDB", &sql).with_context(|| format!("{name}, InnoDB"))?;
        println!(
            "{name:<36} {:>8} {:>9} {:>10} {:>9} {:>9}",
            ours.requests, ours.doorbells, ours.bytes, ours.micros, theirs.micros
        );
    }
    Ok(())
}

/// Puts the lists in their places.
fn filled_in(sql: &str) -> String {
    let list =
        |make: &dyn Fn(u32) -> String, count, between| (0..count).map(make).collect::<Vec<_>>().join(between);
    sql.replace("$IN100", &list(&|i| (i * 197 + 5).to_string(), 100, ","))
        .replace("$CODES", &list(&|i| (199_990 - i * 191).to_string(), 100, ","))
        .replace(
            "$RANGES",
            &list(
                &|i| format!("price BETWEEN {} AND {}", i * 500, i * 500 + 5),
                20,
                " OR ",
            ),
        )
        .replace(
            "$ROWS",
            &list(&|i| format!("({}, REPEAT('r', 80))", 100_000 + i), 200, ","),
        )
}

/// Runs statements twice in a database and tells what the second run took.
fn run(server: &NativeServer, engine: &str, sql: &str) -> Result<Cost> {
    let around = format!(
        "SHOW GLOBAL STATUS LIKE 'Vamos_%'; SET @begin = SYSDATE(6); {sql}; \
         SELECT 'micros', TIMESTAMPDIFF(MICROSECOND, @begin, SYSDATE(6)); ROLLBACK; \
         SHOW GLOBAL STATUS LIKE 'Vamos_%';"
    );
    let output = server.sql(&format!(
        "USE {engine}; SET autocommit = 0; {sql}; ROLLBACK; {around}"
    ))?;
    let values = |name: &str| -> Vec<u64> {
        let lines = output.lines().filter_map(|line| line.split_once('\t'));
        let found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.filter_map(|(_, value)| value.trim().parse().ok()).collect()
    };
    let difference = |name: &str| match values(name)[..] {
        [before, after] => after - before,
        _ => 0,
    };
    Ok(Cost {
        micros: values("micros").first().copied().unwrap_or_default(),
        requests: difference("Vamos_requests"),
        doorbells: difference("Vamos_doorbells_rung"),
        bytes: difference("Vamos_bytes_received"),
    })
}
