//! Counting what crosses the boundary between guest and host.
//!
//! A *kick* is a notification of a device by the guest; an *interrupt* one of
//! the guest by a device. Both are counted, not timed, and so they repeat
//! exactly on a noisy machine.

use std::{collections::BTreeMap, ops::Sub};

mod cpu;
mod devices;

pub use cpu::{CpuTime, cpu_time};
pub use devices::GuestSwitches;
pub(crate) use devices::{COUNT_KICKS, Devices, READ, SwitchMeter, TraceLog};

/// How often guest and device have called each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SwitchCounters {
    /// Notifications of the device by the guest.
    pub kicks: u64,
    /// Interrupts into the guest.
    pub interrupts: u64,
}

impl Sub for SwitchCounters {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            kicks: self.kicks.saturating_sub(before.kicks),
            interrupts: self.interrupts.saturating_sub(before.interrupts),
        }
    }
}

/// A guest's `/proc/interrupts`: how often each source has interrupted it.
#[derive(Debug, Clone, Default)]
pub struct Interrupts {
    sources: BTreeMap<String, u64>,
}

impl Interrupts {
    /// Reads the text of `/proc/interrupts`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut sources = BTreeMap::new();
        let cpus = text
            .lines()
            .next()
            .map_or(0, |line| line.split_whitespace().count());
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().skip(1).collect();
            let counts = fields
                .iter()
                .take(cpus)
                .map_while(|field| field.parse::<u64>().ok());
            if let Some(name) = fields.last() {
                *sources.entry((*name).to_owned()).or_default() += counts.sum::<u64>();
            }
        }
        Self { sources }
    }

    /// The interrupts of one device, such as `virtio3` or `nvme0`, over all of its
    /// queues.
    #[must_use]
    pub fn of_device(&self, device: &str) -> u64 {
        self.sources
            .iter()
            .filter(|(name, _)| {
                name.strip_prefix(device)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', 'q']))
            })
            .map(|(_, count)| count)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPTS: &str = "            CPU0       CPU1       \n  \
        1:          9          0   IO-APIC   1-edge      i8042\n \
        24:          0          0   PCI-MSI 32768-edge      virtio1-config\n \
        25:        100         23   PCI-MSI 32769-edge      virtio1-req.0\n \
        26:          7          0   PCI-MSI 49153-edge      virtio10-rx\n \
        27:          4          4   PCI-MSI 49154-edge      nvme0q1\n\
        NMI:          1          2   Non-maskable interrupts\n";

    #[test]
    fn interrupts_are_summed_over_processors_and_queues() {
        let interrupts = Interrupts::parse(INTERRUPTS);
        assert_eq!(interrupts.of_device("virtio1"), 123);
        assert_eq!(interrupts.of_device("virtio10"), 7);
        assert_eq!(interrupts.of_device("nvme0"), 8);
        assert_eq!(interrupts.of_device("virtio2"), 0);
    }
}
