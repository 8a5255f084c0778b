//! `cargo xtask test`: everything that can be tested, with one command.

use crate::artifacts::{Artifacts, BUILD_PACKAGES, plugin_env};
use crate::steps::{Steps, cargo, cargo_with};
use crate::{demo, fuzz, isolation, kill, kinds, mtr, replicate, sql, upkeep};
use anyhow::Result;
use vamos_lab::mariadb_files::MariadbFiles;
use vamos_lab::packages;

/// Kills of the worker in the test run; `cargo xtask kill` does more.
const WORKER_KILLS: u32 = 20;

/// Kills of server, worker or both in the test run.
const BINLOG_KILLS: u32 = 9;

/// Transactions of each writer that are replicated in the test run.
const REPLICATED: u32 = 100;

/// Kills of the guest in the test run.
const GUEST_KILLS: u32 = 2;

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// Leave out what needs a virtual machine.
    #[arg(long)]
    no_guest: bool,
}

impl Test {
    /// Runs all steps; the first that fails ends it.
    pub(crate) fn run(self) -> Result<()> {
        let mut steps = Steps::new(if self.no_guest { 15 } else { 17 });
        steps.run("packages and MariaDB's files", || {
            packages::ensure(BUILD_PACKAGES)?;
            MariadbFiles::fetch().map(drop)
        })?;
        let env = plugin_env(&MariadbFiles::fetch()?);
        steps.run("formatting", || cargo(&["fmt", "--all", "--check"]))?;
        steps.run("lints", || {
            cargo_with(
                &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
                &env,
            )
        })?;
        steps.run("unit, property and conformance tests", || {
            cargo_with(&["test", "--workspace"], &env)
        })?;
        steps.run("models of the ring and of the hand-over", model_tests)?;
        let artifacts = steps.run("optimised build", Artifacts::build)?;
        steps.run("SQL on VAMOS and InnoDB", || sql::compare_all(&artifacts, None))?;
        steps.run("isolation levels on VAMOS and InnoDB", || {
            isolation::compare_all(&artifacts, None)
        })?;
        steps.run(
            "programs from seeds on VAMOS and InnoDB, many connections",
            || fuzz::fixed(&artifacts),
        )?;
        steps.run("tables of every kind, where files are lost", || {
            kinds::check_all(&artifacts, None)
        })?;
        steps.run("MariaDB's own tests of engines", || mtr::engines(&artifacts))?;
        steps.run("upkeep of damaged tables", || upkeep::run(&artifacts))?;
        steps.run("kill -9 of the worker during commits", || {
            kill::workers(&artifacts, WORKER_KILLS)
        })?;
        steps.run(
            "kill -9 of server and worker during commits with the binary log",
            || kill::with_binlog(&artifacts, BINLOG_KILLS),
        )?;
        steps.run("replication between VAMOS and InnoDB", || {
            replicate::check_all(&artifacts, REPLICATED)
        })?;
        if !self.no_guest {
            steps.run("a guest from end to end", || demo::small(&artifacts))?;
            steps.run("kill -9 of the guest during commits", || {
                kill::guests(&artifacts, GUEST_KILLS)
            })?;
        }
        println!("\nAll tests passed.");
        Ok(())
    }
}

/// The loom models: a build of their own, in which every interleaving of a few
/// threads is tried.
fn model_tests() -> Result<()> {
    let target = vamos_lab::paths::workspace()
        .join("target/loom")
        .display()
        .to_string();
    let env = [
        ("RUSTFLAGS", "--cfg loom".to_owned()),
        ("CARGO_TARGET_DIR", target),
    ];
    cargo_with(
        &["test", "--release", "-p", "vamos-channel", "--lib", "loom"],
        &env,
    )
}
