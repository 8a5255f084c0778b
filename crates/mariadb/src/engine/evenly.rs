//! Keys that are spread evenly over an index: how many entries lie between two of them
//! is reckoned, and the host need not be asked.

use vamos_guest::EvenKeys;

/// What is reckoned counts if it may be wrong by an eighth at most.
const SURE: f64 = 8.0;

/// What the host said of an index's keys; see [`EvenKeys`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Evenly {
    common: Vec<u8>,
    first: u64,
    last: u64,
    off_by: f64,
}

impl Evenly {
    pub(super) fn new(keys: &EvenKeys<'_>) -> Self {
        let both = keys.first.iter().zip(keys.last);
        let common = both.take_while(|(a, b)| a == b).count();
        Self {
            common: keys.first.get(..common).unwrap_or_default().to_vec(),
            first: number_at(keys.first, common),
            last: number_at(keys.last, common),
            off_by: keys.off_by as f64,
        }
    }

    /// About how many of an index's `entries` lie between two keys, if that can be
    /// told: both must be among those that the host saw.
    pub(super) fn between(&self, low: &[u8], high: &[u8], entries: u64) -> Option<u64> {
        let (low, high) = (self.place(low)?, self.place(high)?);
        let width = self.last.saturating_sub(self.first) as f64;
        let reckoned = high.saturating_sub(low) as f64 / width * entries.saturating_sub(1) as f64;
        let sure = reckoned >= self.off_by * SURE;
        (width > 0.0 && sure).then_some(reckoned.round() as u64)
    }

    fn place(&self, key: &[u8]) -> Option<u64> {
        let number = number_at(key, self.common.len());
        let within = key.starts_with(&self.common) && (self.first..=self.last).contains(&number);
        within.then_some(number)
    }
}

/// The eight bytes from a position on, as a number.
fn number_at(key: &[u8], position: usize) -> u64 {
    let mut bytes = [0; 8];
    let rest = key.get(position..).unwrap_or_default();
    let length = rest.len().min(8);
    bytes[..length].copy_from_slice(&rest[..length]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evenly(off_by: u64) -> Evenly {
        Evenly::new(&EvenKeys {
            first: &1000_u32.to_be_bytes(),
            last: &10_999_u32.to_be_bytes(),
            off_by,
        })
    }

    fn between(evenly: &Evenly, low: u32, high: u32) -> Option<u64> {
        evenly.between(&low.to_be_bytes(), &high.to_be_bytes(), 10_000)
    }

    #[test]
    fn a_range_among_the_keys_is_reckoned() {
        assert_eq!(between(&evenly(0), 2000, 2100), Some(100));
        assert_eq!(between(&evenly(0), 2000, 2001), Some(1));
        assert_eq!(between(&evenly(0), 2100, 2000), Some(0));
    }

    #[test]
    fn what_lies_beyond_the_keys_or_is_unsure_is_not() {
        assert_eq!(between(&evenly(0), 999, 2000), None);
        assert_eq!(between(&evenly(0), 2000, 11_000), None);
        assert_eq!(between(&evenly(20), 2000, 2100), None);
        assert_eq!(between(&evenly(20), 2000, 2200), Some(200));
        assert_eq!(evenly(0).between(b"", b"zzzz", 10_000), None);
    }

    #[test]
    fn nonsense_of_the_host_is_no_estimate() {
        let keys = EvenKeys {
            first: b"b",
            last: b"a",
            off_by: 0,
        };
        assert_eq!(Evenly::new(&keys).between(b"a", b"b", 100), None);
    }
}
