//! Whether an index's keys are spread evenly, so that a client can reckon by itself
//! how many entries lie between two of them.
//!
//! Keys are taken as numbers: the eight bytes behind those that all keys begin with.
//! Neighbours are looked at in runs. Over each run the entries should be as dense as
//! over the whole index, and within it each entry should have about the place that its
//! number gives it.

use super::number_at;
use vamos_proto::EvenKeys;

/// Neighbours that are compared together.
const RUN: usize = 512;
/// Shorter runs (the rest of an index) tell little.
const SHORTEST: usize = 64;
/// A run's density differs from the whole index's by this factor at most. Of keys that
/// are drawn by lot, 512 differ from what is expected by 1.13 once in 370 times.
const FACTOR: f64 = 1.25;

/// Looks at runs of an index's keys, in their order.
#[derive(Debug)]
pub(super) struct Evenness {
    first: Vec<u8>,
    last: Vec<u8>,
    common: usize,
    /// Entries for each step from one number to the next.
    density: f64,
    run: Vec<u64>,
    runs: usize,
    off_by: f64,
    even: bool,
}

impl Evenness {
    /// For an index of about so many entries, whose first and last keys are these.
    pub(super) fn new(first: &[u8], last: &[u8], entries: u64) -> Self {
        let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let width = number_at(last, common).saturating_sub(number_at(first, common));
        Self {
            first: first.to_vec(),
            last: last.to_vec(),
            common,
            density: entries.saturating_sub(1) as f64 / width as f64,
            run: Vec::with_capacity(RUN),
            runs: 0,
            off_by: 0.0,
            even: width > 0,
        }
    }

    /// Takes a key in, which follows the one before or begins elsewhere.
    pub(super) fn add(&mut self, key: &[u8], begins: bool) {
        if !self.even {
            return;
        }
        if begins || self.run.len() == RUN {
            self.end_run();
        }
        self.run.push(number_at(key, self.common));
    }

    fn end_run(&mut self) {
        if let (Some(&from), Some(&to)) = (self.run.first(), self.run.last())
            && self.run.len() >= SHORTEST
        {
            let steps = (self.run.len() - 1) as f64;
            let width = to.saturating_sub(from) as f64;
            let factor = width * self.density / steps;
            self.even &= (1.0 / FACTOR..=FACTOR).contains(&factor);
            for (place, &number) in self.run.iter().enumerate() {
                let reckoned = number.saturating_sub(from) as f64 / width * steps;
                self.off_by = self.off_by.max((reckoned - place as f64).abs());
            }
            self.runs += 1;
        }
        self.run.clear();
    }

    /// What the client is told, if the keys are spread evenly.
    pub(super) fn found(mut self) -> Option<Even> {
        self.end_run();
        (self.even && self.runs > 0).then_some(Even {
            first: self.first,
            last: self.last,
            off_by: self.off_by.round() as u64,
        })
    }
}

/// See [`EvenKeys`].
#[derive(Debug)]
pub(super) struct Even {
    first: Vec<u8>,
    last: Vec<u8>,
    off_by: u64,
}

impl Even {
    pub(super) fn as_message(&self) -> EvenKeys<'_> {
        EvenKeys {
            first: &self.first,
            last: &self.last,
            off_by: self.off_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(keys: &[u32]) -> Option<Even> {
        let bytes = |key: &u32| key.to_be_bytes();
        let mut evenness = Evenness::new(&bytes(&keys[0]), &bytes(&keys[keys.len() - 1]), keys.len() as u64);
        for (place, key) in keys.iter().enumerate() {
            evenness.add(&bytes(key), place == 0);
        }
        evenness.found()
    }

    #[test]
    fn numbers_in_sequence_are_even_to_the_entry() {
        let keys: Vec<u32> = (7..5000).collect();
        assert_eq!(look(&keys).map(|even| even.off_by), Some(0));
        let thirds: Vec<u32> = (0..5000).map(|i| i * 3).collect();
        assert_eq!(look(&thirds).map(|even| even.off_by), Some(0));
    }

    #[test]
    fn clumps_are_off_by_their_size() {
        let keys: Vec<u32> = (0..5000).map(|i| i / 10 * 1000 + i % 10).collect();
        let off_by = look(&keys).map(|even| even.off_by);
        assert!(matches!(off_by, Some(9..=11)), "{off_by:?}");
    }

    #[test]
    fn gaps_and_crowds_are_not_even() {
        let gap: Vec<u32> = (0..5000).map(|i| if i < 2000 { i } else { i + 9000 }).collect();
        assert!(look(&gap).is_none());
        let squares: Vec<u32> = (0..5000).map(|i| i * i).collect();
        assert!(look(&squares).is_none());
        assert!(look(&[5; 1000]).is_none());
        assert!(look(&[1, 2, 3]).is_none());
    }
}
