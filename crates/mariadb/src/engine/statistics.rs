//! How many different values the beginnings of a table's keys have.

use super::evenly::Evenly;
use crate::codec::{KeyPart, Shape, key};
use vamos_guest::{IndexSurvey, SurveyReply, SurveyStep};

/// What a survey of a table told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statistics {
    /// The table's rows then.
    pub(crate) rows: u64,
    /// The indexes in the host's order.
    indexes: Vec<IndexStatistics>,
}

/// The same of one index.
#[derive(Clone, Debug, Default, PartialEq)]
struct IndexStatistics {
    /// Bytes of an entry's key and value, on average.
    entry_bytes: f64,
    /// How many different values the first part, the first two, .. have.
    distinct: Vec<f64>,
    /// Its keys are spread evenly.
    evenly: Option<Evenly>,
}

impl Statistics {
    /// Reads what the host found in a table of this shape.
    pub(crate) fn new(shape: &Shape, found: &SurveyReply<'_>) -> Self {
        let indexes = found.indexes.iter().enumerate();
        Self {
            rows: found.rows,
            indexes: indexes
                .map(|(position, index)| IndexStatistics::new(shape, position, index, found.rows))
                .collect(),
        }
    }

    /// How many of `rows` rows have the same first `parts` parts of a key, on
    /// average.
    pub(crate) fn rows_per_value(&self, shape: &Shape, key: usize, parts: usize, rows: u64) -> f64 {
        let unique = shape
            .keys
            .get(key)
            .is_some_and(|key| key.unique && parts > key.own);
        let index = self.indexes.get(shape.index_of(key));
        let distinct = index.and_then(|index| index.distinct.get(parts.checked_sub(1)?));
        match distinct {
            // The table may have grown; what was unique then is so still.
            Some(distinct) if !unique && self.rows > 0 => {
                self.rows as f64 / distinct.clamp(1.0, self.rows as f64)
            }
            Some(_) => 1.0,
            None => (rows as f64).clamp(1.0, 10.0),
        }
    }

    /// About how many of the table's `rows` lie between two keys of the index at a
    /// position, if that can be told without the host.
    pub(super) fn rows_between(
        &self,
        position: usize,
        (low, high): (&[u8], &[u8]),
        rows: u64,
    ) -> Option<u64> {
        let evenly = self.indexes.get(position)?.evenly.as_ref()?;
        evenly.between(low, high, rows)
    }

    /// Bytes of an entry of the index at a position.
    pub(crate) fn entry_bytes(&self, position: usize) -> f64 {
        self.indexes.get(position).map_or(0.0, |index| index.entry_bytes)
    }

    /// Over all secondary indexes together.
    pub(crate) fn secondary_entry_bytes(&self) -> f64 {
        self.indexes.iter().skip(1).map(|index| index.entry_bytes).sum()
    }
}

impl IndexStatistics {
    fn new(shape: &Shape, position: usize, found: &IndexSurvey<'_>, rows: u64) -> Self {
        let seen = found.seen.max(1) as f64;
        let parts = parts_of(shape, position);
        let mut distinct = vec![1.0; parts.len()];
        let runs = f64::from(found.runs);
        // Pairs that were not looked at are taken to be like those that were.
        let scale = ((rows as f64 - runs) / (seen - runs).max(1.0)).max(1.0);
        let mut known = &SurveyStep {
            within: 0,
            between: 0,
            common: Vec::new(),
        };
        for step in &found.steps {
            if !step.common.is_empty() {
                known = step;
            }
            let pairs = step.within as f64 * scale + step.between as f64;
            for common in &known.common {
                let equal = equal_parts(shape, &parts, common);
                let share = pairs / known.common.len() as f64;
                distinct.iter_mut().skip(equal).for_each(|count| *count += share);
            }
        }
        Self {
            entry_bytes: (found.key_bytes + found.value_bytes) as f64 / seen,
            distinct,
            evenly: found.even.as_ref().map(Evenly::new),
        }
    }
}

/// The parts of which the key bytes of an index are made.
fn parts_of(shape: &Shape, position: usize) -> Vec<KeyPart> {
    let Some(key) = shape.key_of(position).and_then(|key| shape.keys.get(key)) else {
        return Vec::new();
    };
    let own = key.parts.iter().take(key.own);
    let primary = shape.primary.and_then(|primary| shape.keys.get(primary));
    let rest = primary.map_or(&[][..], |primary| &primary.parts[..primary.own]);
    let suffix = key.suffix.iter().filter_map(|&part| rest.get(part));
    match position {
        0 => own.copied().collect(),
        _ => own.chain(suffix).copied().collect(),
    }
}

/// How many parts lie wholly in the bytes that two keys begin with.
fn equal_parts(shape: &Shape, parts: &[KeyPart], common: &[u8]) -> usize {
    let mut rest = common;
    let equal = parts.iter();
    equal
        .take_while(|part| key::take_part(shape, part, &mut rest, None).is_ok())
        .count()
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
mod tests;
