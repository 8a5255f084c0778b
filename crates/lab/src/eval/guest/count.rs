//! What is counted between two marks.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::GuestArm;
use crate::{
    eval::sample::{Cpu, Instructions, Switches},
    switches::{GuestSwitches, cpu_time},
    vm::InstructionCounts,
};

/// The beginning of what is counted.
#[derive(Clone, Debug)]
pub struct Mark {
    pub(super) at: Instant,
    pub(super) counts: Counts,
}

impl Mark {
    pub(super) fn new(counts: Counts) -> Self {
        Self {
            at: Instant::now(),
            counts,
        }
    }
}

/// What was counted between two marks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// Between the marks.
    pub seconds: f64,
    /// Kicks and interrupts of the device that has MariaDB's files and, for
    /// VAMOS, of vsock (all that it is notified of: doorbells, and buffers given
    /// back); where they were counted.
    pub switches: Option<Switches>,
    /// Instructions that the guest executed, where they were counted.
    pub instructions: Option<Instructions>,
    /// Processor time.
    pub cpu: Cpu,
    /// VAMOS: doorbells that the guest rang, as the worker has counted them. Each
    /// is a kick and among the kicks above.
    pub doorbells: u64,
    /// Exits of the guest's processors for whatever reason; only with hardware
    /// virtualization.
    pub exits: Option<u64>,
}

impl Counted {
    /// This without what the guest does anyhow, as `idle` shows it.
    #[must_use]
    pub fn without(&self, idle: &Self) -> Self {
        let parts = match idle.seconds > 0.0 {
            true => self.seconds / idle.seconds,
            false => 0.0,
        };
        let less = |count: u64, idle: u64| count.saturating_sub((idle as f64 * parts).round() as u64);
        let instructions = self.instructions.zip(idle.instructions);
        let switches = self.switches.zip(idle.switches);
        Self {
            seconds: self.seconds,
            switches: switches.map(|(all, idle)| Switches {
                kicks: less(all.kicks, idle.kicks),
                interrupts: less(all.interrupts, idle.interrupts),
                sleeps: less(all.sleeps, idle.sleeps),
            }),
            instructions: instructions.map(|(all, idle)| Instructions {
                user: less(all.user, idle.user),
                kernel: less(all.kernel, idle.kernel),
            }),
            cpu: Cpu {
                guest_us: less(self.cpu.guest_us, idle.cpu.guest_us),
                vmm_us: less(self.cpu.vmm_us, idle.cpu.vmm_us),
                worker_us: less(self.cpu.worker_us, idle.cpu.worker_us),
                kernel_us: less(self.cpu.kernel_us, idle.cpu.kernel_us),
                polling_us: less(self.cpu.polling_us, idle.cpu.polling_us),
                guest_polling_us: less(self.cpu.guest_polling_us, idle.cpu.guest_polling_us),
            },
            doorbells: less(self.doorbells, idle.doorbells),
            exits: self.exits.zip(idle.exits).map(|(all, idle)| less(all, idle)),
        }
    }
}

/// All counters at a moment, since whenever each of them began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    guest: GuestSwitches,
    engine: EngineCounts,
    worker: WorkerCounts,
    cpu: Cpu,
    instructions: Option<InstructionCounts>,
    exits: Option<u64>,
}

impl Counts {
    /// Reads all counters, those first whose reading costs the guest something.
    pub(super) fn read_outside_in(arm: &mut GuestArm) -> Result<Self> {
        Ok(Self {
            engine: EngineCounts::read(arm)?,
            guest: arm.vm.switches()?,
            worker: WorkerCounts::read(arm)?,
            cpu: cpu(arm)?,
            instructions: arm.vm.instructions()?,
            exits: arm.vm.exits()?,
        })
    }

    /// Reads all counters, those last whose reading costs the guest something.
    pub(super) fn read_inside_out(arm: &mut GuestArm) -> Result<Self> {
        let (instructions, cpu) = (arm.vm.instructions()?, cpu(arm)?);
        Ok(Self {
            exits: arm.vm.exits()?,
            instructions,
            cpu,
            worker: WorkerCounts::read(arm)?,
            guest: arm.vm.switches()?,
            engine: EngineCounts::read(arm)?,
        })
    }

