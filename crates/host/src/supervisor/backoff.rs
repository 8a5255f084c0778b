//! How long to wait before a worker is started again.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(100);
/// A worker that ran for so long was well: the next pause is the shortest again.
const STABLE: Duration = Duration::from_secs(10);

/// Pauses that double while the worker keeps failing.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            next: SHORTEST.min(longest),
            longest,
        }
    }

    /// The pause after a worker that ran for so long.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= STABLE {
            self.next = SHORTEST.min(self.longest);
        }
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_start_again_after_a_good_run() {
        let mut backoff = Backoff::new(Duration::from_secs(10));
        let pauses: Vec<_> = (0..9)
            .map(|_| backoff.after(Duration::ZERO).as_millis())
            .collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff.after(STABLE), SHORTEST);
    }
}
