//! A table's AUTO_INCREMENT counter, as the guest hands its values out.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use vamos_guest::TableId;

/// Counters outlive the shares of their tables, so that FLUSH TABLES or an ALTER TABLE
/// without a copy gives nobody a value that a statement has taken and not used.
static COUNTERS: LazyLock<Mutex<HashMap<TableId, Arc<AutoIncrement>>>> = LazyLock::new(Mutex::default);

/// Above so many tables those that nobody has open are forgotten.
const REMEMBERED: usize = 4096;

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

    /// The counter of a table that is opened, of which the host says that it is at `next`.
    pub(crate) fn of_table(table: TableId, next: u64) -> Arc<Self> {
        let mut counters = COUNTERS.lock();
        if counters.len() >= REMEMBERED && !counters.contains_key(&table) {
            counters.retain(|_, counter| Arc::strong_count(counter) > 1);
        }
        let counter = counters.entry(table).or_insert_with(|| Arc::new(Self::new(next)));
        counter.raise(next);
        Arc::clone(counter)
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

    /// Takes `count` values, from `at_least` on, out of the series `offset`,
    /// `offset + increment`, .. and returns the first.
    pub(crate) fn reserve(&self, offset: u64, increment: u64, count: u64, at_least: u64) -> u64 {
        let mut counter = self.next.lock();
        *counter = (*counter).max(at_least);
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
        assert_eq!(counter.reserve(1, 1, 1, 0), 1);
        assert_eq!(counter.reserve(1, 1, 3, 0), 2);
        assert_eq!(counter.reserve(1, 1, 1, 0), 5);
        assert_eq!(counter.reserve(5, 10, 1, 0), 15);
        assert_eq!(counter.reserve(5, 10, 2, 0), 25);
        assert_eq!(counter.reserve(1, 1, 1, 0), 45);
    }

    #[test]
    fn a_smaller_increment_goes_on_in_the_old_series() {
        let counter = AutoIncrement::new(1100);
        assert_eq!(counter.reserve(200, 50, 3, 0), 1100);
    }

    #[test]
    fn values_follow_what_a_statement_has_written_itself() {
        let counter = AutoIncrement::new(10);
        assert_eq!(counter.reserve(1, 1, 3, 1000), 1000);
        assert_eq!(counter.reserve(1, 1, 1, 4), 1003);
    }

    #[test]
    fn a_table_that_is_opened_again_goes_on() {
        let table = TableId(u32::MAX);
        AutoIncrement::of_table(table, 5).reserve(1, 1, 10, 0);
        assert_eq!(AutoIncrement::of_table(table, 7).next(), 15);
        assert_eq!(AutoIncrement::of_table(table, 20).next(), 20);
    }

    #[test]
    fn counter_only_rises_unless_set() {
        let counter = AutoIncrement::new(10);
        counter.raise(5);
        assert_eq!(counter.next(), 10);
        counter.raise(u64::MAX);
        assert_eq!(counter.reserve(1, 1, 1, 0), u64::MAX);
        counter.set(3);
        assert_eq!(counter.next(), 3);
    }
}
