//! An arm in a guest: a fresh boot of the guest image with the engine's data on
//! the arm's storage, and for VAMOS a worker on this host.
//!
//! [`GuestArm::begin`] and [`GuestArm::end`] are the marks between which is
//! counted; the load comes from this host, through [`GuestArm::port`].

mod conf;
mod count;
mod durability;
mod host;
mod start;

pub use count::{Counted, Mark};
pub use start::{GuestOptions, GuestStart, Prepared, unavailable};

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use self::{count::Counts, host::Seat};
use super::{
    arm::{Arm, Bed},
    sysbench::Target,
};
use crate::{
    run_dir::RunDir,
    vm::{Accelerator, Vm},
};

/// The longest that the store may take to answer after a start.
const STORE_LIMIT: Duration = Duration::from_secs(60);

/// The longest that is waited for a guest to come to rest after its start.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

/// For so long a guest that has come to rest does nothing.
const QUIET_SECONDS: u32 = 3;

/// A running guest. Dropping it takes it down.
#[derive(Debug)]
pub struct GuestArm {
    /// The guest.
    pub vm: Vm,
    arm: Arm,
    options: GuestOptions,
    seat: Option<Seat>,
    _dir: RunDir,
}

impl GuestArm {
    /// What it runs.
    #[must_use]
    pub fn arm(&self) -> Arm {
        self.arm
    }

    /// What runs it.
    #[must_use]
    pub fn bed(&self) -> Bed {
        match self.vm.accelerator() {
            Accelerator::Kvm => Bed::Kvm,
            Accelerator::Tcg => Bed::Tcg,
        }
    }

    /// The loopback port of this host that leads to the guest's MariaDB (user
    /// root, no password).
    ///
    /// # Errors
    /// If there is none.
    pub fn port(&self) -> Result<u16> {
        self.vm
            .mysql_port()
            .context("the guest has no forwarded MySQL port")
    }

    /// Where its server listens.
    ///
    /// # Errors
    /// If there is no port that leads there.
    pub fn target(&self) -> Result<Target> {
        self.port().map(Target::Port)
    }

    /// Runs statements through a client on this host and returns what it prints.
    ///
    /// # Errors
    /// If one fails.
    pub fn sql(&self, statements: &str) -> Result<String> {
        self.vm.sql_from_host(statements)
    }

    /// A mark: what comes until [`end`](Self::end) is counted. Making it costs
    /// the guest a little, before the mark.
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn begin(&mut self) -> Result<Mark> {
        let counts = Counts::read_outside_in(self)?;
        Ok(Mark::new(counts))
    }

    /// What was counted since the mark.
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn end(&mut self, mark: &Mark) -> Result<Counted> {
        let seconds = mark.at.elapsed().as_secs_f64();
        let counts = Counts::read_inside_out(self)?;
        Ok(counts.since(&mark.counts, seconds, self.options.kicks))
    }

    /// What the guest does without any load for so long, to be
    /// [subtracted](Counted::without).
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn idle(&mut self, duration: Duration) -> Result<Counted> {
        let mark = self.begin()?;
        thread::sleep(duration);
        self.end(&mark)
    }

    /// Kills the guest without warning, and its worker, if it has one; boots it
    /// again on the same storage, and waits until the engine serves.
    ///
    /// # Errors
    /// If it does not come back.
    pub fn kill_and_boot(&mut self) -> Result<()> {
        self.vm.kill();
        if let Some(seat) = &self.seat {
            seat.kill_worker()?;
        }
        self.vm.boot_again()?;
        self.wait_until_served()?;
        self.settle()
    }

    /// Takes the guest down in order.
    ///
    /// # Errors
    /// If it does not go down in time.
    pub fn shutdown(mut self) -> Result<()> {
        self.vm.shutdown()
    }

    /// Waits until the guest does next to nothing for some seconds: after its
    /// start MariaDB writes pages for a while, with pauses.
    fn settle(&mut self) -> Result<()> {
        let begin = Instant::now();
        let (mut before, mut quiet) = (self.vm.switches()?.storage, 0);
        while quiet < QUIET_SECONDS && begin.elapsed() < SETTLE_LIMIT {
            thread::sleep(Duration::from_secs(1));
            let now = self.vm.switches()?.storage;
            quiet = if (now - before).interrupts < 3 {
                quiet + 1
            } else {
                0
            };
            before = now;
        }
        Ok(())
    }

    /// Waits until the engine's tables can be opened.
    fn wait_until_served(&mut self) -> Result<()> {
        let begin = Instant::now();
        let table = format!(
            "CREATE DATABASE IF NOT EXISTS probe; \
             CREATE OR REPLACE TABLE probe.t (a INT PRIMARY KEY) ENGINE={}; DROP DATABASE probe",
            self.arm.engine.sql_name()
        );
        loop {
            match self.sql(&table) {
                Ok(_) => return Ok(()),
                Err(error) if begin.elapsed() > STORE_LIMIT => {
                    return Err(error.context(format!("{} does not serve its tables", self.arm)));
                }
                Err(_) => thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}
