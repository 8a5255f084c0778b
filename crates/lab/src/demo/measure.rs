//! Runs one request on one engine and measures what it costs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::requests::{Request, Size};
use crate::{guest_stack::GuestStack, switches};

/// The longest that one request may take; under emulation a load is slow.
const LIMIT: Duration = Duration::from_secs(600);

/// A storage engine of the demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Engine {
    /// Ours.
    #[serde(rename = "VAMOS")]
    Vamos,
    /// The peer, on virtio-blk.
    #[serde(rename = "InnoDB")]
    InnoDb,
}

impl Engine {
    /// As SQL has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vamos => "VAMOS",
            Self::InnoDb => "InnoDB",
        }
    }

    /// The database that has its tables.
    #[must_use]
    pub fn database(self) -> &'static str {
        match self {
            Self::Vamos => "demo_vamos",
            Self::InnoDb => "demo_innodb",
        }
    }
}

/// What a request cost on an engine.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Measurement {
    /// The request's name.
    pub request: String,
    /// The engine.
    pub engine: Engine,
    /// Rows returned or changed.
    pub rows: u64,
    /// Bytes returned, or read in by a load; 0 where that says nothing.
    pub bytes: u64,
    /// Guest to host: doorbells rung by the engine, or kicks of InnoDB's disk.
    pub kicks: u64,
    /// Host to guest: interrupts by the vsock device, or by InnoDB's disk.
    pub interrupts: u64,
    /// Processor time on the host without the virtual processors' threads:
    /// QEMU's I/O, the worker, the vsock device.
    pub host_cpu_ms: u64,
    /// From the statement's start to its end, in the guest's client included.
    pub wall_ms: u64,
    /// SHA-256 of what the client printed.
    pub checksum: String,
}

/// Runs a request on an engine.
///
/// # Errors
/// If a statement fails or the guest does not answer.
pub(crate) fn measure(stack: &mut GuestStack, request: &Request, engine: Engine) -> Result<Measurement> {
    let before = Snapshot::take(stack, engine)?;
    let start = Instant::now();
    let output = run(stack, request, engine)?;
    let wall_ms = start.elapsed().as_millis() as u64;
    let after = Snapshot::take(stack, engine)?;
    let (rows, bytes) = match request.size {
        Size::Output => (output.lines, output.bytes),
        Size::Changed { bytes } => (output.first_number, bytes),
    };
    Ok(Measurement {
        request: request.name.clone(),
        engine,
        rows,
        bytes,
        kicks: after.kicks.saturating_sub(before.kicks),
        interrupts: after.interrupts.saturating_sub(before.interrupts),
        // Read from several files, one after the other, it can seem to shrink.
        host_cpu_ms: after.host_cpu_ms.saturating_sub(before.host_cpu_ms),
        wall_ms,
        checksum: output.checksum,
    })
}

/// What the client printed, without the text, which stays in the guest.
struct ClientOutput {
    checksum: String,
    lines: u64,
    bytes: u64,
    first_number: u64,
}

fn run(stack: &mut GuestStack, request: &Request, engine: Engine) -> Result<ClientOutput> {
    let script = format!(
        "set -e; mariadb --no-defaults --user=root --socket=/run/mysqld/mysqld.sock --batch \
         --skip-column-names --default-character-set=utf8mb4 {} >/run/output; \
         sha256sum </run/output; wc -lc </run/output; head -c 40 /run/output | head -n 1",
        engine.database()
    );
    let answer = stack
        .vm
        .run_for(&script, request.sql.as_bytes(), LIMIT)?
        .success(&request.name)
        .with_context(|| format!("{} on {}", request.name, engine.name()))?;
    let mut words = answer.split_whitespace();
    let checksum = words
        .next()
        .context("no checksum came from the guest")?
        .to_owned();
    let mut number = || words.find_map(|word| word.parse().ok()).unwrap_or(0);
    let (lines, bytes) = (number(), number());
    Ok(ClientOutput {
        checksum,
        lines,
        bytes,
        first_number: number(),
    })
}

/// The counters of the devices that an engine uses, at one moment.
struct Snapshot {
    kicks: u64,
    interrupts: u64,
    host_cpu_ms: u64,
}

impl Snapshot {
    fn take(stack: &mut GuestStack, engine: Engine) -> Result<Self> {
        let switches = stack.vm.switches()?;
        let (kicks, interrupts) = match engine {
            Engine::Vamos => (doorbells(stack)?, switches.vsock.interrupts),
            Engine::InnoDb => (switches.storage.kicks, switches.storage.interrupts),
        };
        Ok(Self {
            kicks,
            interrupts,
            host_cpu_ms: host_cpu(stack)?,
        })
    }
}

/// The doorbells that the guest has rung, as the worker has counted them.
fn doorbells(stack: &GuestStack) -> Result<u64> {
    stack
        .status()?
        .pointer("/guests/0/worker/traffic/doorbells_in")
        .and_then(serde_json::Value::as_u64)
        .context("`vamos status --json` has no count of doorbells")
}

/// The processor time of all that works for the guest on this host, but for the
/// virtual processors.
fn host_cpu(stack: &GuestStack) -> Result<u64> {
    let mut us = switches::cpu_time(stack.vm.pid())?.other_us();
    for pid in stack.daemon.workers().into_iter().chain(stack.vm.helper_pids()) {
        us += switches::cpu_time(pid).map_or(0, |time| time.total_us);
    }
    Ok(us / 1000)
}
