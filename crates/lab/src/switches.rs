//! Counting what crosses the boundary between guest and host.
//!
//! A *kick* is a notification of a device by the guest; an *interrupt* one of
//! the guest by a device. Both are counted, not timed, and so they repeat
//! exactly on a noisy machine.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Sub,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

mod cpu;

pub use cpu::{CpuTime, cpu_ms, cpu_time};

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

    /// The interrupts of one virtio device, such as `virtio3`, over all of its
    /// queues.
    #[must_use]
    pub fn of_device(&self, device: &str) -> u64 {
        self.sources
            .iter()
            .filter(|(name, _)| {
                name.strip_prefix(device)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
            .map(|(_, count)| count)
            .sum()
    }
}

/// The kicks that QEMU has traced, by device. Devices are told apart by their
/// address in QEMU; the data disk's is found by kicking it a known number of
/// times.
#[derive(Debug)]
pub(crate) struct KickLog {
    path: PathBuf,
    read: u64,
    rest: String,
    kicks: BTreeMap<String, u64>,
    before_probe: BTreeMap<String, u64>,
    data_disk: Option<String>,
}

impl KickLog {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            read: 0,
            rest: String::new(),
            kicks: BTreeMap::new(),
            before_probe: BTreeMap::new(),
            data_disk: None,
        }
    }

    /// Remembers the counts before the data disk is kicked on purpose.
    pub(crate) fn start_probe(&mut self) -> Result<()> {
        self.catch_up()?;
        self.before_probe.clone_from(&self.kicks);
        Ok(())
    }

    /// Takes the device that was kicked most since, which must be at least
    /// `at_least` times, for the data disk.
    pub(crate) fn finish_probe(&mut self, at_least: u64) -> Result<()> {
        self.catch_up()?;
        let grown = |(device, count): (&String, &u64)| {
            let before = self.before_probe.get(device).copied().unwrap_or(0);
            (count - before, device.clone())
        };
        let (count, device) = self
            .kicks
            .iter()
            .map(grown)
            .max()
            .with_context(|| format!("QEMU traced no kicks in {}", self.path.display()))?;
        anyhow::ensure!(
            count >= at_least,
            "the data disk can't be told from the others in QEMU's trace: \
             {count} kicks at most where {at_least} were made"
        );
        self.data_disk = Some(device);
        Ok(())
    }

    /// The data disk's kicks so far.
    pub(crate) fn data_disk(&mut self) -> Result<u64> {
        self.catch_up()?;
        let device = self
            .data_disk
            .as_ref()
            .context("the data disk's kicks are not counted")?;
        Ok(self.kicks.get(device).copied().unwrap_or(0))
    }

    /// Reads what was traced since the last time.
    fn catch_up(&mut self) -> Result<()> {
        // The trace is written line by line; what the guest's last command
        // caused is in it when the answer has come, or within moments.
        thread::sleep(Duration::from_millis(5));
        let reading = || format!("cannot read QEMU's trace {}", self.path.display());
        let mut file = File::open(&self.path).with_context(reading)?;
        file.seek(SeekFrom::Start(self.read)).with_context(reading)?;
        let mut text = Vec::new();
        self.read += file.read_to_end(&mut text).with_context(reading)? as u64;
        self.rest.push_str(&String::from_utf8_lossy(&text));
        let whole = self.rest.rfind('\n').map_or(0, |at| at + 1);
        count_kicks(&self.rest[..whole], &mut self.kicks);
        self.rest.drain(..whole);
        Ok(())
    }
}

/// Adds the kicks in lines of the form
/// `virtio_queue_notify vdev 0x55d0 n 0 vq 0x7f3a`, whatever stands before.
fn count_kicks(trace: &str, kicks: &mut BTreeMap<String, u64>) {
    for line in trace.lines() {
        let device = line
            .split_once("virtio_queue_notify vdev ")
            .and_then(|(_, rest)| rest.split_whitespace().next());
        if let Some(device) = device {
            *kicks.entry(device.to_owned()).or_default() += 1;
        }
    }
}

