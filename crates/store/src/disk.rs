//! Who may have to wait for the disk says so before: whoever serves others lets them be
//! served by another thread.
//!
//! A point read looks into memory first and knows. Other reads (ranges, many keys at
//! once) cannot be asked twice so cheaply: they go by what happened to those before.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use vamos_rocks::{ReadOptions, blocks_read};

/// After a read that had to wait for the disk, so many are expected to.
const EXPECTED: u32 = 4;

/// What is known of waits for the disk.
#[derive(Debug)]
pub(crate) struct Disk {
    /// See [`StoreOptions::before_disk`](crate::StoreOptions::before_disk).
    announce: Option<fn()>,
    /// So many reads are expected to wait.
    expected: AtomicU32,
}

impl Disk {
    pub(crate) fn new(announce: Option<fn()>) -> Self {
        Self {
            announce,
            expected: AtomicU32::new(0),
        }
    }

    /// Options with which a point read announces that it goes to the disk.
    pub(crate) fn announced_by(&self, options: ReadOptions) -> ReadOptions {
        match self.announce {
            Some(announce) => options.before_disk(announce),
            None => options,
        }
    }

    /// Announces that a read may wait, if it is expected to.
    pub(crate) fn expect(&self) {
        let Some(announce) = self.announce else {
            return;
        };
        let expected = self.expected.load(Relaxed);
        if expected > 0 {
            // Others may count at the same time: it is a guess anyhow.
            self.expected.store(expected - 1, Relaxed);
            announce();
        }
    }

    /// Reads in this thread, and learns from whether that waited.
    pub(crate) fn reading<T>(&self, read: impl FnOnce() -> T) -> T {
        if self.announce.is_none() {
            return read();
        }
        self.expect();
        let before = blocks_read();
        let result = read();
        if blocks_read() != before {
            self.expected.store(EXPECTED, Relaxed);
        }
        result
    }
}
