//! What a guest counts: switches and instructions.

use anyhow::{Context, Result, ensure};

use super::{Accelerator, InstructionCounts, Vm, exits, instructions::InstructionCounter};
use crate::switches::{self, Devices, GuestSwitches, SwitchMeter};

impl Vm {
    /// How often the guest and its devices have called each other so far. Kicks
    /// stay 0 unless [`count_kicks`](super::VmOptions::count_kicks) is set.
    ///
    /// # Errors
    /// If the guest does not answer.
    pub fn switches(&mut self) -> Result<GuestSwitches> {
        let devices = Devices::parse(&self.run(switches::READ)?);
        let meter = self
            .meter
            .as_mut()
            .context("this guest's switches are not counted")?;
        meter.read(&devices)
    }

    /// The instructions that the guest has executed so far, if they are counted
    /// ([`count_instructions`](super::VmOptions::count_instructions), and not with
    /// hardware virtualization). Looking costs the guest nothing.
    ///
    /// # Errors
    /// If the counters are gone.
    pub fn instructions(&self) -> Result<Option<InstructionCounts>> {
        self.counter.as_ref().map(InstructionCounter::read).transpose()
    }

    /// How often the guest's processors have left it so far; none without hardware
    /// virtualization. Looking costs the guest nothing.
    ///
    /// # Errors
    /// If QEMU does not tell.
    pub fn exits(&self) -> Result<Option<u64>> {
        let kvm = self.accelerator == Accelerator::Kvm;
        kvm.then(|| exits::read(&self.dir.file("qmp.sock"))).transpose()
    }

    /// Runs a program in the guest that executes a known number of instructions,
    /// and returns how many of its were counted, if any are.
    ///
    /// # Errors
    /// If that number is wrong.
    pub fn check_instructions(&mut self) -> Result<Option<u64>> {
        let Some(counter) = &self.counter else {
            return Ok(None);
        };
        let (program, before) = (counter.probe().to_vec(), counter.read()?);
        let limit = std::time::Duration::from_secs(60);
        self.run_for(InstructionCounter::RUN_PROBE, &program, limit)?
            .success(InstructionCounter::RUN_PROBE)?;
        let counted = self.instructions()?.unwrap_or_default() - before;
        InstructionCounter::check_probe(counted).map(Some)
    }

    /// Finds out which device is which, starts to count, and checks the counts.
    pub(super) fn attach_meter(&mut self) -> Result<()> {
        self.meter = None;
        let storage = self.options.storage;
        let (name, vsock) = (self.run(storage.name_script())?, self.run(SwitchMeter::VSOCK)?);
        let counts = self.options.count_kicks;
        let log = storage.trace_log(&self.dir).filter(|_| counts);
        self.meter = Some(SwitchMeter::new(&name, &vsock, log)?);
        if counts {
            self.run(switches::COUNT_KICKS)?;
        }
        if counts && !storage.is_directory() {
            self.check_kicks()?;
        }
        self.check_instructions().map(drop)
    }

    /// Kicks the data disk on purpose: a count that does not see it is of no use.
    fn check_kicks(&mut self) -> Result<()> {
        let before = self.switches()?.storage;
        self.run(SwitchMeter::PROBE)?;
        let seen = self.switches()?.storage - before;
        let made = SwitchMeter::PROBE_KICKS;
        ensure!(
            seen.kicks >= made && seen.interrupts >= made,
            "the data disk's switches are not all seen: of {made} direct reads {seen:?}"
        );
        Ok(())
    }
}
