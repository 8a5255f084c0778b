//! `vamos`: what an operator types.

mod backup;
mod prometheus;
mod report;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use vamos_host::config::DEFAULT_STATUS_SOCKET;

/// Asks a running vamosd, and looks after backups.
#[derive(Debug, Parser)]
#[command(name = "vamos", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows guests, lanes, requests, doorbells, cache and store.
    Status {
        /// vamosd's status socket: `status_socket` in its configuration.
        #[arg(long, value_name = "PATH", default_value = DEFAULT_STATUS_SOCKET)]
        socket: PathBuf,
        /// Prints all that is known, as JSON.
        #[arg(long)]
        json: bool,
        /// Prints all numbers in Prometheus' text format, for its node exporter's
        /// textfile collector.
        #[arg(long, conflicts_with = "json")]
        prometheus: bool,
    },
    /// Backs up a guest's store while it serves; or lists and verifies backups.
    Backup(backup::Backup),
    /// Makes a store from a backup.
    Restore(backup::Restore),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vamos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let text = match &arguments.command {
        Command::Status {
            socket,
            json,
            prometheus,
        } => {
            let status = vamos_host::supervisor::ask(socket)?;
            match (json, prometheus) {
                (true, _) => serde_json::to_string_pretty(&status)?,
                (_, true) => prometheus::metrics(&status)?,
                _ => report::report(&status),
            }
        }
        Command::Backup(backup) => backup.run()?,
        Command::Restore(restore) => restore.run()?,
    };
    // A reader that has seen enough (`| head`) is no error.
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
