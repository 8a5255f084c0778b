//! Counting the guest's instructions, by a plugin of ours for QEMU's emulation.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Sub,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    command, packages,
    paths::{self, Lock},
    run_dir::RunDir,
};

const PLUGIN: &str = include_str!("../../qemu-plugin/count.c");
const PROBE: &str = include_str!("../../qemu-plugin/probe.S");

/// What the probe executes, see there.
const PROBE_INSTRUCTIONS: u64 = 2_000_009;

/// Bytes of a virtual processor's counters in the plugin's file.
const LINE: usize = 64;

/// Instructions that the guest has executed. A block that a page fault leaves
/// early is counted as a whole, so this is a little too much (see
/// `qemu-plugin/count.c`); it repeats as the guest's work does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InstructionCounts {
    /// In user mode.
    pub user: u64,
    /// In the kernel.
    pub kernel: u64,
    /// In the program that checks the count.
    probe: u64,
}

impl Sub for InstructionCounts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            kernel: self.kernel.saturating_sub(before.kernel),
            probe: self.probe.saturating_sub(before.probe),
        }
    }
}

/// The plugin with the file in which it counts.
#[derive(Debug)]
pub(super) struct InstructionCounter {
    plugin: PathBuf,
    probe: Vec<u8>,
    counters: PathBuf,
}

impl InstructionCounter {
    /// Builds the plugin at the first call.
    pub(super) fn new(dir: &RunDir) -> Result<Self> {
        let plugin = built(
            "count",
            "c",
            PLUGIN,
            &["-shared", "-fPIC", "-O2", "-fvisibility=hidden"],
        )?;
        let probe = built(
            "probe",
            "S",
            PROBE,
            &["-nostdlib", "-static", "-Wl,-Ttext-segment=0x500000000000"],
        )?;
        let reading = || format!("cannot read {}", probe.display());
        Ok(Self {
            plugin,
            probe: fs::read(&probe).with_context(reading)?,
            counters: dir.file("instructions"),
        })
    }

    /// QEMU's options.
    pub(super) fn qemu_args(&self) -> [String; 2] {
        let (plugin, counters) = (self.plugin.display(), self.counters.display());
        ["-plugin".to_owned(), format!("file={plugin},counters={counters}")]
    }

    /// What was counted so far, of all virtual processors.
    pub(super) fn read(&self) -> Result<InstructionCounts> {
        read(&self.counters)
    }

    /// A script that runs its standard input as a program.
    pub(super) const RUN_PROBE: &str = "cat >/run/probe && chmod +x /run/probe && /run/probe";

    /// The program that executes a known number of instructions.
    pub(super) fn probe(&self) -> &[u8] {
        &self.probe
    }

    /// Checks what was counted while the probe ran: exactly what it executes, or
    /// one more if an interrupt came within its repeated instruction.
    pub(super) fn check_probe(counted: InstructionCounts) -> Result<u64> {
        ensure!(
            (PROBE_INSTRUCTIONS..=PROBE_INSTRUCTIONS + 1).contains(&counted.probe),
            "instructions are not counted right: {} of a program that executes {PROBE_INSTRUCTIONS}",
            counted.probe
        );
        Ok(counted.probe)
    }
}

fn read(counters: &Path) -> Result<InstructionCounts> {
    let reading = || format!("cannot read the instruction counters {}", counters.display());
    let bytes = fs::read(counters).with_context(reading)?;
    let mut sum = InstructionCounts::default();
    for line in bytes.chunks_exact(LINE) {
        let mut numbers = line
            .as_chunks::<8>()
            .0
            .iter()
            .map(|bytes| u64::from_ne_bytes(*bytes));
        let mut next = || numbers.next().unwrap_or(0);
        sum.user += next();
        sum.kernel += next();
        sum.probe += next();
    }
    Ok(sum)
}

/// Compiles a text, or finds what was compiled from it before.
fn built(name: &str, extension: &str, text: &str, options: &[&str]) -> Result<PathBuf> {
    packages::ensure(&["gcc"])?;
    let mut hasher = DefaultHasher::new();
    (text, options).hash(&mut hasher);
    let dir = paths::lab_dir()?.join("tools/qemu-plugin");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let _lock = Lock::wait("tools")?;
    let program = dir.join(format!("{name}-{:016x}", hasher.finish()));
    if !program.exists() {
        let source = program.with_extension(extension);
        fs::write(&source, text).with_context(|| format!("cannot write {}", source.display()))?;
        let partial = program.with_extension("partial");
        command::run(
            Command::new("gcc")
                .args(options)
                .args(["-Wall", "-Wextra", "-Werror", "-o"])
                .args([&partial, &source]),
            "compile the counter of instructions",
        )?;
        fs::rename(&partial, &program).context("cannot name the counter of instructions")?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_processors_are_summed() {
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("counters");
        let mut bytes = vec![0; 2 * LINE];
        bytes[..8].copy_from_slice(&7_u64.to_ne_bytes());
        bytes[8..16].copy_from_slice(&100_u64.to_ne_bytes());
        bytes[LINE..LINE + 8].copy_from_slice(&5_u64.to_ne_bytes());
        fs::write(&file, &bytes).expect("write");
        let counts = read(&file).expect("read");
        assert_eq!((counts.user, counts.kernel, counts.probe), (12, 100, 0));
    }
}
