//! How long an idle thread polls before it sleeps.

use std::time::Duration;

/// The shortest polling that is worth its while.
const LEAST: Duration = Duration::from_micros(5);

/// A polling time that follows what pays, between nothing and a bound: the rule
/// of the kernel's `halt_poll_ns` (Documentation/virt/kvm/halt-polling.rst).
///
/// A sleep that ended soon would have been saved by polling longer; one that
/// lasted long shows that polling would have been in vain.
#[derive(Debug)]
pub(super) struct Budget {
    most: Duration,
    now: Duration,
}

impl Budget {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, now: most }
    }

    pub(super) fn current(&self) -> Duration {
        self.now
    }

    /// Learns from a sleep that something ended.
    pub(super) fn slept(&mut self, time: Duration) {
        self.now = if time <= self.most {
            (self.now * 2).max(LEAST).min(self.most)
        } else if self.now > LEAST {
            self.now / 2
        } else {
            Duration::ZERO
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_micros(50);

    #[test]
    fn short_sleeps_bring_polling_back_up_to_the_bound() {
        let mut budget = Budget::new(MOST);
        for _ in 0..20 {
            budget.slept(Duration::from_secs(1));
        }
        assert_eq!(budget.current(), Duration::ZERO);
        for _ in 0..20 {
            budget.slept(Duration::from_micros(20));
        }
        assert_eq!(budget.current(), MOST);
    }

    #[test]
    fn a_bound_of_nothing_never_polls() {
        let mut budget = Budget::new(Duration::ZERO);
        budget.slept(Duration::ZERO);
        assert_eq!(budget.current(), Duration::ZERO);
    }
}
