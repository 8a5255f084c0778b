//! `vamos-bench`: what a lane costs, the store through one, and lanes that are idle;
//! each beside a peer in the same run, in turns.
//!
//! Every round is a line of JSON on standard output (a `Pair` of the laboratory's
//! evaluation) and a table of medians with the smallest and largest on standard error.

mod cpu;
mod daemon;
mod idle;
mod lane;
mod report;
mod store;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Parser)]
#[command(about = "Measures lanes, and the store through them, beside their peers")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// A round trip of 64 bytes on two pinned threads, against a bare cache line and
    /// (if built with it) iceoryx2.
    Lane,
    /// Point reads and scans through a lane, against the same store in process.
    Store,
    /// What the host's processors do for 64 open lanes that nobody uses.
    Idle,
    /// All three.
    All,
}

/// How to measure.
#[derive(Args)]
struct Options {
    /// Rounds of each measure.
    #[arg(long, global = true, default_value_t = 10)]
    rounds: u32,
    /// How long each side of a round lasts, in seconds; idle lanes are watched ten
    /// times as long, in a third of the rounds.
    #[arg(long, global = true, default_value_t = 0.25)]
    seconds: f64,
    /// Measure also what no goal is about: doorbells, streams, commits.
    #[arg(long, global = true)]
    more: bool,
    /// The program vamosd. Default: beside this one.
    #[arg(long, global = true)]
    vamosd: Option<PathBuf>,
}

impl Options {
    fn round(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.001, 3600.0))
    }

    fn vamosd(&self) -> Result<PathBuf> {
        match &self.vamosd {
            Some(path) => Ok(path.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("vamosd")),
        }
    }
}

fn main() -> Result<()> {
    let Cli { command, options } = Cli::parse();
    let mut report = Report::default();
    match command {
        Command::Lane => lane::run(&options, &mut report)?,
        Command::Store => store::run(&options, &mut report)?,
        Command::Idle => idle::run(&options, &mut report)?,
        Command::All => {
            lane::run(&options, &mut report)?;
            store::run(&options, &mut report)?;
            idle::run(&options, &mut report)?;
        }
    }
    report.print_table();
    Ok(())
}
