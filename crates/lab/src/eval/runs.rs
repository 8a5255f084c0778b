//! Raw lines, grouped: the repetitions of each case on each arm.

use std::collections::{BTreeMap, BTreeSet};

use super::arm::Bed;
use super::measure::Measure;
use super::sample::{Case, Line, Machine, Pair, Sample};
use super::stats::{self, Estimate};

/// The lines of a raw file, grouped.
#[derive(Debug, Default)]
pub struct Runs {
    /// The machine, where the file says it.
    pub machine: Option<Machine>,
    /// What was not measured, and why.
    pub not_run: Vec<(String, String)>,
    samples: BTreeMap<(Bed, Case), BTreeMap<String, BTreeMap<u32, Sample>>>,
    pairs: BTreeMap<(String, String), BTreeMap<u32, Pair>>,
}

impl Runs {
    /// Groups these lines. Of a repetition that is there twice (a run was
    /// resumed in the midst of it) the later one counts.
    #[must_use]
    pub fn new(lines: &[Line]) -> Self {
        let mut runs = Self::default();
        let mut not_run = BTreeSet::new();
        for line in lines.iter().cloned() {
            match line {
                Line::Machine(machine) => runs.machine = Some(machine),
                Line::NotRun { what, why } => {
                    if not_run.insert((what.clone(), why.clone())) {
                        runs.not_run.push((what, why));
                    }
                }
                Line::Sample(sample) => {
                    let arms = runs.samples.entry((sample.bed, sample.case.clone())).or_default();
                    arms.entry(sample.arm.clone())
                        .or_default()
                        .insert(sample.repetition, sample);
                }
                Line::Pair(pair) => {
                    let key = (pair.measure.clone(), pair.peer.clone());
                    runs.pairs.entry(key).or_default().insert(pair.repetition, pair);
                }
            }
        }
        runs
    }

    /// Every case with the bed it ran on, in order.
    pub fn cases(&self) -> impl Iterator<Item = (Bed, &Case)> {
        self.samples.keys().map(|(bed, case)| (*bed, case))
    }

    /// The arms that this case was measured on.
    pub fn arms(&self, bed: Bed, case: &Case) -> impl Iterator<Item = &str> {
        self.samples
            .get(&(bed, case.clone()))
            .into_iter()
            .flat_map(|arms| arms.keys().map(String::as_str))
    }

    /// The repetitions of a case on an arm, in order.
    pub fn samples(&self, bed: Bed, case: &Case, arm: &str) -> impl Iterator<Item = &Sample> {
        let arms = self.samples.get(&(bed, case.clone()));
        arms.and_then(|arms| arms.get(arm))
            .into_iter()
            .flat_map(|repetitions| repetitions.values())
    }

    /// What was measured in each repetition; empty where the measure is not taken.
    #[must_use]
    pub fn values(&self, bed: Bed, case: &Case, arm: &str, measure: Measure) -> Vec<f64> {
        self.samples(bed, case, arm)
            .filter_map(|sample| measure.of(sample))
            .collect()
    }

    /// The median of the repetitions.
    #[must_use]
    pub fn middle(&self, bed: Bed, case: &Case, arm: &str, measure: Measure) -> Option<f64> {
        stats::median(&self.values(bed, case, arm, measure))
    }

    /// The median of the repetitions with its interval.
    #[must_use]
    pub fn median(&self, bed: Bed, case: &Case, arm: &str, measure: Measure) -> Option<Estimate> {
        stats::median_estimate(&self.values(bed, case, arm, measure))
    }

    /// One arm's measure in terms of another's.
    #[must_use]
    pub fn ratio(
        &self,
        bed: Bed,
        case: &Case,
        measure: Measure,
        ours: &str,
        theirs: &str,
    ) -> Option<Estimate> {
        let repetitions = |arm| self.samples(bed, case, arm).map(|sample| sample.repetition);
        let same = repetitions(ours).eq(repetitions(theirs));
        let values = |arm| self.values(bed, case, arm, measure);
        stats::ratio(&values(ours), &values(theirs), same)
    }

    /// Of these arms, the one that does best by this measure.
    #[must_use]
    pub fn best<'a>(&self, bed: Bed, case: &Case, measure: Measure, arms: &[&'a str]) -> Option<&'a str> {
        let figures = arms.iter().filter_map(|arm| {
            let figure = self.middle(bed, case, arm, measure)?;
            Some((
                *arm,
                if measure.higher_is_better() {
                    -figure
                } else {
                    figure
                },
            ))
        });
        figures.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(arm, _)| arm)
    }

    /// Every figure measured with its peer: measure and peer.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .keys()
            .map(|(measure, peer)| (measure.as_str(), peer.as_str()))
    }

    /// Ours, the peer's, and the unit, of each repetition of a pair.
    #[must_use]
    pub fn pair(&self, measure: &str, peer: &str) -> (Vec<f64>, Vec<f64>, &str) {
        let key = (measure.to_owned(), peer.to_owned());
        let Some(repetitions) = self.pairs.get(&key) else {
            return (Vec::new(), Vec::new(), "");
        };
        let unit = repetitions.values().next().map_or("", |pair| pair.unit.as_str());
        let ours = repetitions.values().map(|pair| pair.ours).collect();
        (ours, repetitions.values().map(|pair| pair.theirs).collect(), unit)
    }

    /// Why this was not measured, as far as a line says so: the reasons of what
    /// has one of these words (an arm, a bed, a workload, a measure, a peer).
    #[must_use]
    pub fn why_not(&self, words: &[&str]) -> String {
        let reasons: Vec<String> = self
            .not_run
            .iter()
            .filter(|(what, _)| words_of(what).any(|word| words.contains(&word)))
            .map(|(what, why)| format!("{what}: {why}"))
            .collect();
        if reasons.is_empty() {
            "this run did not include it".into()
        } else {
            reasons.join("; ")
        }
    }
}

/// The words of a text; names such as `innodb-blk` and `rows_point` are one.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
}
