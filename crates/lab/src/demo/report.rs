//! The demonstration's table, and the same as JSON.

use std::{fs::File, path::Path};

use anyhow::{Context, Result};

use super::measure::{Engine, Measurement};
use crate::kills::Verdict;

/// All that the demonstration found out.
#[derive(Debug, serde::Serialize)]
pub struct Report {
    /// What ran the guest's instructions.
    pub accelerator: String,
    /// Whether both engines gave the same results for every request.
    pub results_identical: bool,
    /// Transactions acknowledged before the guest was killed.
    pub rows_acknowledged: usize,
    /// Of those, how many were not there afterwards.
    pub rows_lost: usize,
    /// What each request cost on each engine.
    pub requests: Vec<Measurement>,
}

impl Report {
    /// A report of these measurements.
    #[must_use]
    pub fn new(accelerator: String, requests: Vec<Measurement>) -> Self {
        let results_identical = pairs(&requests).all(|(vamos, innodb)| vamos.checksum == innodb.checksum);
        Self {
            accelerator,
            results_identical,
            rows_acknowledged: 0,
            rows_lost: 0,
            requests,
        }
    }

    /// Notes what became of the acknowledged rows.
    pub fn set_verdict(&mut self, verdict: Verdict) {
        // Each transaction writes two rows.
        self.rows_acknowledged = verdict.acknowledged * 2;
        self.rows_lost = (verdict.lost + verdict.half) * 2;
    }

    /// Prints the table of costs.
    pub fn print_table(&self) {
        println!(
            "\n{:<32} {:>7} {:>10} {:>10} {:>8} {:>8} {:>9} {:>9}  result",
            "request", "engine", "rows", "bytes", "kicks", "intr", "host CPU", "wall"
        );
        for (vamos, innodb) in pairs(&self.requests) {
            let same = if vamos.checksum == innodb.checksum {
                "same"
            } else {
                "DIFFERENT"
            };
            print_row(vamos, &vamos.request, same);
            print_row(innodb, "", vamos.checksum.get(..12).unwrap_or_default());
        }
        println!(
            "\nkicks: guest to host (doorbells of VAMOS over vsock; virtio-blk notifications of InnoDB's disk)\n\
             intr:  interrupts into the guest by the same device\n\
             host CPU: ms on the host outside the virtual processors (QEMU's I/O, worker, vsock device);\n\
             \x20      counting a kick costs QEMU a line in a file, which is in InnoDB's figure\n\
             result: whether both engines' output is the same, and the start of its SHA-256"
        );
        self.print_bed();
    }

    fn print_bed(&self) {
        if self.accelerator.contains("TCG") || self.accelerator.contains("tcg") {
            println!(
                "wall:  ms under {}. Emulation slows the guest's code about tenfold and the host's not at all,\n\
                 \x20      so these times say nothing about hardware; the counts do not depend on it.",
                self.accelerator
            );
        } else {
            println!("wall:  ms under {}", self.accelerator);
        }
    }

    /// Writes all of it to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        serde_json::to_writer_pretty(file, self).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn print_row(row: &Measurement, name: &str, result: &str) {
    println!(
        "{name:<32} {:>7} {:>10} {:>10} {:>8} {:>8} {:>9} {:>9}  {result}",
        row.engine.name(),
        row.rows,
        row.bytes,
        row.kicks,
        row.interrupts,
        row.host_cpu_ms,
        row.wall_ms
    );
}

/// The measurements of each request, VAMOS first.
fn pairs(all: &[Measurement]) -> impl Iterator<Item = (&Measurement, &Measurement)> {
    all.iter()
        .filter(|row| row.engine == Engine::Vamos)
        .filter_map(|vamos| {
            let innodb = all
                .iter()
                .find(|row| row.engine == Engine::InnoDb && row.request == vamos.request)?;
            Some((vamos, innodb))
        })
}
