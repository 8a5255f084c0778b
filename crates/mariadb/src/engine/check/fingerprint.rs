//! What a set of entries is, whatever their order, in a few bytes.

use std::hash::{BuildHasher, RandomState};

/// Two independent hash functions, drawn anew for each check.
#[derive(Debug, Default)]
pub(super) struct Hasher(RandomState, RandomState);

/// The sum of 128-bit hashes of entries: two sets of which one lacks an entry, or
/// has another one, have the same sum with a probability of about 2^-128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    entries: u64,
    sum: (u64, u64),
}

impl Fingerprint {
    /// Adds an entry. Key and value are hashed with their lengths.
    pub(super) fn add(&mut self, hasher: &Hasher, key: &[u8], value: &[u8]) {
        self.entries += 1;
        self.sum.0 = self.sum.0.wrapping_add(hasher.0.hash_one((key, value)));
        self.sum.1 = self.sum.1.wrapping_add(hasher.1.hash_one((key, value)));
    }

    /// How many entries.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[(&[u8], &[u8])], hasher: &Hasher) -> Fingerprint {
        let mut fingerprint = Fingerprint::default();
        entries
            .iter()
            .for_each(|(key, value)| fingerprint.add(hasher, key, value));
        fingerprint
    }

    #[test]
    fn the_order_does_not_matter_and_everything_else_does() {
        let hasher = Hasher::default();
        let two = of(&[(b"a", b"1"), (b"b", b"2")], &hasher);
        assert_eq!(two, of(&[(b"b", b"2"), (b"a", b"1")], &hasher));
        assert_ne!(two, of(&[(b"a", b"2"), (b"b", b"1")], &hasher));
        assert_ne!(two, of(&[(b"a", b"1")], &hasher));
        assert_ne!(two, of(&[(b"a", b"1"), (b"b2", b"")], &hasher));
    }
}
