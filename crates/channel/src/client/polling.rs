//! How long to poll before sleeping: as long as it pays, and never longer than
//! the bound.

use crate::counters::Tally;
use std::time::{Duration, Instant};

/// Looks at the ring between two looks at the clock.
const LOOKS: u32 = 8;

/// After polling was given up, every so many-th wait polls again to see
/// whether it would pay now.
const PROBE: u32 = 32;

/// Polling that learns from its results.
#[derive(Debug)]
pub(super) struct Polling {
    bound: Duration,
    current: Duration,
    skipped: u32,
}

impl Polling {
    /// Polls for at most `bound`; zero: never.
    pub(super) fn new(bound: Duration) -> Self {
        Self {
            bound,
            current: bound,
            skipped: 0,
        }
    }

    /// Polls until `ready`, and returns whether it was in time.
    pub(super) fn poll(
        &mut self,
        until: Option<Instant>,
        tally: &Tally,
        ready: impl FnMut() -> bool,
    ) -> bool {
        let budget = self.budget();
        if budget.is_zero() {
            return false;
        }
        let start = Instant::now();
        let rest = until.map_or(budget, |until| until.saturating_duration_since(start));
        let (hit, elapsed) = spin(start, budget.min(rest), ready);
        tally
            .poll_nanos
            .add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
        if hit {
            self.hit(elapsed);
        } else {
            self.miss();
        }
        hit
    }

    /// How long the next wait may poll.
    fn budget(&mut self) -> Duration {
        if !self.current.is_zero() {
            return self.current;
        }
        self.skipped += 1;
        if self.skipped < PROBE {
            return Duration::ZERO;
        }
        self.skipped = 0;
        self.bound
    }

    /// Polling paid, after so long: allow for some more than that.
    fn hit(&mut self, elapsed: Duration) {
        self.current = self.current.max(elapsed * 4).min(self.bound);
    }

    /// Polling did not pay: poll less, and soon not at all.
    fn miss(&mut self) {
        self.current /= 2;
        if self.current < self.bound / 16 {
            self.current = Duration::ZERO;
        }
    }
}

fn spin(start: Instant, budget: Duration, mut ready: impl FnMut() -> bool) -> (bool, Duration) {
    loop {
        for _ in 0..LOOKS {
            if ready() {
                return (true, start.elapsed());
            }
            std::hint::spin_loop();
        }
        let elapsed = start.elapsed();
        if elapsed >= budget {
            return (false, elapsed);
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_micros(64);

    #[test]
    fn a_bound_of_zero_never_polls() {
        let mut polling = Polling::new(Duration::ZERO);
        for _ in 0..100 {
            assert_eq!(polling.budget(), Duration::ZERO);
            polling.miss();
        }
    }

    #[test]
    fn polling_that_does_not_pay_is_given_up_quickly_and_probed_now_and_then() {
        let mut polling = Polling::new(BOUND);
        let mut spent = Duration::ZERO;
        for _ in 0..1000 {
            let budget = polling.budget();
            spent += budget;
            if !budget.is_zero() {
                polling.miss();
            }
        }
        // Twice the bound to give up, then once the bound each 32 waits.
        assert!(spent <= BOUND * (2 + 1000 / PROBE), "{spent:?}");
        assert!(spent >= BOUND * (1000 / PROBE - 1), "{spent:?}");
    }

    #[test]
    fn a_probe_that_pays_brings_polling_back() {
        let mut polling = Polling::new(BOUND);
        (0..5).for_each(|_| polling.miss());
        assert!((0..PROBE).any(|_| polling.budget() == BOUND));
        polling.hit(Duration::from_micros(10));
        assert_eq!(polling.budget(), Duration::from_micros(40));
        polling.hit(Duration::from_micros(30));
        assert_eq!(polling.budget(), BOUND);
    }
}
