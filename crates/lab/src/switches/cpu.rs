//! The processor time of processes on the host.

use std::{fs, ops::Sub, path::Path};

use anyhow::{Context, Result};

/// More than the kernel's own account of a whole process, which is in clock
/// ticks, can be from the sum over its threads, in microseconds.
const ROUNDING_US: u64 = 20_000;

/// Processor time in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// Of all threads, also of those that have ended.
    pub total_us: u64,
    /// Of the threads that run a guest's virtual processors, where the process
    /// is QEMU.
    pub vcpu_us: u64,
}

impl CpuTime {
    /// Of all but the virtual processors.
    #[must_use]
    pub fn other_us(&self) -> u64 {
        self.total_us.saturating_sub(self.vcpu_us)
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            total_us: self.total_us.saturating_sub(before.total_us),
            vcpu_us: self.vcpu_us.saturating_sub(before.vcpu_us),
        }
    }
}

/// The processor time that a process has used, the virtual processors' share told
/// apart. It is exact for threads that live; the time of threads that have ended
/// is known only where it exceeds 20 ms.
///
/// # Errors
/// If there is no such process.
pub fn cpu_time(pid: u32) -> Result<CpuTime> {
    let process = format!("/proc/{pid}");
    let account = account_us(&read(&format!("{process}/stat"))?)
        .with_context(|| format!("{process}/stat is not in the form of proc(5)"))?;
    let tasks = fs::read_dir(format!("{process}/task"))
        .with_context(|| format!("cannot list the threads of process {pid}"))?;
    let mut time = CpuTime::default();
    for task in tasks.flatten() {
        // A thread may end while we look.
        let Some((name, us)) = thread(&task.path()) else {
            continue;
        };
        time.total_us += us;
        if name.starts_with("CPU ") {
            time.vcpu_us += us;
        }
    }
    if account > time.total_us + ROUNDING_US {
        time.total_us = account;
    }
    Ok(time)
}

/// The name of a thread and its time on a processor in microseconds. The kernel
/// counts nanoseconds in the first field of `schedstat`.
fn thread(task: &Path) -> Option<(String, u64)> {
    let name = fs::read_to_string(task.join("comm")).ok()?;
    let schedstat = fs::read_to_string(task.join("schedstat")).ok()?;
    let nanos: u64 = schedstat.split_whitespace().next()?.parse().ok()?;
    Some((name, nanos / 1000))
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// Takes user and system time from a line of `/proc/PID/stat`.
fn account_us(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    // The state is field 3 of proc(5); the times are fields 14 and 15.
    let mut times = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_whatever_the_name() {
        let line = "42 (CPU 0/TCG) x)) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1";
        let ticks = rustix::param::clock_ticks_per_second();
        assert_eq!(account_us(line), Some(300 * 1_000_000 / ticks));
    }

    #[test]
    fn this_process_uses_time() {
        let before = cpu_time(std::process::id()).expect("cpu");
        let used = (0..1_000_000)
            .map(|_| cpu_time(std::process::id()).expect("cpu") - before)
            .find(|used| used.total_us >= 20_000)
            .expect("looking at it a million times takes time");
        assert_eq!(used.vcpu_us, 0);
    }
}
