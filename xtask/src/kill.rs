//! `cargo xtask kill`: nothing acknowledged is ever lost.

use crate::artifacts::Artifacts;
use crate::demo;
use anyhow::{Context, Result, ensure};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_lab::binlog_kills::{self, Committers};
use vamos_lab::kills::{self, ClientFactory, Writers};
use vamos_lab::local::{LocalOptions, LocalStack};
use vamos_lab::{copy_kills, native, rename_kills, xa_kills};

/// Connections that commit at once.
const WRITERS: usize = 4;

/// Acknowledgements between two kills of a worker, at least.
const BETWEEN_KILLS: usize = 20;

/// How long the service may take to come back after a kill.
const COMES_BACK: Duration = Duration::from_secs(30);

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Kill {
    /// How often to kill the worker.
    #[arg(long, default_value_t = 100)]
    workers: u32,
    /// How often to kill the guest.
    #[arg(long, default_value_t = 20)]
    guests: u32,
    /// How often to kill the server, the worker, or both, while transactions
    /// commit with the binary log.
    #[arg(long, default_value_t = 30)]
    binlog: u32,
}

impl Kill {
    /// Kills and checks.
    pub(crate) fn run(self) -> Result<()> {
        let artifacts = Artifacts::build()?;
        if self.workers > 0 {
            workers(&artifacts, self.workers)?;
        }
        if self.guests > 0 {
            guests(&artifacts, self.guests)?;
        }
        if self.binlog > 0 {
            with_binlog(&artifacts, self.binlog)?;
        }
        Ok(())
    }
}

/// Kills the worker so many times while connections commit.
pub(crate) fn workers(artifacts: &Artifacts, rounds: u32) -> Result<()> {
    let stack = LocalStack::start(&artifacts.mariadb, &artifacts.programs, LocalOptions::default())?;
    rename_kills::check(&stack)?;
    copy_kills::check(&stack)?;
    stack.server.sql(&kills::schema("VAMOS"))?;
    let (socket, files) = (stack.server.socket(), artifacts.mariadb.clone());
    let client: ClientFactory = Arc::new(move || native::client_on_socket(&files, &socket));
    let writers = Writers::start(WRITERS, 1, &client);
    let start = Instant::now();
    for round in 1..=rounds {
        writers
            .wait_for(BETWEEN_KILLS, COMES_BACK)
            .with_context(|| format!("after kill {}", round - 1))?;
        // Some kills come in the middle of things, some right after a restart.
        std::thread::sleep(Duration::from_millis(u64::from(round * 37 % 60)));
        stack.daemon.kill_worker()?;
        if round % 10 == 0 || round == rounds {
            println!(
                "kill {round:>3} of {rounds}: {} transactions acknowledged, {} failed, {:.0} s",
                writers.acknowledged(),
                writers.failures(),
                start.elapsed().as_secs_f64()
            );
        }
    }
    writers
        .wait_for(BETWEEN_KILLS, COMES_BACK)
        .context("after the last kill")?;
    let acked = writers.finish();
    report(
        "worker",
        rounds,
        kills::verify(&acked, |statements| stack.server.sql(statements))?,
    )
}

/// Kills the guest so many times while connections commit, and boots it again.
pub(crate) fn guests(artifacts: &Artifacts, rounds: u32) -> Result<()> {
    report("guest", rounds, demo::kill_guests(artifacts, rounds, WRITERS)?)
}

/// Kills the server, the worker, or both at once, so many times while connections
/// commit with the binary log; then compares engines and log.
pub(crate) fn with_binlog(artifacts: &Artifacts, rounds: u32) -> Result<()> {
    let options = LocalOptions {
        mariadb_args: binlog_kills::SERVER_ARGS
            .iter()
            .map(ToString::to_string)
            .collect(),
        ..LocalOptions::default()
    };
    let mut stack = LocalStack::start(&artifacts.mariadb, &artifacts.programs, options)?;
    xa_kills::check(&mut stack)?;
    binlog_kills::make_tables(&stack.server, "VAMOS")?;
    // What the XA transactions wrote is not the log's matter here.
    stack.server.sql("RESET MASTER")?;
    let committers = Committers::start(WRITERS, &stack.server.socket());
    for round in 1..=rounds {
        committers
            .wait_for(BETWEEN_KILLS, COMES_BACK)
            .with_context(|| format!("after kill {}", round - 1))?;
        std::thread::sleep(Duration::from_millis(u64::from(round * 37 % 60)));
        let (server, worker) = [(true, false), (false, true), (true, true)][round as usize % 3];
        if worker {
            stack.daemon.kill_worker()?;
        }
        if server {
            stack.server.kill();
            stack.server.start_again()?;
        }
        if round % 10 == 0 || round == rounds {
            println!(
                "kill {round:>3} of {rounds}: {} transactions acknowledged",
                committers.acknowledged()
            );
        }
    }
    committers
        .wait_for(BETWEEN_KILLS, COMES_BACK)
        .context("after the last kill")?;
    let acked = committers.finish();
    let found = binlog_kills::verify(&stack.server, &acked)?;
    binlog_kills::compare_with_log(&stack.server, &artifacts.mariadb)?;
    println!(
        "{rounds} kills of server, worker or both with the binary log: {} transactions acknowledged, all there; \
         {found} there, as InnoDB and the log have it",
        acked.len()
    );
    Ok(())
}

fn report(what: &str, rounds: u32, verdict: kills::Verdict) -> Result<()> {
    println!(
        "{rounds} kills of the {what}: {} transactions acknowledged, {} lost, {} by half ({} there without \
         an acknowledgement)",
        verdict.acknowledged, verdict.lost, verdict.half, verdict.unacknowledged
    );
    ensure!(
        verdict.is_clean(),
        "an acknowledged transaction was lost, or one is there by half"
    );
    Ok(())
}
