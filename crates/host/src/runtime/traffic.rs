//! How busy a guest is, all lanes together: whether to look at its lanes by the clock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A nap lasts for such a part of the time for which it was quiet, so that a request
/// waits for little of the time that passed before it.
const NAP_PART: u32 = 8;
const SHORTEST_NAP: Duration = Duration::from_micros(50);
pub(super) const LONGEST_NAP: Duration = Duration::from_micros(500);

/// The guest is busy if no more than this passed between its last requests, and since.
const BUSY: Duration = Duration::from_millis(5);

/// When something was found on a lane.
#[derive(Debug)]
pub(super) struct Traffic {
    /// Naps are wanted at all.
    naps: bool,
    born: Instant,
    /// The last time, in microseconds after `born`, and how long after the one before.
    last_us: AtomicU64,
    gap_us: AtomicU64,
}

impl Traffic {
    pub(super) fn new(naps: bool) -> Self {
        Self {
            naps,
            born: Instant::now(),
            last_us: AtomicU64::new(0),
            gap_us: AtomicU64::new(u64::MAX),
        }
    }

    /// Something was found.
    pub(super) fn found(&self, now: Instant) {
        if self.naps {
            let since = now.saturating_duration_since(self.born).as_micros();
            let now_us = u64::try_from(since).unwrap_or(u64::MAX);
            let before = self.last_us.swap(now_us, Relaxed);
            self.gap_us.store(now_us.saturating_sub(before), Relaxed);
        }
    }

    /// After how long to look again instead of asking for doorbells, if it is busy.
    pub(super) fn nap(&self, now: Instant) -> Option<Duration> {
        if !self.naps {
            return None;
        }
        let last = self.born + Duration::from_micros(self.last_us.load(Relaxed));
        let quiet = now.saturating_duration_since(last);
        let gap = Duration::from_micros(self.gap_us.load(Relaxed));
        (gap < BUSY && quiet < BUSY).then(|| (quiet / NAP_PART).clamp(SHORTEST_NAP, LONGEST_NAP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_follow_the_quiet_and_end_with_the_traffic() {
        let traffic = Traffic::new(true);
        let at = |us| traffic.born + Duration::from_micros(us);
        assert_eq!(traffic.nap(at(1)), None, "nothing came yet");
        traffic.found(at(10_000));
        assert_eq!(traffic.nap(at(10_001)), None, "nothing came shortly before");
        traffic.found(at(12_000));
        let nap = |us| traffic.nap(at(us)).map(|nap| nap.as_micros());
        assert_eq!(nap(12_001), Some(50));
        assert_eq!(nap(13_600), Some(200));
        assert_eq!(nap(16_999), Some(500));
        assert_eq!(nap(17_000), None);
    }

    #[test]
    fn where_doorbells_are_cheap_there_are_no_naps() {
        let traffic = Traffic::new(false);
        traffic.found(traffic.born);
        traffic.found(traffic.born);
        assert_eq!(traffic.nap(traffic.born), None);
    }
}
