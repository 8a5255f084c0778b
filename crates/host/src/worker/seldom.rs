//! Log lines that a stranger can cause, not too many of them.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// So many lines are written in each period.
const LINES: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);

/// Says which lines are written and counts the others.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Period>);

#[derive(Debug, Default)]
struct Period {
    began: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl Seldom {
    /// Whether a line is written now: then how many were left out before it.
    pub(super) fn line(&self) -> Option<u64> {
        self.line_at(Instant::now())
    }

    fn line_at(&self, now: Instant) -> Option<u64> {
        let mut period = self.0.lock();
        if period.began.is_none_or(|began| now >= began + PERIOD) {
            period.began = Some(now);
            period.written = 0;
        }
        if period.written >= LINES {
            period.left_out += 1;
            return None;
        }
        period.written += 1;
        Some(std::mem::take(&mut period.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_counted_and_the_count_is_told() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let written = (0..1000).filter_map(|_| seldom.line_at(start)).count();
        assert_eq!(written, 20);
        assert_eq!(seldom.line_at(start + PERIOD), Some(980));
        assert_eq!(seldom.line_at(start + PERIOD), Some(0));
    }
}
