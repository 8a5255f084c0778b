//! Debian's sysbench as the source of load: its own OLTP tests, and scripts of
//! ours for what it has none for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::sample::Latency;
use crate::{command, packages};

/// The scripts of ours, by their names.
const SCRIPTS: &[(&str, &str)] = &[
    ("rows", include_str!("lua/rows.lua")),
    ("tpcc", include_str!("lua/tpcc.lua")),
    ("ycsb", include_str!("lua/ycsb.lua")),
];

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// On a Unix socket.
    Socket(PathBuf),
    /// On a port of the loopback interface.
    Port(u16),
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// After so many seconds.
    Seconds(f64),
    /// After so many transactions, all threads together.
    Events(u64),
}

/// One run of a script.
#[derive(Clone, Debug)]
pub struct Load {
    /// The name of one of sysbench's own tests, or of a script of ours.
    pub script: String,
    /// Connections at once.
    pub threads: u32,
    /// When it ends.
    pub extent: Extent,
    /// The script's options, as names and values.
    pub options: Vec<(String, String)>,
    /// The seed of its random numbers.
    pub seed: u64,
}

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Transactions that were completed.
    pub transactions: u64,
    /// Statements, BEGIN and COMMIT among them.
    pub queries: u64,
    /// Deadlocks and lock waits that timed out: their transactions ran again.
    pub ignored_errors: u64,
    /// From the first to the last, in seconds.
    pub seconds: f64,
    /// Of a transaction.
    pub latency: Latency,
}

/// sysbench with our scripts.
#[derive(Debug)]
pub struct Sysbench {
    scripts: PathBuf,
}

impl Sysbench {
    /// Installs sysbench and writes our scripts into the directory `scripts`.
    ///
    /// # Errors
    /// If the package or the directory can't be had.
    pub fn install(scripts: &Path) -> Result<Self> {
        packages::ensure(&["sysbench"])?;
        fs::create_dir_all(scripts).with_context(|| format!("cannot create {}", scripts.display()))?;
        for (name, text) in SCRIPTS {
            fs::write(scripts.join(format!("{name}.lua")), text)
                .context("cannot write a script of sysbench")?;
        }
        Ok(Self {
            scripts: scripts.to_path_buf(),
        })
    }

    /// Makes the tables of one of sysbench's own tests.
    ///
    /// # Errors
    /// If a statement fails: with sysbench's words.
    pub fn prepare(&self, target: &Target, load: &Load) -> Result<()> {
        let mut command = self.command(target, load);
        command::run(command.arg("prepare"), &format!("prepare {}", load.script))
    }

    /// Runs a load to its end.
    ///
    /// # Errors
    /// If a statement fails: with sysbench's words.
    pub fn run(&self, target: &Target, load: &Load) -> Result<Outcome> {
        let mut command = self.command(target, load);
        match load.extent {
            Extent::Seconds(seconds) => command.args(["--events=0", &format!("--time={}", seconds.ceil())]),
            Extent::Events(events) => command.args(["--time=0", &format!("--events={events}")]),
        };
        let text = command::output(
            command.args(["--histogram=on", "run"]),
            &format!("run {}", load.script),
        )?;
        parse(&text).with_context(|| format!("sysbench printed something else than a report:\n{text}"))
    }

    fn command(&self, target: &Target, load: &Load) -> Command {
        let own = self.scripts.join(format!("{}.lua", load.script));
        let mut command = Command::new("sysbench");
        match own.exists() {
            true => command.arg(own),
            false => command.arg(&load.script),
        };
        command.args(["--db-driver=mysql", "--mysql-user=root", "--mysql-db=eval"]);
        match target {
            Target::Socket(path) => command.arg(format!("--mysql-socket={}", path.display())),
            Target::Port(port) => command
                .arg("--mysql-host=127.0.0.1")
                .arg(format!("--mysql-port={port}")),
        };
        command
            .arg(format!("--threads={}", load.threads))
            .arg(format!("--rand-seed={}", load.seed))
            .args(["--rand-type=uniform", "--percentile=99"])
            .args(
                load.options
                    .iter()
                    .map(|(name, value)| format!("--{name}={value}")),
            );
        command
    }
}

/// Reads the report of sysbench 1.0.
fn parse(text: &str) -> Option<Outcome> {
    let number = |label: &str| {
        let rest = text.lines().find_map(|line| line.trim().strip_prefix(label))?;
        let digits: String = rest
            .trim()
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        digits.parse::<f64>().ok()
    };
    let whole = |label: &str| number(label).map(|value| value as u64);
    Some(Outcome {
        transactions: whole("transactions:").or_else(|| whole("total number of events:"))?,
        queries: whole("queries:")?,
        ignored_errors: whole("ignored errors:")?,
        seconds: number("total time:")?,
        latency: percentiles(&histogram(text))?,
    })
}

/// The buckets of the report's histogram: the upper end in microseconds, and how
/// many fell into it.
fn histogram(text: &str) -> Vec<(f64, u64)> {
    let bucket = |line: &str| {
        let (value, rest) = line.trim().split_once(" |")?;
        let count = rest.rsplit(' ').next()?.parse().ok()?;
        Some((value.parse::<f64>().ok()? * 1000.0, count))
    };
    text.lines().filter_map(bucket).collect()
}

fn percentiles(buckets: &[(f64, u64)]) -> Option<Latency> {
    let total: u64 = buckets.iter().map(|bucket| bucket.1).sum();
    let at = |share: f64| {
        let mut left = (total as f64 * share).ceil() as u64;
        for (value, count) in buckets {
            left = left.saturating_sub(*count);
            if left == 0 {
                return Some(*value);
            }
        }
        None
    };
    Some(Latency {
        p50: at(0.5)?,
        p99: at(0.99)?,
        p999: at(0.999)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
Latency histogram (values are in milliseconds)
       value  ------------- distribution ------------- count
       0.100 |****************************************** 989
       0.200 |*                                        9
      10.500 |                                         2
 
SQL statistics:
    queries performed:
        read:                            1000
        total:                           1000
    transactions:                        1000   (999.12 per sec.)
    queries:                             20000  (19982.4 per sec.)
    ignored errors:                      3      (2.99 per sec.)
    reconnects:                          0      (0.00 per sec.)

General statistics:
    total time:                          1.0008s
    total number of events:              1000
";

    #[test]
    fn a_report_is_read() {
        let outcome = parse(REPORT).expect("a report");
        assert_eq!(
            (outcome.transactions, outcome.queries, outcome.ignored_errors),
            (1000, 20000, 3)
        );
        assert!((outcome.seconds - 1.0008).abs() < 1e-9);
        assert_eq!(
            outcome.latency,
            Latency {
                p50: 100.0,
                p99: 200.0,
                p999: 10500.0
            }
        );
    }
}