/// Tells a guest's devices apart and counts for each.
#[derive(Debug)]
pub(crate) struct SwitchMeter {
    disk: String,
    vsock: Option<String>,
    kicks: Option<KickLog>,
}

impl SwitchMeter {
    /// Prints the names of the data disk's and the vsock device in the guest.
    pub(crate) const NAMES: &str = "\
disk=$(basename $(readlink -f /dev/disk/by-id/virtio-data))
basename $(readlink -f /sys/block/$disk/device)
cd /sys/bus/virtio/drivers/vmw_vsock_virtio_transport 2>/dev/null && ls -d virtio* || true";

    /// Reads from the data disk, past all caches, so often that no other device
    /// is kicked as much.
    pub(crate) const PROBE: &str =
        "dd if=/dev/disk/by-id/virtio-data of=/dev/null bs=4096 count=400 iflag=direct status=none";

    /// The kicks that the probe makes.
    pub(crate) const PROBE_KICKS: u64 = 400;

    pub(crate) fn new(names: &str, kicks: Option<KickLog>) -> Result<Self> {
        let mut names = names.lines().map(|line| line.trim().to_owned());
        let disk = names.next().context("the guest has no data disk")?;
        Ok(Self {
            disk,
            vsock: names.next(),
            kicks,
        })
    }

    pub(crate) fn disk(&mut self, interrupts: &Interrupts) -> Result<SwitchCounters> {
        let kicks = match &mut self.kicks {
            Some(log) => log.data_disk()?,
            None => 0,
        };
        Ok(SwitchCounters {
            kicks,
            interrupts: interrupts.of_device(&self.disk),
        })
    }

    pub(crate) fn vsock(&self, interrupts: &Interrupts) -> u64 {
        self.vsock
            .as_ref()
            .map_or(0, |device| interrupts.of_device(device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPTS: &str = "            CPU0       CPU1       \n  \
        1:          9          0   IO-APIC   1-edge      i8042\n \
        24:          0          0   PCI-MSI 32768-edge      virtio1-config\n \
        25:        100         23   PCI-MSI 32769-edge      virtio1-req.0\n \
        26:          7          0   PCI-MSI 49153-edge      virtio10-rx\n\
        NMI:          1          2   Non-maskable interrupts\n";

    #[test]
    fn interrupts_are_summed_over_processors_and_queues() {
        let interrupts = Interrupts::parse(INTERRUPTS);
        assert_eq!(interrupts.of_device("virtio1"), 123);
        assert_eq!(interrupts.of_device("virtio10"), 7);
        assert_eq!(interrupts.of_device("virtio2"), 0);
    }

    #[test]
    fn kicks_are_counted_by_device() {
        let mut kicks = BTreeMap::new();
        let trace = "virtio_queue_notify vdev 0xa n 0 vq 0x1\n\
                     12@34.5:virtio_queue_notify vdev 0xb n 1 vq 0x2\n\
                     virtio_queue_notify vdev 0xa n 0 vq 0x1\nnoise\n";
        count_kicks(trace, &mut kicks);
        assert_eq!(kicks["0xa"], 2);
        assert_eq!(kicks["0xb"], 1);
    }

    #[test]
    fn a_log_is_read_in_pieces_and_the_disk_found_by_its_growth() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("trace");
        std::fs::write(&path, "virtio_queue_notify vdev 0xa n 0 vq 1\n".repeat(9)).expect("write");
        let mut log = KickLog::new(&path);
        log.start_probe().expect("start");
        let mut text = std::fs::read_to_string(&path).expect("read");
        text.push_str(&"virtio_queue_notify vdev 0xb n 0 vq 1\n".repeat(5));
        text.push_str("virtio_queue_notify vd");
        std::fs::write(&path, &text).expect("write");
        log.finish_probe(5).expect("finish");
        text.push_str("ev 0xb n 0 vq 1\n");
        std::fs::write(&path, &text).expect("write");
        assert_eq!(log.data_disk().expect("count"), 6);
    }
}
