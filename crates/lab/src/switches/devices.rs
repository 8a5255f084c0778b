//! The devices of a guest, told apart, and what each has been called.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{Interrupts, SwitchCounters};

/// What a guest and its devices have called each other so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GuestSwitches {
    /// The device on which MariaDB's files are.
    pub storage: SwitchCounters,
    /// The vsock device.
    pub vsock: SwitchCounters,
}

/// Counts in the guest's kernel how often each virtio device is notified.
///
/// `vp_notify` of Linux's virtio_pci is where every driver kicks its device,
/// whoever serves it (QEMU, a vhost-user process, the host's kernel): it is
/// called only if the device wants to be notified. A `struct virtqueue` has the
/// pointer to its device at offset 32, and a `struct virtio_device` begins with
/// the N of `virtioN` (include/linux/virtio.h). The kernel counts by that number.
pub(crate) const COUNT_KICKS: &str = "\
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
cd /sys/kernel/tracing
echo 'p:kick vp_notify device=+0(+32(%di)):u32' >kprobe_events
echo 'hist:keys=device' >events/kprobes/kick/trigger";

/// Prints what [`Devices::parse`] reads.
pub(crate) const READ: &str =
    "cat /proc/interrupts; echo ==; cat /sys/kernel/tracing/events/kprobes/kick/hist 2>/dev/null || true";

/// The kicks and interrupts of all of a guest's devices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Devices {
    interrupts: Interrupts,
    /// By the N of `virtioN`.
    kicks: BTreeMap<u32, u64>,
}

impl Devices {
    pub(crate) fn parse(text: &str) -> Self {
        let (interrupts, kicks) = text.split_once("==\n").unwrap_or((text, ""));
        Self {
            interrupts: Interrupts::parse(interrupts),
            kicks: kicks.lines().filter_map(parse_kicks).collect(),
        }
    }

    pub(crate) fn of(&self, device: &str) -> SwitchCounters {
        let number = device
            .strip_prefix("virtio")
            .and_then(|number| number.parse().ok());
        let kicks = number.and_then(|number: u32| self.kicks.get(&number));
        SwitchCounters {
            kicks: kicks.copied().unwrap_or(0),
            interrupts: self.interrupts.of_device(device),
        }
    }
}

/// Takes `{ device:          1 } hitcount:        400` apart.
fn parse_kicks(line: &str) -> Option<(u32, u64)> {
    let (device, count) = line.strip_prefix("{ device:")?.split_once("} hitcount:")?;
    Some((device.trim().parse().ok()?, count.trim().parse().ok()?))
}

/// Kicks that QEMU writes to its trace log, a line for each.
#[derive(Debug)]
pub(crate) struct TraceLog {
    path: PathBuf,
    event: String,
    read: u64,
    rest: String,
    kicks: u64,
}

impl TraceLog {
    /// Counts the lines that contain `event`.
    pub(crate) fn new(path: &Path, event: &str) -> Self {
        Self {
            path: path.to_path_buf(),
            event: event.to_owned(),
            read: 0,
            rest: String::new(),
            kicks: 0,
        }
    }

    fn kicks(&mut self) -> Result<u64> {
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
        let lines = self.rest[..whole].lines();
        self.kicks += lines.filter(|line| line.contains(&self.event)).count() as u64;
        self.rest.drain(..whole);
        Ok(self.kicks)
    }
}

/// Knows which of a guest's devices is which.
#[derive(Debug)]
pub(crate) struct SwitchMeter {
    storage: String,
    vsock: Option<String>,
    trace: Option<TraceLog>,
}

impl SwitchMeter {
    /// Prints the name of the vsock device in the guest, if it has one.
    pub(crate) const VSOCK: &str =
        "cd /sys/bus/virtio/drivers/vmw_vsock_virtio_transport 2>/dev/null && ls -d virtio* || true";

    /// Reads from the data disk, past all caches.
    pub(crate) const PROBE: &str =
        "dd if=/dev/disk/by-label/data of=/dev/null bs=4096 count=50 iflag=direct status=none";

    /// The kicks that the probe makes at least.
    pub(crate) const PROBE_KICKS: u64 = 50;

    pub(crate) fn new(storage: &str, vsock: &str, trace: Option<TraceLog>) -> Result<Self> {
        let storage = storage.trim().to_owned();
        ensure!(
            !storage.is_empty() && !storage.contains(char::is_whitespace),
            "the guest has no device for MariaDB's files, or several: {storage:?}"
        );
        let vsock = Some(vsock.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Self {
            storage,
            vsock,
            trace,
        })
    }

    pub(crate) fn read(&mut self, devices: &Devices) -> Result<GuestSwitches> {
        let mut storage = devices.of(&self.storage);
        if let Some(trace) = &mut self.trace {
            storage.kicks = trace.kicks()?;
        }
        let vsock = self.vsock.as_deref();
        Ok(GuestSwitches {
            storage,
            vsock: vsock.map(|device| devices.of(device)).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kicks_and_interrupts_are_found_by_device() {
        let text = "   CPU0\n 25:  7  PCI-MSI 1-edge  virtio1-req.0\n==\n# event histogram\n\n\
                    { device:          1 } hitcount:        400\n{ device: 10 } hitcount: 3\n\n\
                    Totals:\n    Hits: 403\n";
        let devices = Devices::parse(text);
        assert_eq!(
            devices.of("virtio1"),
            SwitchCounters {
                kicks: 400,
                interrupts: 7
            }
        );
        assert_eq!(devices.of("virtio10").kicks, 3);
        assert_eq!(devices.of("nvme0"), SwitchCounters::default());
    }

    #[test]
    fn a_trace_is_read_in_pieces() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("trace");
        let mut text = "pci_nvme_mmio_doorbell_sq sqid 1 new_tail 2\nnoise\npci_nvme_mm".to_owned();
        std::fs::write(&path, &text).expect("write");
        let mut log = TraceLog::new(&path, "pci_nvme_mmio_doorbell_");
        assert_eq!(log.kicks().expect("kicks"), 1);
        text.push_str("io_doorbell_cq cqid 1 new_head 2\n");
        std::fs::write(&path, &text).expect("write");
        assert_eq!(log.kicks().expect("kicks"), 2);
    }
}
