//! The same store, in process and through a lane: its rows lie in table files, warm in
//! the cache.

mod in_process;
mod through_lane;

use crate::Options;
use crate::report::Report;
use anyhow::Result;
use in_process::InProcess;
use std::time::{Duration, Instant};
use through_lane::ThroughLane;
use vamos_proto::{Durability, IndexId, TableId, Write, WriteOp};

const ROWS: u64 = 200_000;
const VALUE: [u8; 100] = [7; 100];
const LOCK_WAIT: Duration = Duration::from_secs(5);

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut near = InProcess::open(&directory.path().join("near"))?;
    let mut far = ThroughLane::open(&options.vamosd()?, directory.path())?;
    let (rounds, round) = (options.rounds, options.round());
    let mut compare =
        |name, unit, work: Work| compare((name, unit), rounds, round, (&mut near, &mut far), work, report);
    compare("store_point_read", "1/s", Work::PointReads)?;
    compare("store_scan", "rows/s", Work::Scan)?;
    if options.more {
        compare("store_commit", "1/s", Work::Commits(Durability::Never))?;
        compare("store_commit_synced", "1/s", Work::Commits(Durability::Commit))?;
    }
    Ok(())
}

/// Something to do for a round.
#[derive(Clone, Copy)]
enum Work {
    PointReads,
    Scan,
    Commits(Durability),
}

/// A store that can do it; each says how much it did a second.
trait Side {
    fn point_reads(&mut self, round: Duration) -> Result<f64>;
    fn scan(&mut self, round: Duration) -> Result<f64>;
    fn commits(&mut self, durability: Durability, round: Duration) -> Result<f64>;

    fn work(&mut self, work: Work, round: Duration) -> Result<f64> {
        match work {
            Work::PointReads => self.point_reads(round),
            Work::Scan => self.scan(round),
            Work::Commits(durability) => self.commits(durability, round),
        }
    }
}

fn compare(
    (name, unit): (&'static str, &'static str),
    rounds: u32,
    round: Duration,
    (near, far): (&mut InProcess, &mut ThroughLane),
    work: Work,
    report: &mut Report,
) -> Result<()> {
    // Fills the caches.
    near.work(work, round)?;
    far.work(work, round)?;
    for _ in 0..rounds {
        let theirs = near.work(work, round)?;
        let ours = far.work(work, round)?;
        report.add((name, "in_process", unit), ours, theirs)?;
    }
    Ok(())
}

/// Does something until a round's time is up; returns its rate. The clock is read once
/// for each call.
fn rate(round: Duration, mut work: impl FnMut() -> Result<u64>) -> Result<f64> {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < round {
        done += work()?;
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// Keys in an order that no cache foresees.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> [u8; 8] {
        // Knuth's MMIX generator, whose high bits are good.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % ROWS).to_be_bytes()
    }
}

fn insert<'a>(index: IndexId, table: TableId, key: &'a [u8]) -> Write<'a> {
    Write {
        ops: vec![WriteOp::Insert {
            index,
            key,
            value: &VALUE,
        }],
        raise: vec![],
        row_delta: 1,
        answer: true,
        table,
    }
}
