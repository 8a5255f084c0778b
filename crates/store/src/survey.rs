//! What a table's indexes are like: for a query optimizer.
//!
//! Of each index all entries are looked at, or, of a large one, runs of
//! neighbours that begin at places spread over its keys. Counted is in how many
//! bytes each entry agrees with the one before: the client makes of that how
//! many different values each column has.

mod depths;
mod evenness;
mod spread;

use depths::Depths;
pub(crate) use depths::DepthsCache;
use evenness::{Even, Evenness};
pub(crate) use spread::number_at;

use crate::{Store, StoreError, keys};
use std::collections::BTreeMap;
use vamos_proto::{IndexId, IndexSurvey, SurveyReply, SurveyStep, TableId};
use vamos_rocks::{Cursor, ReadOptions};

/// The most entries of one index that are looked at: about half a second's work.
const MAX_ENTRIES: u64 = 1 << 21;

/// In how many runs a part of an index is looked at.
const RUNS: u64 = 64;

/// Different numbers of common bytes that are kept apart.
const MAX_STEPS: usize = 1024;

/// Examples that are kept of each step, and bytes of all examples of an index.
const EXAMPLES: usize = 8;
const MAX_EXAMPLE_BYTES: usize = 64 << 10;

/// What was found out about a table.
#[derive(Debug)]
pub struct Survey {
    rows: u64,
    indexes: Vec<IndexFindings>,
}

impl Survey {
    /// It as the protocol has it.
    pub fn as_message(&self) -> SurveyReply<'_> {
        SurveyReply {
            rows: self.rows,
            indexes: self.indexes.iter().map(IndexFindings::as_message).collect(),
        }
    }
}

/// What was found out about an index.
#[derive(Debug, Default)]
struct IndexFindings {
    seen: u64,
    runs: u32,
    key_bytes: u64,
    value_bytes: u64,
    steps: BTreeMap<usize, Step>,
    example_bytes: usize,
    /// The entry looked at last.
    last: Vec<u8>,
    even: Option<Even>,
}

/// Pairs of neighbours with the same number of common bytes.
#[derive(Debug, Default)]
struct Step {
    within: u64,
    between: u64,
    examples: Vec<Vec<u8>>,
}

impl IndexFindings {
    /// Takes an entry in, which begins a run or follows the one before.
    fn add(&mut self, key: &[u8], value: usize, begins: bool) {
        if self.seen > 0 {
            let common = common_bytes(&self.last, key);
            let step = self.step(common);
            match begins {
                true => step.between += 1,
                false => step.within += 1,
            }
            self.keep_example(common);
        }
        self.seen += 1;
        self.runs += u32::from(begins);
        self.key_bytes += key.len() as u64;
        self.value_bytes += value as u64;
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    fn step(&mut self, common: usize) -> &mut Step {
        let full = self.steps.len() >= MAX_STEPS && !self.steps.contains_key(&common);
        // Where there is no room, the step next below: it claims less in common.
        let at = match full {
            true => self
                .steps
                .range(..common)
                .next_back()
                .map_or(common, |(at, _)| *at),
            false => common,
        };
        self.steps.entry(at).or_default()
    }

    /// Keeps the common bytes of the first, second, fourth, .. pair of a step:
    /// spread over the index, however long it is.
    fn keep_example(&mut self, common: usize) {
        let bytes = self.last.get(..common).unwrap_or_default();
        let Some(step) = self.steps.get_mut(&common) else {
            return;
        };
        let pairs = step.within + step.between;
        if !pairs.is_power_of_two() || self.example_bytes + common > MAX_EXAMPLE_BYTES {
            return;
        }
        if step.examples.len() < EXAMPLES {
            self.example_bytes += common;
            step.examples.push(bytes.to_vec());
        } else if let Some(oldest) = step.examples.get_mut(pairs.ilog2() as usize % EXAMPLES) {
            *oldest = bytes.to_vec();
        }
    }

    fn as_message(&self) -> IndexSurvey<'_> {
        let steps = self.steps.values().map(|step| SurveyStep {
            within: step.within,
            between: step.between,
            common: step.examples.iter().map(Vec::as_slice).collect(),
        });
        IndexSurvey {
            seen: self.seen,
            runs: self.runs,
            key_bytes: self.key_bytes,
            value_bytes: self.value_bytes,
            steps: steps.collect(),
            even: self.even.as_ref().map(Even::as_message),
        }
    }
}

fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// For the index of a cursor, which is moved.
fn evenness_of(cursor: &mut Cursor, rows: u64) -> Result<Evenness, StoreError> {
    cursor.seek_to_first();
    let first = cursor.key().map(keys::client_key).unwrap_or_default().to_vec();
    cursor.seek_to_last();
    let last = cursor.key().map(keys::client_key).unwrap_or_default();
    let evenness = Evenness::new(&first, last, rows);
    cursor.status()?;
    Ok(evenness)
}

impl Store {
    /// Looks at about so many committed entries of each of a table's indexes.
    /// Blocks while it does.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`].
    pub fn survey(&self, table: TableId, entries: u32) -> Result<Survey, StoreError> {
        let table = self.catalogue.with_id(table)?;
        let most = u64::from(entries).clamp(1, MAX_ENTRIES);
        let indexes = table.indexes.iter();
        Ok(Survey {
            rows: table.rows(),
            indexes: indexes
                .map(|&index| self.survey_index(index, table.rows(), most))
                .collect::<Result<_, _>>()?,
        })
    }

    fn survey_index(&self, index: IndexId, rows: u64, most: u64) -> Result<IndexFindings, StoreError> {
        // A count that is a little wrong must not cut the end off.
        if rows <= most {
            return self.survey_whole(index, rows, most.saturating_mul(2));
        }
        self.survey_runs(index, rows, most)
    }

    fn survey_whole(&self, index: IndexId, rows: u64, most: u64) -> Result<IndexFindings, StoreError> {
        let (low, high) = keys::index_bounds(index);
        let mut cursor = self.engine.data.cursor(ReadOptions::new().bounds(low, high));
        let mut found = IndexFindings::default();
        let mut depths = Depths::new(rows);
        let mut evenness = evenness_of(&mut cursor, rows)?;
        cursor.seek_to_first();
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            evenness.add(keys::client_key(key), found.seen == 0);
            found.add(keys::client_key(key), value.len(), found.seen == 0);
            depths.add(key);
            if found.seen >= most {
                break;
            }
            cursor.step_forward();
        }
        cursor.status()?;
        self.depths.keep(index, depths);
        found.even = evenness.found();
        Ok(found)
    }

    fn survey_runs(&self, index: IndexId, rows: u64, most: u64) -> Result<IndexFindings, StoreError> {
        let (low, high) = keys::index_bounds(index);
        let mut cursor = self.engine.data.cursor(ReadOptions::new().bounds(low, high));
        let mut found = IndexFindings::default();
        let mut evenness = evenness_of(&mut cursor, rows)?;
        for place in spread::places(&mut cursor, RUNS)? {
            cursor.seek(&place);
            // The run before may have come this far.
            if found.seen > 0
                && cursor
                    .key()
                    .is_some_and(|key| keys::client_key(key) <= &found.last[..])
            {
                continue;
            }
            for entry in 0..(most / RUNS).max(2) {
                let (Some(key), Some(value)) = (cursor.key(), cursor.value()) else {
                    break;
                };
                evenness.add(keys::client_key(key), entry == 0);
                found.add(keys::client_key(key), value.len(), entry == 0);
                cursor.step_forward();
            }
        }
        cursor.status()?;
        found.even = evenness.found();
        Ok(found)
    }
}
