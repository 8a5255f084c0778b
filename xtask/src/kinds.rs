//! `cargo xtask kinds`: kinds of tables in situations that an SQL script cannot
//! make: files that are lost, restarts, connections that wait for each other, workers
//! that die, schema changes beside writers.

mod alter;
mod foreign;
mod leftovers;
mod lifetimes;
mod lock_views;
mod lost_files;
mod old_files;
mod prepared;

use crate::artifacts::Artifacts;
use anyhow::{Context, Result, ensure};
use std::time::Instant;
use vamos_lab::local::{LocalOptions, LocalStack};

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Kinds {
    /// Only checks whose name contains this.
    filter: Option<String>,
}

impl Kinds {
    /// Runs the checks.
    pub(crate) fn run(self) -> Result<()> {
        check_all(&Artifacts::build()?, self.filter.as_deref())
    }
}

type Check = (&'static str, fn(&mut LocalStack) -> Result<()>);

const CHECKS: &[&[Check]] = &[
    lost_files::CHECKS,
    lifetimes::CHECKS,
    alter::CHECKS,
    old_files::CHECKS,
    leftovers::CHECKS,
    prepared::CHECKS,
    lock_views::CHECKS,
    foreign::CHECKS,
];

/// Runs the checks whose name contains `filter`, on one MariaDB.
pub(crate) fn check_all(artifacts: &Artifacts, filter: Option<&str>) -> Result<()> {
    let mut stack = LocalStack::start(&artifacts.mariadb, &artifacts.programs, LocalOptions::default())?;
    for (name, check) in CHECKS.iter().copied().flatten() {
        if filter.is_some_and(|filter| !name.contains(filter)) {
            continue;
        }
        let start = Instant::now();
        stack.server.sql("CREATE OR REPLACE DATABASE kinds")?;
        check(&mut stack).with_context(|| format!("kinds: {name}"))?;
        println!("kinds {name:<50} {:>5.1} s  ok", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Runs statements in the checks' database and compares what they print.
fn expect(stack: &LocalStack, statements: &str, expected: &str) -> Result<()> {
    let got = stack.server.sql(&format!("USE kinds; {statements}"))?;
    ensure!(
        got.trim_end() == expected,
        "{statements}\n  printed  {got:?}\n  expected {expected:?}"
    );
    Ok(())
}

/// Runs a statement that must fail with an error that contains `error`.
fn expect_error(stack: &LocalStack, statement: &str, error: &str) -> Result<()> {
    let got = match stack.server.sql(&format!("USE kinds; {statement}")) {
        Ok(printed) => format!("no error, but {printed:?}"),
        Err(error) => format!("{error:#}"),
    };
    ensure!(
        got.contains(error),
        "{statement}\n  gave {got}\n  expected {error}"
    );
    Ok(())
}
