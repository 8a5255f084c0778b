//! The raw rows of an evaluation: what was measured, one line of JSON each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::arm::{Arm, Bed};

/// How much data there is beside the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// It fits in the cache, and is in it.
    Cached,
    /// Four times the cache.
    Large,
}

/// A workload with its size.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// Its name: `oltp_point_select`, `rows_point`, `rows_range`, `rows_scan`,
    /// `rows_insert`, `rows_update`, `rows_load`, `tpcc`, `ycsb_a`, ...
    pub workload: String,
    /// Bytes of a row's payload, where rows by size are the subject.
    pub row_bytes: Option<u32>,
    /// Rows that a request returns or changes, where that varies.
    pub rows: Option<u32>,
    /// How much data there is.
    pub data: Data,
    /// Connections at once, in each guest.
    pub connections: u32,
    /// Guests at once; 0 natively.
    pub guests: u32,
}

impl Case {
    /// Whether its subject is rows by size: `rows_point`, `rows_scan`, ...
    #[must_use]
    pub fn is_by_row_size(&self) -> bool {
        self.row_bytes.is_some()
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cached => "cached",
            Self::Large => "4 x cache",
        })
    }
}

/// Such as `rows_range 4 KiB x 100, 4 x cache, 16 connections, 2 guests`; what a
/// family of cases leaves open (0, none) is left out.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.workload)?;
        if let Some(bytes) = self.row_bytes {
            write!(f, " {}", size_label(bytes))?;
        }
        if let Some(rows) = self.rows {
            write!(f, " x {rows}")?;
        }
        let plural = |count: u32| if count == 1 { "" } else { "s" };
        write!(f, ", {}", self.data)?;
        if self.connections > 0 {
            write!(f, ", {} connection{}", self.connections, plural(self.connections))?;
        }
        if self.guests > 1 {
            write!(f, ", {} guests", self.guests)?;
        }
        Ok(())
    }
}

/// Bytes as people say them: `64 B`, `4 KiB`.
#[must_use]
pub fn size_label(bytes: u32) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024) {
        return format!("{} KiB", bytes / 1024);
    }
    format!("{bytes} B")
}

/// One measured run of a case on an arm, its idle rates subtracted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What the arm ran on.
    pub bed: Bed,
    /// The arm, by its name.
    pub arm: String,
    /// What ran.
    #[serde(flatten)]
    pub case: Case,
    /// From 0; each is a fresh start of the arm.
    pub repetition: u32,
    /// Requests that were completed (statements), all connections together.
    pub requests: u64,
    /// Transactions that were completed; a statement on its own is one.
    pub transactions: u64,
    /// From the first to the last, in seconds.
    pub seconds: f64,
    /// How long a transaction (or a statement on its own) took.
    pub latency: Option<Latency>,
    /// Bytes of rows that requests returned or sent, by their payload.
    pub bytes: u64,
    /// What crossed the boundary; not natively.
    pub switches: Option<Switches>,
    /// Instructions that the guest executed, where they are counted.
    pub instructions: Option<Instructions>,
    /// Processor time on the host.
    pub cpu: Cpu,
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
}

/// What crossed the boundary between guest and host for storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// Notifications of the storage device (or doorbells rung) by the guest.
    pub kicks: u64,
    /// Interrupts into the guest by the storage device (or by vsock for VAMOS).
    pub interrupts: u64,
    /// Sleeps of a guest thread that waited for the host; VAMOS only.
    pub sleeps: u64,
}

/// Instructions that the guest's processors executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructions {
    /// In user mode.
    pub user: u64,
    /// In the kernel.
    pub kernel: u64,
}

/// Processor time on the host, in microseconds, of every thread that took part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// The guest's virtual processors; natively, the server.
    pub guest_us: u64,
    /// The other threads of the virtual machine monitor and of its helpers (vsock,
    /// virtio-fs).
    pub vmm_us: u64,
    /// VAMOS's worker, polling included.
    pub worker_us: u64,
    /// Kernel threads that can be told apart.
    pub kernel_us: u64,
    /// Of all the above, the part spent polling (by the sides' own clocks).
    pub polling_us: u64,
    /// Of the polling, the guest's side's (on its virtual processors); the rest
    /// is the host's.
    #[serde(default)]
    pub guest_polling_us: u64,
}

impl Cpu {
    /// What the host spends: all but the guest's virtual processors.
    #[must_use]
    pub fn host_us(&self) -> u64 {
        self.vmm_us + self.worker_us + self.kernel_us
    }

    /// Of the above, what was spent polling.
    #[must_use]
    pub fn host_polling_us(&self) -> u64 {
        self.polling_us
            .saturating_sub(self.guest_polling_us)
            .min(self.host_us())
    }
}

/// A figure that a program of ours measured with its peer in one run, such as a
/// lane's round trip beside a bare cache line's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// What was measured, such as `lane_round_trip`.
    pub measure: String,
    /// Against what, such as `cache_line`.
    pub peer: String,
    /// From 0.
    pub repetition: u32,
    /// Ours.
    pub ours: f64,
    /// The peer's.
    pub theirs: f64,
    /// Of both, such as `ns` or `1/s`.
    pub unit: String,
}

/// A line of the raw file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// The machine and the run's settings: the first line.
    Machine(Machine),
    /// A measured run.
    Sample(Sample),
    /// A figure with its peer.
    Pair(Pair),
    /// Something that could not be measured, and why.
    NotRun {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
}

/// What the figures come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model name.
    pub processor: String,
    /// How many processors there are.
    pub processors: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The host's kernel.
    pub kernel: String,
    /// MariaDB's version.
    pub mariadb: String,
    /// QEMU's version, where there is one.
    pub qemu: Option<String>,
    /// The version of VAMOS, with the commit where it is known.
    pub vamos: String,
    /// Settings that all arms share: names and values.
    pub settings: Vec<(String, String)>,
}

impl Sample {
    /// The arm.
    ///
    /// # Errors
    /// If the name is of an arm that there no longer is.
    pub fn arm(&self) -> anyhow::Result<Arm> {
        Arm::named(&self.arm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_says_what_it_is() {
        let mut case = Case {
            workload: "rows_range".into(),
            row_bytes: Some(4096),
            rows: Some(100),
            data: Data::Large,
            connections: 16,
            guests: 2,
        };
        assert_eq!(
            case.to_string(),
            "rows_range 4 KiB x 100, 4 x cache, 16 connections, 2 guests"
        );
        case = Case {
            row_bytes: Some(64),
            rows: None,
            connections: 1,
            guests: 1,
            ..case
        };
        assert_eq!(case.to_string(), "rows_range 64 B, 4 x cache, 1 connection");
    }
}
