//! A table's AUTO_INCREMENT counter, as the guest hands its values out.

use parking_lot::Mutex;

/// The next value; the host has its own copy, raised with each row that uses one.
#[derive(Debug)]
pub(crate) struct AutoIncrement {
    next: Mutex<u64>,
}

impl AutoIncrement {
    pub(crate) fn new(next: u64) -> Self {
        Self {
            next: Mutex::new(next.max(1)),
        }
    }

    /// The next value.
    pub(crate) fn next(&self) -> u64 {
        *self.next.lock()
    }

    /// Sets the next value, up or down.
    pub(crate) fn set(&self, next: u64) {
        *self.next.lock() = next.max(1);
    }

    /// Makes the next value at least this.
    pub(crate) fn raise(&self, next: u64) {
        let mut counter = self.next.lock();
        *counter = (*counter).max(next);
    }

    /// Takes `count` values out of the series `offset`, `offset + increment`, ..
    /// and returns the first.
    pub(crate) fn reserve(&self, offset: u64, increment: u64, count: u64) -> u64 {
        let mut counter = self.next.lock();
        let increment = increment.max(1);
        // The server rounds what it gets to its own series, in which an offset
        // above the increment counts by its remainder.
        let offset = if offset > increment {
            offset % increment
        } else {
            offset.max(1)
        };
        let first = match *counter <= offset {
            true => offset,
            false => (*counter - offset)
                .div_ceil(increment)
                .saturating_mul(increment)
                .saturating_add(offset),
        };
        *counter = first.saturating_add(count.max(1).saturating_mul(increment));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_offset_and_increment() {
        let counter = AutoIncrement::new(1);
        assert_eq!(counter.reserve(1, 1, 1), 1);
        assert_eq!(counter.reserve(1, 1, 3), 2);
        assert_eq!(counter.reserve(1, 1, 1), 5);
        assert_eq!(counter.reserve(5, 10, 1), 15);
        assert_eq!(counter.reserve(5, 10, 2), 25);
        assert_eq!(counter.reserve(1, 1, 1), 45);
    }

    #[test]
    fn a_smaller_increment_goes_on_in_the_old_series() {
        let counter = AutoIncrement::new(1100);
        assert_eq!(counter.reserve(200, 50, 3), 1100);
    }

    #[test]
    fn counter_only_rises_unless_set() {
        let counter = AutoIncrement::new(10);
        counter.raise(5);
        assert_eq!(counter.next(), 10);
        counter.raise(u64::MAX);
        assert_eq!(counter.reserve(1, 1, 1), u64::MAX);
        counter.set(3);
        assert_eq!(counter.next(), 3);
    }
}
