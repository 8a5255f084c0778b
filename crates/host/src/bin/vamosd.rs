//! `vamosd`: the supervisor; and, started by it, the worker.

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use vamos_host::config::{Config, DEFAULT_CONFIG_PATH, EXAMPLE};
use vamos_host::supervisor::{self, SupervisorOptions};
use vamos_host::{logging, worker};

/// Runs storage engines on the host for databases in virtual machines: one
/// confined worker process for each guest.
///
/// SIGTERM or SIGINT finishes cleanly. `vamos status` shows how it is.
#[derive(Debug, Parser)]
#[command(name = "vamosd", version)]
struct Arguments {
    /// The configuration; `vamosd example-config` prints one with every key.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG_PATH, global = true)]
    config: PathBuf,
    /// What is logged, in place of the configuration's `log`: error, warn, info,
    /// debug, trace, or finer, as "info,vamos_host::worker=debug".
    #[arg(long, value_name = "FILTER", global = true)]
    log: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Says what is wrong with the configuration, and what each guest would get.
    CheckConfig,
    /// Prints a commented configuration with every key.
    ExampleConfig,
    /// Serves one guest; started by vamosd itself.
    #[command(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vamosd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    match arguments.command {
        None => supervise(arguments),
        Some(Command::CheckConfig) => {
            let config = Config::load(&arguments.config)?;
            print_summary(&config);
            Ok(())
        }
        Some(Command::ExampleConfig) => {
            print!("{EXAMPLE}");
            Ok(())
        }
        Some(Command::Worker) => worker::main(),
    }
}

fn supervise(arguments: &Arguments) -> Result<()> {
    let config = Config::load(&arguments.config)?;
    if let Some(filter) = &arguments.log {
        logging::check_filter(filter).map_err(|problem| anyhow::anyhow!("--log {problem}"))?;
    }
    let filter = logging::start(arguments.log.as_deref(), &config.global.log);
    // This very program, also after its file was replaced by an update, and for a
    // worker's user who may not look into the directory where it lies.
    let program = "/proc/self/exe".into();
    supervisor::run(
        config,
        &SupervisorOptions {
            program,
            log: Some(filter),
        },
    )
}

fn print_summary(config: &Config) {
    println!("status socket: {}", config.global.status_socket().display());
    for guest in &config.guests {
        println!(
            "guest {}: listens on {}, window {}, store in {}",
            guest.name,
            guest.listen,
            guest.window,
            guest.store_dir(&config.global).display()
        );
    }
    println!("the configuration is good");
}
