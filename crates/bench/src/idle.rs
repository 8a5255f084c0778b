//! What lanes cost that are open and that nobody uses.

use crate::daemon::Daemon;
use crate::report::Report;
use crate::{Options, cpu};
use anyhow::Result;
use std::time::{Duration, Instant};
use vamos_guest::Isolation;

const LANES: usize = 64;

/// Until what the last requests left behind is done.
const SETTLE: Duration = Duration::from_millis(500);

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let daemon = Daemon::start(&options.vamosd()?, directory.path())?;
    let mut sessions = (0..LANES).map(|_| daemon.session()).collect::<Result<Vec<_>>>()?;
    for session in &mut sessions {
        session.begin(Isolation::RepeatableRead, Duration::from_secs(50));
        session.ping()?;
    }
    std::thread::sleep(SETTLE);
    let processes = daemon.processes()?;
    let total = || -> Result<Duration> { processes.iter().map(|&pid| cpu::time_of(pid)).sum() };
    for _ in 0..options.rounds.div_ceil(3) {
        let (begin, before) = (Instant::now(), total()?);
        std::thread::sleep(options.round() * 10);
        let spent = total()?.saturating_sub(before);
        // A ratio of nothing could not be drawn: nothing is a microsecond here.
        let spent = spent.max(Duration::from_micros(1));
        let share = spent.as_secs_f64() / begin.elapsed().as_secs_f64();
        report.add(("idle_cpu", "core", "cores"), share, 1.0)?;
    }
    Ok(())
}
