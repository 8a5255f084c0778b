//! Numbers that many commits change at once: row counts (which add up) and
//! counters (of which the highest counts).
//!
//! Each change is a RocksDB merge. Merges commute, so that commits written in any
//! order leave the same number, and a crash loses none that was written.

/// A number's changes: what it is made of, and how they combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// Changes are added.
    Sum(i64),
    /// The highest counts.
    Highest(u64),
}

const SUM: u8 = b'+';
const HIGHEST: u8 = b'^';

impl Number {
    pub(crate) fn encode(self) -> [u8; 9] {
        let (kind, bytes) = match self {
            Self::Sum(value) => (SUM, value.to_le_bytes()),
            Self::Highest(value) => (HIGHEST, value.to_le_bytes()),
        };
        let mut encoded = [kind; 9];
        encoded[1..].copy_from_slice(&bytes);
        encoded
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&kind, value) = bytes.split_first()?;
        let value = value.try_into().ok()?;
        match kind {
            SUM => Some(Self::Sum(i64::from_le_bytes(value))),
            HIGHEST => Some(Self::Highest(u64::from_le_bytes(value))),
            _ => None,
        }
    }

    fn join(self, later: Self) -> Option<Self> {
        match (self, later) {
            (Self::Sum(a), Self::Sum(b)) => Some(Self::Sum(a.wrapping_add(b))),
            (Self::Highest(a), Self::Highest(b)) => Some(Self::Highest(a.max(b))),
            _ => None,
        }
    }
}

/// RocksDB's merge function for such numbers.
pub(crate) fn merge(values: &mut dyn Iterator<Item = &[u8]>) -> Option<Vec<u8>> {
    let mut result = Number::decode(values.next()?)?;
    for value in values {
        result = result.join(Number::decode(value)?)?;
    }
    Some(result.encode().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(numbers: &[Number]) -> Option<Number> {
        let encoded: Vec<_> = numbers.iter().map(|n| n.encode()).collect();
        merge(&mut encoded.iter().map(|e| &e[..])).and_then(|bytes| Number::decode(&bytes))
    }

    #[test]
    fn sums_add_and_highest_wins() {
        assert_eq!(merged(&[Number::Sum(5), Number::Sum(-7)]), Some(Number::Sum(-2)));
        let highest = [3, 9, 4].map(Number::Highest);
        assert_eq!(merged(&highest), Some(Number::Highest(9)));
    }

    #[test]
    fn mixed_or_damaged_is_refused() {
        assert_eq!(merged(&[Number::Sum(5), Number::Highest(7)]), None);
        assert_eq!(merge(&mut [&b"+12"[..]].into_iter()), None);
    }
}
