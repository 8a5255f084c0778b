//! Processors: which one a thread runs on, and how long threads have run.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::time::{Duration, Instant};

/// Keeps this thread on a processor.
pub(crate) fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("cannot pin a thread to CPU {cpu}, so the figures mean little: {error}");
    }
}

/// How long all threads of a process have run until now. What a thread that has ended
/// meanwhile had run is lost.
///
/// From `/proc/PID/task/TID/schedstat`, whose first number is in nanoseconds
/// (Documentation/scheduler/sched-stats.rst of Linux).
pub(crate) fn time_of(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("schedstat");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}, which needs CONFIG_SCHED_INFO", path.display()))?;
        let first = text.split_whitespace().next().unwrap_or_default();
        nanos += first.parse::<u64>().context("schedstat has no number")?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// Runs `work` so often and returns nanoseconds for each.
pub(crate) fn nanos_each(count: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..count {
        work()?;
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(count))
}
