//! How far a run is, and how long it may still take.

use std::time::{Duration, Instant};

/// Says how far a run is and how long it may still take.
#[derive(Debug)]
pub(super) struct Progress {
    begin: Instant,
    done: usize,
    all: usize,
}

impl Progress {
    /// So many steps are to come.
    pub(super) fn new(all: usize) -> Self {
        Self {
            begin: Instant::now(),
            done: 0,
            all,
        }
    }

    /// One more is done.
    pub(super) fn step(&mut self, what: &str) {
        self.done += 1;
        let left = self.begin.elapsed() / u32::try_from(self.done).unwrap_or(u32::MAX)
            * u32::try_from(self.all - self.done).unwrap_or(u32::MAX);
        println!(
            "eval: {}/{} {what}, about {} left",
            self.done,
            self.all,
            in_words(left)
        );
    }
}

fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
