//! `cargo xtask replicate`: replicas of the other engine.

use crate::artifacts::Artifacts;
use anyhow::{Context, Result};
use vamos_lab::local::{LocalOptions, LocalStack};
use vamos_lab::native::{NativeOptions, NativeServer};
use vamos_lab::replication;

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Replicate {
    /// Transactions of each of six writers.
    #[arg(long, default_value_t = 300)]
    rounds: u32,
}

impl Replicate {
    /// Replicates both ways.
    pub(crate) fn run(self) -> Result<()> {
        check_all(&Artifacts::build()?, self.rounds)
    }
}

/// How a replica runs.
struct Way {
    vamos_is_replica: bool,
    mode: &'static str,
    /// The replica writes a binary log of its own.
    logs: bool,
    /// Where the replica notes its position.
    position: &'static str,
}

const WAYS: &[Way] = &[
    Way {
        vamos_is_replica: true,
        mode: "optimistic",
        logs: true,
        position: "VAMOS",
    },
    Way {
        vamos_is_replica: true,
        mode: "optimistic",
        logs: false,
        position: "",
    },
    Way {
        vamos_is_replica: true,
        mode: "conservative",
        logs: false,
        position: "VAMOS",
    },
    Way {
        vamos_is_replica: false,
        mode: "optimistic",
        logs: true,
        position: "",
    },
];

/// Replicates every way.
pub(crate) fn check_all(artifacts: &Artifacts, rounds: u32) -> Result<()> {
    for way in WAYS {
        let name = format!(
            "{} replica, {}, {}, position in {}",
            if way.vamos_is_replica { "VAMOS" } else { "InnoDB" },
            way.mode,
            if way.logs { "with a log" } else { "without a log" },
            if way.position.is_empty() {
                "the default"
            } else {
                way.position
            },
        );
        let caught_up = replicate(artifacts, way, rounds).with_context(|| name.clone())?;
        println!(
            "{name}: {} transactions in {:.1} s, {} tried again",
            caught_up.transactions,
            caught_up.time.as_secs_f64(),
            caught_up.retries
        );
    }
    Ok(())
}

fn replicate(artifacts: &Artifacts, way: &Way, rounds: u32) -> Result<replication::CaughtUp> {
    let port = replication::free_port()?;
    let primary_args = ["--server-id=1", "--log-bin=binlog", "--binlog-format=ROW"];
    let mut replica_args = vec!["--server-id=2".to_owned()];
    if way.logs {
        replica_args
            .extend(["--log-bin=binlog", "--log-slave-updates", "--sync-binlog=1"].map(str::to_owned));
    }
    if !way.position.is_empty() {
        replica_args.push(format!("--gtid-pos-auto-engines={}", way.position));
    }
    let primary_args: Vec<_> = primary_args.map(str::to_owned).into();
    let (vamos_args, innodb_args) = match way.vamos_is_replica {
        true => (replica_args, primary_args),
        false => (primary_args, replica_args),
    };
    let vamos = LocalStack::start(
        &artifacts.mariadb,
        &artifacts.programs,
        LocalOptions {
            mariadb_args: vamos_args,
            port: (!way.vamos_is_replica).then_some(port),
            ..LocalOptions::default()
        },
    )?;
    let innodb = NativeServer::start(
        &artifacts.mariadb,
        NativeOptions {
            args: innodb_args,
            port: way.vamos_is_replica.then_some(port),
            ..NativeOptions::default()
        },
    )?;
    replication::make_tables(&vamos.server.socket(), "VAMOS")?;
    replication::make_tables(&innodb.socket(), "InnoDB")?;
    let (primary, replica) = match way.vamos_is_replica {
        true => (innodb.socket(), vamos.server.socket()),
        false => (vamos.server.socket(), innodb.socket()),
    };
    replication::run(&primary, port, &replica, way.mode, rounds)
}
