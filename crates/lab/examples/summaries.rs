//! What summing up on the host is worth, on this machine without a guest.
//!
//! `cargo run --release -p vamos-lab --example summaries -- TARGET_DIR/release`
//! after `cargo xtask build`. Each query runs in turn with and without
//! `vamos_pushdown=summary` on the same table of half a million rows, five times
//! each; the medians and their ratio are printed. Both must give the same result.

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use vamos_lab::local::{LocalOptions, LocalStack, Programs};
use vamos_lab::mariadb_files::MariadbFiles;
use vamos_lab::native::NativeServer;

const TABLE: &str = "CREATE DATABASE d; USE d;
CREATE TABLE sale (id INT PRIMARY KEY, shop SMALLINT NOT NULL, day DATE NOT NULL, amount INT,
    price DECIMAL(10,2) NOT NULL, note VARCHAR(200), KEY by_shop (shop, amount)) ENGINE=VAMOS;
INSERT INTO sale SELECT seq, seq MOD 90, '2020-01-01' + INTERVAL seq MOD 700 DAY, NULLIF(seq MOD 17, 3),
    seq MOD 99991 / 100, REPEAT('n', seq MOD 100) FROM seq_1_to_500000;
ANALYZE TABLE sale;";

const QUERIES: &[&str] = &[
    "SELECT COUNT(*) FROM sale",
    "SELECT SUM(price), AVG(price), MIN(day), MAX(day) FROM sale",
    "SELECT SUM(amount), MAX(shop) FROM sale",
    "SELECT COUNT(*), SUM(price) FROM sale WHERE price > 100 AND note IS NOT NULL",
    "SELECT COUNT(*), SUM(price) FROM sale WHERE day = '2020-05-05'",
    "SELECT shop, COUNT(*), SUM(amount) FROM sale GROUP BY shop",
    "SELECT day, COUNT(*), SUM(price) FROM sale GROUP BY day ORDER BY day",
    "SELECT shop, day, SUM(price) FROM sale GROUP BY shop, day ORDER BY shop, day",
];

const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let built = PathBuf::from(
        std::env::args()
            .nth(1)
            .context("which directory has the programs?")?,
    );
    let programs = Programs {
        vamosd: built.join("vamosd"),
        vamos: built.join("vamos"),
        plugin: built.join("ha_vamos.so"),
    };
    let stack = LocalStack::start(&MariadbFiles::fetch()?, &programs, LocalOptions::default())?;
    stack.server.sql(TABLE)?;
    println!("{:>10} {:>10} {:>6}  query", "server us", "host us", "ratio");
    for query in QUERIES {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (server, theirs) = run(&stack.server, "condition,index_condition", query)?;
            let (host, ours) = run(&stack.server, "condition,index_condition,summary", query)?;
            ensure!(theirs == ours, "{query} gives another result on the host");
            without.push(server);
            with.push(host);
        }
        let (without, with) = (median(without), median(with));
        let ratio = without as f64 / with.max(1) as f64;
        println!("{without:>10} {with:>10} {ratio:>6.1}  {query}");
    }
    Ok(())
}

/// How many microseconds a query took, and what came.
fn run(server: &NativeServer, pushdown: &str, query: &str) -> Result<(u64, String)> {
    let output = server.sql(&format!(
        "USE d; SET vamos_pushdown = '{pushdown}'; SET @begin = SYSDATE(6); {query};
         SELECT 'micros', TIMESTAMPDIFF(MICROSECOND, @begin, SYSDATE(6))"
    ))?;
    let (result, time) = output
        .rsplit_once("micros\t")
        .context("the server told no time")?;
    let micros = time.trim().parse().context("the server told a strange time")?;
    Ok((micros, result.to_owned()))
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times[times.len() / 2]
}
