//! What VAMOS is to reach, beside what it reached: each goal is a ratio, or a
//! rate, of one run of the laboratory.
//!
//! Where a goal spans several cases its figure is the worst of them, and the
//! note says which that is. A goal is met if its figure is; whether the interval
//! reaches over the bound is for the reader to see.

mod guest;
mod micro;
mod native;

use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::arm::Bed;
use super::runs::Runs;
use super::sample::{Case, Line};
use super::stats::Estimate;

/// A goal and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// What is measured.
    pub measure: String,
    /// The bound, such as `at most 1.5`.
    pub goal: String,
    /// The figure; none where it was not measured.
    pub figure: Option<f64>,
    /// The lower bound of its 95 % interval.
    pub low: Option<f64>,
    /// The upper bound of its 95 % interval.
    pub high: Option<f64>,
    /// Whether the figure reaches the goal; none where it was not measured.
    pub met: Option<bool>,
    /// Of what the figure is, or why there is none.
    pub note: String,
}

/// Where a figure has to lie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    Above(f64),
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(bound) => figure <= bound,
            Self::Below(bound) => figure < bound,
            Self::AtLeast(bound) => figure >= bound,
            Self::Above(bound) => figure > bound,
        }
    }

    /// How bad a figure is: the larger, the worse.
    fn badness(self, figure: f64) -> f64 {
        match self {
            Self::AtMost(_) | Self::Below(_) => figure,
            Self::AtLeast(_) | Self::Above(_) => -figure,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Below(bound) => write!(f, "below {bound}"),
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::Above(bound) => write!(f, "above {bound}"),
        }
    }
}

/// The figure of one case, and which case that is.
type Figure = (String, Estimate);

impl Goal {
    /// Of a single figure.
    fn of(measure: impl Into<String>, bound: Bound, estimate: Estimate, note: String) -> Self {
        Self {
            measure: measure.into(),
            goal: bound.to_string(),
            figure: Some(estimate.figure),
            low: estimate.interval.map(|interval| interval.0),
            high: estimate.interval.map(|interval| interval.1),
            met: Some(bound.holds(estimate.figure)),
            note,
        }
    }

    /// Of the worst of several figures; where there is none, `why` says why.
    fn worst(
        measure: impl Into<String>,
        bound: Bound,
        figures: &[Figure],
        why: impl FnOnce() -> String,
    ) -> Self {
        let badness = |figure: &&Figure| bound.badness(figure.1.figure);
        let Some((case, estimate)) = figures.iter().max_by(|a, b| badness(a).total_cmp(&badness(b))) else {
            return Self::not_measured(measure, bound, &why());
        };
        let met = figures
            .iter()
            .filter(|figure| bound.holds(figure.1.figure))
            .count();
        let note = match figures.len() {
            1 => case.clone(),
            all => format!("worst of {all}, of which {met} reach it: {case}"),
        };
        Self::of(measure, bound, *estimate, note)
    }

    fn not_measured(measure: impl Into<String>, bound: Bound, why: &str) -> Self {
        Self {
            measure: measure.into(),
            goal: bound.to_string(),
            figure: None,
            low: None,
            high: None,
            met: None,
            note: format!("not measured: {why}"),
        }
    }
}

/// The whole table of goals, as far as these runs measured it.
#[must_use]
pub fn evaluate(runs: &Runs) -> Vec<Goal> {
    let mut goals = micro::lanes(runs);
    goals.extend(native::goals(runs));
    goals.extend(guest::goals(runs));
    goals.push(micro::idle(runs));
    goals
}

/// The goals with the raw rows that they come from, as one JSON document.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn to_json(lines: &[Line]) -> Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        goals: Vec<Goal>,
        raw: &'a [Line],
    }
    let document = Document {
        goals: evaluate(&Runs::new(lines)),
        raw: lines,
    };
    serde_json::to_string_pretty(&document).context("writing the goals as JSON")
}

/// What a figure is of: the case and its bed.
fn place(bed: Bed, case: &Case) -> String {
    format!("{case} ({})", bed.label())
}

#[cfg(test)]
mod tests;
