//! The processor time of processes on the host.

use std::{fs, ops::Sub};

use anyhow::{Context, Result};

/// Processor time in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// Of all threads, also of those that have ended.
    pub total_ms: u64,
    /// Of the threads that run a guest's virtual processors, where the process
    /// is QEMU.
    pub vcpu_ms: u64,
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            total_ms: self.total_ms.saturating_sub(before.total_ms),
            vcpu_ms: self.vcpu_ms.saturating_sub(before.vcpu_ms),
        }
    }
}

/// The processor time that a process has used, over all of its threads, also
/// those that have ended, in milliseconds.
///
/// # Errors
/// If there is no such process.
pub fn cpu_ms(pid: u32) -> Result<u64> {
    read(&format!("/proc/{pid}/stat")).map(|stat| stat.ms)
}

/// As [`cpu_ms`], with the virtual processors' share told apart.
///
/// # Errors
/// If there is no such process.
pub fn cpu_time(pid: u32) -> Result<CpuTime> {
    let mut time = CpuTime {
        total_ms: cpu_ms(pid)?,
        vcpu_ms: 0,
    };
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .with_context(|| format!("cannot list the threads of process {pid}"))?;
    for task in tasks.flatten() {
        // A thread may end while we look.
        if let Ok(stat) = read(&format!("{}/stat", task.path().display()))
            && stat.name.starts_with("CPU ")
        {
            time.vcpu_ms += stat.ms;
        }
    }
    Ok(time)
}

struct Stat {
    name: String,
    ms: u64,
}

fn read(path: &str) -> Result<Stat> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    parse(&text, rustix::param::clock_ticks_per_second())
        .with_context(|| format!("{path} is not in the form of proc(5)"))
}

/// Takes the name, and user and system time, from a line of `/proc/PID/stat`.
fn parse(stat: &str, ticks_per_second: u64) -> Option<Stat> {
    let (_, rest) = stat.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    // The state is field 3 of proc(5); the times are fields 14 and 15.
    let mut times = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(Stat {
        name: name.to_owned(),
        ms: ticks * 1000 / ticks_per_second.max(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_whatever_the_name() {
        let line = "42 (CPU 0/TCG) x)) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1";
        let stat = parse(line, 100).expect("parse");
        assert_eq!(stat.name, "CPU 0/TCG) x)");
        assert_eq!(stat.ms, 3000);
    }

    #[test]
    fn this_process_uses_time() {
        let before = cpu_time(std::process::id()).expect("cpu");
        let begin = std::time::Instant::now();
        while begin.elapsed().as_millis() < 60 {}
        let used = cpu_time(std::process::id()).expect("cpu") - before;
        assert!((20..1000).contains(&used.total_ms), "{used:?}");
        assert_eq!(used.vcpu_ms, 0);
    }
}
