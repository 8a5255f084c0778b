//! The developer's commands. `cargo xtask help` lists them.

mod artifacts;
mod bench;
mod demo;
mod eval;
mod fuzz;
mod isolation;
mod kill;
mod kinds;
mod local;
mod mtr;
mod replicate;
mod sql;
mod steps;
mod test;
mod upkeep;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, shows and tests VAMOS. What a command needs from Debian it installs
/// itself (as root), saying what.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Boots a stock Debian guest whose MariaDB keeps its tables on this host,
    /// and runs a real workload on VAMOS and on InnoDB side by side.
    Demo(demo::Demo),
    /// Runs every test: formatting, lints, unit, property and model tests, the
    /// engine on a real MariaDB, crashes, and a real guest.
    Test(test::Test),
    /// Starts MariaDB and vamosd on this machine, without a guest, and prints
    /// how to connect.
    Local(local::Local),
    /// Runs the SQL scripts on VAMOS and on InnoDB and compares what they print.
    Sql(sql::Sql),
    /// Makes programs of SQL statements from seeds, runs them on VAMOS and on
    /// InnoDB and compares what the engines answer.
    Fuzz(fuzz::Fuzz),
    /// Runs MariaDB's own test suites on VAMOS and on MyRocks, with InnoDB as the
    /// oracle, and prints the score.
    Mtr(mtr::Mtr),
    /// Plays the anomalies that isolation levels admit or prevent, on VAMOS and on
    /// InnoDB, and compares.
    Isolation(isolation::Isolation),
    /// Kills workers and guests while they commit and checks every acknowledged
    /// row.
    Kill(kill::Kill),
    /// Replicates from InnoDB to VAMOS and back, with conflicting writers, and
    /// compares all rows.
    Replicate(replicate::Replicate),
    /// Checks kinds of tables where files are lost, servers restart and workers
    /// die.
    Kinds(kinds::Kinds),
    /// Damages tables and sees CHECK TABLE find it, while others write.
    Upkeep,
    /// Measures lanes and the store through them beside a bare cache line, iceoryx2
    /// and the store in process.
    Bench,
    /// Measures VAMOS, InnoDB and MyRocks side by side, natively and in guests, and
    /// draws a report.
    Eval(eval::Eval),
    /// Builds the programs and the engine plugin (optimised) and prints where
    /// they are.
    Build,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Test(test) => test.run(),
        Command::Local(local) => local.run(),
        Command::Sql(sql) => sql.run(),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Mtr(mtr) => mtr.run(),
        Command::Isolation(isolation) => isolation.run(),
        Command::Kill(kill) => kill.run(),
        Command::Replicate(replicate) => replicate.run(),
        Command::Kinds(kinds) => kinds.run(),
        Command::Eval(eval) => eval.run(),
        Command::Upkeep => artifacts::Artifacts::build().and_then(|built| upkeep::run(&built)),
        Command::Bench => bench::run(),
        Command::Build => artifacts::Artifacts::build().map(|built| println!("{built}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
