//! How long to poll before sleeping: as long as it pays, and never longer than
//! the bound.
//!
//! **Crowds.** Where more threads want to run than there are processors, a thread
//! that spins takes the time of those who would answer it, and one that sleeps has
//! to be woken. There it is best to let the others run: each yield lets some of
//! them have their turn, and behind one of the first few the answer is there.

use crate::counters::Tally;
use std::time::{Duration, Instant};

/// Looks at the ring between two looks at the clock.
const LOOKS: u32 = 8;

/// What polling is weighed against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WakeUp {
    /// After polling was given up, every so many-th wait polls again to see whether it
    /// would pay now.
    probe: u32,
    /// The other waits poll for such a part of the bound; 0: not at all.
    part: u32,
    /// No wait polls for longer, whatever the bound: what is rare takes longer than any
    /// polling that could pay.
    most: Duration,
    /// So often others may have their turn while one polls: more yields cost more than
    /// the wake-up that they may save.
    turns: u32,
}

impl WakeUp {
    /// By the kernel that both sides share.
    pub(super) const BY_KERNEL: Self = Self {
        probe: 32,
        part: 0,
        most: Duration::from_micros(50),
        turns: 4,
    };

    /// By an interrupt into a virtual machine, which costs both sides much more.
    pub(super) const BY_INTERRUPT: Self = Self {
        probe: 8,
        part: 16,
        most: Duration::MAX,
        turns: 32,
    };
}

/// Alone on its processor, a thread looks for so long before it offers the
/// processor to others.
const SPIN: Duration = Duration::from_micros(5);

/// A yield that takes longer than this, and so many times the quickest one, gave the
/// processor to others. An emulated system call takes as long as some threads' turns
/// elsewhere.
const ALONE: Duration = Duration::from_micros(3);
const OTHERS_RAN: u32 = 4;

/// Polling that learns from its results.
#[derive(Debug)]
pub(super) struct Polling {
    bound: Duration,
    current: Duration,
    skipped: u32,
    wake_up: WakeUp,
    /// The shortest time that a yield has taken.
    quickest: Duration,
    /// Others wanted the processor when it was offered last.
    crowded: bool,
}

impl Polling {
    /// Polls for at most `bound` of its own time; zero: never.
    pub(super) fn new(bound: Duration, wake_up: WakeUp) -> Self {
        let bound = bound.min(wake_up.most);
        Self {
            bound,
            current: bound,
            skipped: 0,
            wake_up,
            quickest: Duration::MAX,
            crowded: false,
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
        let (hit, spent) = self.look(start, budget.min(rest), ready);
        tally
            .poll_nanos
            .add(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX));
        if hit {
            self.hit(spent);
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
        if self.skipped < self.wake_up.probe {
            return self.bound.checked_div(self.wake_up.part).unwrap_or_default();
        }
        self.skipped = 0;
        self.bound
    }

    /// Polling paid, after so long: allow for some more than that.
    fn hit(&mut self, spent: Duration) {
        self.current = (self.current * 2).max(spent * 4).min(self.bound);
    }

    /// Polling did not pay: poll less, and soon not at all.
    fn miss(&mut self) {
        self.current /= 2;
        if self.current < self.bound / 16 {
            self.current = Duration::ZERO;
        }
    }

    /// Looks until `ready`, or the budget is spent. Returns which, and what was spent:
    /// the time without the turns of others.
    fn look(
        &mut self,
        start: Instant,
        budget: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> (bool, Duration) {
        let mut others = Duration::ZERO;
        let mut turns = 0;
        let mut yielded = start;
        loop {
            for _ in 0..LOOKS {
                if ready() {
                    return (true, start.elapsed().saturating_sub(others));
                }
                std::hint::spin_loop();
            }
            let now = Instant::now();
            let spent = now.saturating_duration_since(start).saturating_sub(others);
            if spent >= budget || turns == self.wake_up.turns {
                return (false, spent);
            }
            if self.crowded || now.saturating_duration_since(yielded) >= SPIN {
                std::thread::yield_now();
                yielded = Instant::now();
                let away = yielded.saturating_duration_since(now);
                self.quickest = self.quickest.min(away);
                self.crowded = away > ALONE.max(self.quickest.saturating_mul(OTHERS_RAN));
                if self.crowded {
                    others += away;
                    turns += 1;
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_micros(48);
    const PROBE: u32 = WakeUp::BY_KERNEL.probe;

    #[test]
    fn a_bound_of_zero_never_polls() {
        let mut polling = Polling::new(Duration::ZERO, WakeUp::BY_INTERRUPT);
        for _ in 0..100 {
            assert_eq!(polling.budget(), Duration::ZERO);
            polling.miss();
        }
    }

    #[test]
    fn polling_that_does_not_pay_is_given_up_quickly_and_probed_now_and_then() {
        let mut polling = Polling::new(BOUND, WakeUp::BY_KERNEL);
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
    fn before_an_interrupt_it_is_never_given_up_wholly() {
        let mut polling = Polling::new(BOUND, WakeUp::BY_INTERRUPT);
        (0..10).for_each(|_| polling.miss());
        let budgets: Vec<_> = (0..8).map(|_| polling.budget()).collect();
        assert_eq!(budgets[..7], [BOUND / 16; 7]);
        assert_eq!(budgets[7], BOUND);
    }

    #[test]
    fn a_probe_that_pays_brings_polling_back() {
        let mut polling = Polling::new(BOUND, WakeUp::BY_KERNEL);
        (0..5).for_each(|_| polling.miss());
        assert!((0..PROBE).any(|_| polling.budget() == BOUND));
        polling.hit(Duration::from_micros(10));
        assert_eq!(polling.budget(), Duration::from_micros(40));
        (0..2).for_each(|_| polling.miss());
        (0..2).for_each(|_| polling.hit(Duration::ZERO));
        assert_eq!(polling.budget(), Duration::from_micros(40));
        polling.hit(Duration::from_micros(30));
        assert_eq!(polling.budget(), BOUND);
    }
}
