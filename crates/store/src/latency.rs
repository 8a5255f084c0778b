//! How long things take: histograms, for an operator.

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::time::Duration;

/// Two significant digits are enough to see what is slow.
const DIGITS: u8 = 2;
/// Longer than this counts as this: an hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// Durations since the store was opened.
#[derive(Debug)]
pub(crate) struct Latencies(Mutex<Option<Histogram<u64>>>);

/// What a histogram says, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) longest: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Mutex::new(Histogram::new_with_bounds(1, LONGEST, DIGITS).ok()))
    }
}

impl Latencies {
    pub(crate) fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
        if let Some(histogram) = &mut *self.0.lock() {
            histogram.saturating_record(micros.clamp(1, LONGEST));
        }
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        match &*self.0.lock() {
            Some(histogram) if !histogram.is_empty() => Percentiles {
                p50: histogram.value_at_quantile(0.5),
                p99: histogram.value_at_quantile(0.99),
                longest: histogram.max(),
            },
            _ => Percentiles::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_tell_the_rule_and_the_exception() {
        let latencies = Latencies::default();
        assert_eq!(latencies.percentiles(), Percentiles::default());
        for _ in 0..990 {
            latencies.record(Duration::from_micros(100));
        }
        for _ in 0..10 {
            latencies.record(Duration::from_millis(20));
        }
        latencies.record(Duration::from_secs(1_000_000));
        let told = latencies.percentiles();
        assert_eq!(told.p50, 100);
        assert!((19_000..21_000).contains(&told.p99), "{told:?}");
        assert!(told.longest >= LONGEST - LONGEST / 50, "{told:?}");
    }
}
