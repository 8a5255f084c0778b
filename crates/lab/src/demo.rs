//! The demonstration: a real workload in a stock guest, on VAMOS and on InnoDB.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, sync::Arc, time::Duration};

use anyhow::{Context, Result};

use crate::{
    guest_stack::{GuestStack, GuestStackOptions},
    kills::{self, ClientFactory, Verdict, Writers},
    local::Programs,
    mariadb_files::MariadbFiles,
    native,
    run_dir::RunDir,
    workload::debian_index::{self, DebianIndex},
};

mod measure;
mod report;
mod requests;

pub use measure::{Engine, Measurement};
pub use report::Report;

use requests::Request;

/// How long writers commit before the guest is killed.
const COMMITS_BEFORE_KILL: usize = 50;

/// How much of the workload to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of the package index, and cold caches before the ranges.
    Full,
    /// Some thousand packages, for a test.
    Small,
}

/// A demonstration under way: the guest is up and has both engines' tables.
#[derive(Debug)]
pub struct Demonstration {
    /// The guest and the daemon.
    pub stack: GuestStack,
    mariadb: MariadbFiles,
    index: DebianIndex,
    _files: RunDir,
}

impl Demonstration {
    /// Reads the machine's package index, boots the guest and makes the tables.
    ///
    /// # Errors
    /// If a part of it does not come up.
    pub fn prepare(programs: &Programs, mariadb: &MariadbFiles, extent: Extent) -> Result<Self> {
        let files = RunDir::create("data")?;
        let limit = match extent {
            Extent::Full => None,
            Extent::Small => Some(3_000),
        };
        let index = debian_index::write(files.path(), limit)?;
        println!(
            "demo: {} packages and {} dependencies from this machine's package index",
            index.packages.rows, index.dependencies.rows
        );
        let options = GuestStackOptions {
            data: vec![index.packages.path.clone(), index.dependencies.path.clone()],
            ..GuestStackOptions::default()
        };
        let mut stack = GuestStack::start(programs, mariadb, &options)?;
        println!(
            "demo: the guest is up after {:.0} s; making the tables",
            stack.vm.boot_time().as_secs_f64()
        );
        for engine in [Engine::Vamos, Engine::InnoDb] {
            stack.vm.sql(&format!(
                "CREATE DATABASE {0}; USE {0};\n{1}",
                engine.database(),
                requests::SCHEMA.replace("$ENGINE", engine.name())
            ))?;
        }
        Ok(Self {
            stack,
            mariadb: mariadb.clone(),
            index,
            _files: files,
        })
    }

    /// Runs every request on both engines.
    ///
    /// # Errors
    /// If a statement fails on either of them.
    pub fn run(&mut self) -> Result<Report> {
        let loads = requests::loads(self.index.packages.bytes()?, self.index.dependencies.bytes()?);
        let mut measurements = self.measure_all(&loads)?;
        self.analyze()?;
        println!("demo: cooling down: MariaDB and the worker start anew, the guest's page cache is dropped");
        self.stack.cool_down()?;
        measurements.extend(self.measure_all(&requests::requests(self.index.packages.rows))?);
        Ok(Report::new(self.stack.vm.accelerator().to_string(), measurements))
    }

    fn measure_all(&mut self, requests: &[Request]) -> Result<Vec<Measurement>> {
        let mut all = Vec::new();
        for request in requests {
            for engine in [Engine::InnoDb, Engine::Vamos] {
                let measured = measure::measure(&mut self.stack, request, engine)?;
                println!(
                    "demo: {:<32} {:<6} {:>8} rows {:>8} kicks {:>8} ms",
                    request.name,
                    engine.name(),
                    measured.rows,
                    measured.kicks,
                    measured.wall_ms
                );
                all.push(measured);
            }
        }
        Ok(all)
    }

    /// Lets both engines know their data, so that plans are alike, and InnoDB
    /// write its pages, so that its background writes do not count later.
    fn analyze(&mut self) -> Result<()> {
        for engine in [Engine::Vamos, Engine::InnoDb] {
            self.stack.vm.sql(&format!(
                "USE {}; ANALYZE TABLE packages, dependencies;",
                engine.database()
            ))?;
        }
        Ok(())
    }

    /// Kills the guest without warning while connections commit, boots it again
    /// and looks for every acknowledged row; so many times.
    ///
    /// # Errors
    /// If the guest or the service does not come back.
    pub fn kill_guest(&mut self, rounds: u32, writers: usize) -> Result<Verdict> {
        self.stack.vm.sql_from_host(&kills::schema("VAMOS"))?;
        let client = self.client()?;
        let mut acked = BTreeSet::new();
        let mut verdict = Verdict::default();
        for round in 1..=rounds {
            let first = u64::from(round) << 32;
            let running = Writers::start(writers, first, &client);
            running.wait_for(COMMITS_BEFORE_KILL, Duration::from_secs(120))?;
            self.stack.vm.kill();
            acked.extend(running.finish());
            self.stack.vm.boot_again()?;
            self.stack.wait_for("SELECT COUNT(*) FROM demo_vamos.orders")?;
            verdict = kills::verify(&acked, |statements| self.stack.vm.sql_from_host(statements))?;
            println!(
                "kill {round} of {rounds} of the guest: {} transactions acknowledged, {} lost, {} by half",
                verdict.acknowledged, verdict.lost, verdict.half
            );
            if !verdict.is_clean() {
                break;
            }
        }
        Ok(verdict)
    }

    /// Makes clients on this host that reach the guest's MariaDB.
    fn client(&self) -> Result<ClientFactory> {
        let port = self
            .stack
            .vm
            .mysql_port()
            .context("the guest has no forwarded MySQL port")?;
        let files = self.mariadb.clone();
        Ok(Arc::new(move || -> Command {
            native::client_on_port(&files, port)
        }))
    }

    /// The file to which the daemon logs, for someone who looks further.
    #[must_use]
    pub fn daemon_log(&self) -> PathBuf {
        fs::canonicalize(self.stack.daemon.log()).unwrap_or_else(|_| self.stack.daemon.log().to_path_buf())
    }
}
