//! An arm that was started, natively or in guests, as the runner sees it.

use std::{thread, time::Duration};

use anyhow::{Context, Result, anyhow};

use super::{
    arm::Bed,
    guest::{Counted, GuestArm, Mark},
    native::NativeArm,
    sample::{Cpu, Latency},
    sysbench::{Load, Outcome, Sysbench, Target},
};

/// For so long the idle rates of guests are observed.
const IDLE: Duration = Duration::from_secs(2);

/// A running arm. Dropping it takes it down.
#[derive(Debug)]
pub enum Running {
    /// Without a guest.
    Native(NativeArm),
    /// In guests, all alike, with what they do when idle.
    Guests(Vec<GuestArm>, Vec<Counted>),
}

impl Running {
    /// Guests that were booted; their idle rates are observed now.
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn guests(mut guests: Vec<GuestArm>) -> Result<Self> {
        let idle = guests
            .iter_mut()
            .map(|guest| guest.idle(IDLE))
            .collect::<Result<_>>()?;
        Ok(Self::Guests(guests, idle))
    }

    /// What runs it.
    #[must_use]
    pub fn bed(&self) -> Bed {
        match self {
            Self::Native(_) => Bed::Native,
            Self::Guests(guests, _) => guests.first().map_or(Bed::Tcg, GuestArm::bed),
        }
    }

    /// Runs statements, in every guest.
    ///
    /// # Errors
    /// If one fails.
    pub fn sql(&self, statements: &str) -> Result<()> {
        match self {
            Self::Native(arm) => arm.sql(statements).map(drop),
            Self::Guests(guests, _) => guests
                .iter()
                .try_for_each(|guest| guest.sql(statements).map(drop)),
        }
    }

    /// Runs a load, in all guests at once, and counts what it costs, without what
    /// they do when idle.
    ///
    /// # Errors
    /// If a statement fails, or a counter cannot be read.
    pub fn measure(&mut self, sysbench: &Sysbench, load: &Load) -> Result<(Outcome, Counted)> {
        match self {
            Self::Native(arm) => {
                let before = arm.cpu()?;
                let outcome = sysbench.run(&arm.target(), load)?;
                let counted = Counted {
                    cpu: used(arm.cpu()?, before),
                    ..Counted::default()
                };
                Ok((outcome, counted))
            }
            Self::Guests(guests, idle) => {
                let marks: Vec<Mark> = guests.iter_mut().map(GuestArm::begin).collect::<Result<_>>()?;
                let outcome = run_at_once(sysbench, guests, load)?;
                let mut counted = Counted::default();
                for ((guest, mark), idle) in guests.iter_mut().zip(&marks).zip(idle) {
                    counted = sum(&counted, &guest.end(mark)?.without(idle));
                }
                Ok((outcome, counted))
            }
        }
    }

    /// Takes it down in order.
    ///
    /// # Errors
    /// If a part does not end in time, or fails.
    pub fn shutdown(self) -> Result<()> {
        match self {
            Self::Native(arm) => arm.shutdown(),
            Self::Guests(guests, _) => guests.into_iter().try_for_each(GuestArm::shutdown),
        }
    }
}

/// Runs a load in each guest; the slowest says how long it took.
fn run_at_once(sysbench: &Sysbench, guests: &[GuestArm], load: &Load) -> Result<Outcome> {
    let targets: Vec<Target> = guests.iter().map(GuestArm::target).collect::<Result<_>>()?;
    let outcomes = thread::scope(|scope| {
        let running: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(move || sysbench.run(target, load)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<Outcome>>| {
            thread.join().map_err(|_| anyhow!("a load's thread panicked"))?
        };
        running.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    outcomes.into_iter().reduce(together).context("there is no guest")
}

/// Of percentiles the worse ones.
fn together(one: Outcome, other: Outcome) -> Outcome {
    Outcome {
        transactions: one.transactions + other.transactions,
        queries: one.queries + other.queries,
        ignored_errors: one.ignored_errors + other.ignored_errors,
        seconds: one.seconds.max(other.seconds),
        latency: Latency {
            p50: one.latency.p50.max(other.latency.p50),
            p99: one.latency.p99.max(other.latency.p99),
            p999: one.latency.p999.max(other.latency.p999),
        },
    }
}

/// What guests cost together; the first of them begins with nothing.
fn sum(all: &Counted, one: &Counted) -> Counted {
    let mut sum = *one;
    sum.cpu = Cpu {
        guest_us: all.cpu.guest_us + one.cpu.guest_us,
        vmm_us: all.cpu.vmm_us + one.cpu.vmm_us,
        worker_us: all.cpu.worker_us + one.cpu.worker_us,
        kernel_us: all.cpu.kernel_us + one.cpu.kernel_us,
        polling_us: all.cpu.polling_us + one.cpu.polling_us,
        guest_polling_us: all.cpu.guest_polling_us + one.cpu.guest_polling_us,
    };
    if let (Some(sum), Some(all)) = (&mut sum.switches, all.switches) {
        sum.kicks += all.kicks;
        sum.interrupts += all.interrupts;
        sum.sleeps += all.sleeps;
    }
    if let (Some(sum), Some(all)) = (&mut sum.instructions, all.instructions) {
        sum.user += all.user;
        sum.kernel += all.kernel;
    }
    sum.doorbells += all.doorbells;
    sum
}

fn used(now: Cpu, before: Cpu) -> Cpu {
    Cpu {
        guest_us: now.guest_us.saturating_sub(before.guest_us),
        worker_us: now.worker_us.saturating_sub(before.worker_us),
        ..Cpu::default()
    }
}