    pub(super) fn since(&self, before: &Self, seconds: f64, kicks: bool) -> Counted {
        let storage = self.guest.storage - before.guest.storage;
        let vsock = self.guest.vsock - before.guest.vsock;
        let less = u64::saturating_sub;
        let guest_polling_us = less(self.engine.polling_us, before.engine.polling_us);
        let polling_us = less(self.worker.polling_us, before.worker.polling_us) + guest_polling_us;
        Counted {
            seconds,
            switches: kicks.then_some(Switches {
                kicks: storage.kicks + vsock.kicks,
                interrupts: storage.interrupts + vsock.interrupts,
                sleeps: less(self.engine.sleeps, before.engine.sleeps),
            }),
            instructions: self.instructions.zip(before.instructions).map(|(now, before)| {
                let counted = now - before;
                Instructions {
                    user: counted.user,
                    kernel: counted.kernel,
                }
            }),
            cpu: Cpu {
                guest_us: less(self.cpu.guest_us, before.cpu.guest_us),
                vmm_us: less(self.cpu.vmm_us, before.cpu.vmm_us),
                worker_us: less(self.cpu.worker_us, before.cpu.worker_us),
                kernel_us: 0,
                polling_us,
                guest_polling_us,
            },
            doorbells: less(self.worker.doorbells, before.worker.doorbells),
            exits: self
                .exits
                .zip(before.exits)
                .map(|(now, before)| less(now, before)),
        }
    }
}

/// The processor time of all that works for the guest: QEMU, what serves its
/// devices, and its worker. No thread of the host's kernel works for one guest
/// alone: the kernel does its part in these.
fn cpu(arm: &GuestArm) -> Result<Cpu> {
    let qemu = cpu_time(arm.vm.pid())?;
    let mut cpu = Cpu {
        guest_us: qemu.vcpu_us,
        vmm_us: qemu.other_us(),
        ..Cpu::default()
    };
    for helper in arm.vm.helper_pids() {
        cpu.vmm_us += cpu_time(helper)?.total_us;
    }
    if let Some(seat) = &arm.seat {
        cpu.worker_us = cpu_time(seat.worker()?)?.total_us;
    }
    Ok(cpu)
}

/// What VAMOS counts in the guest.
#[derive(Clone, Copy, Debug, Default)]
struct EngineCounts {
    sleeps: u64,
    polling_us: u64,
}

impl EngineCounts {
    fn read(arm: &GuestArm) -> Result<Self> {
        if arm.seat.is_none() {
            return Ok(Self::default());
        }
        let status = arm.sql("SHOW GLOBAL STATUS LIKE 'Vamos_%'")?;
        let value = |name: &str| {
            let mut lines = status.lines().filter_map(|line| line.split_once('\t'));
            let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found
                .and_then(|(_, value)| value.trim().parse().ok())
                .with_context(|| format!("the engine shows no {name}"))
        };
        Ok(Self {
            sleeps: value("Vamos_sleeps")?,
            polling_us: value("Vamos_poll_microseconds")?,
        })
    }
}

/// What VAMOS counts on the host.
#[derive(Clone, Copy, Debug, Default)]
struct WorkerCounts {
    doorbells: u64,
    polling_us: u64,
}

impl WorkerCounts {
    fn read(arm: &GuestArm) -> Result<Self> {
        let Some(seat) = &arm.seat else {
            return Ok(Self::default());
        };
        let status = seat.status()?;
        Ok(Self {
            doorbells: number(&status, "/worker/traffic/doorbells_in")?,
            polling_us: number(&status, "/worker/runtime/poll_us")?,
        })
    }
}

fn number(status: &Value, pointer: &str) -> Result<u64> {
    let value = status.pointer(pointer).and_then(Value::as_u64);
    value.with_context(|| format!("a guest's status has no {pointer}: {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_guest_counts_by_its_time() {
        let counted = |seconds, kicks, guest_us| Counted {
            seconds,
            switches: Some(Switches {
                kicks,
                ..Switches::default()
            }),
            cpu: Cpu {
                guest_us,
                ..Cpu::default()
            },
            ..Counted::default()
        };
        let rest = counted(2.0, 107, 500).without(&counted(1.0, 3, 400));
        assert_eq!(rest.switches.map(|switches| switches.kicks), Some(101));
        assert_eq!(rest.cpu.guest_us, 0);
        assert_eq!(rest.seconds, 2.0);
    }
}
