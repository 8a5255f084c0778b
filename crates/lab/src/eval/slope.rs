//! Switches against bytes: the lines of the third chart, with their slopes.

use super::arm::Bed;
use super::measure::Measure;
use super::runs::Runs;
use super::sample::{Case, Data};
use super::stats::{self, Estimate, Point};

/// A request type on an arm: its switches at several numbers of bytes.
#[derive(Debug)]
pub struct Line<'a> {
    /// What it ran on.
    pub bed: Bed,
    /// The arm.
    pub arm: &'a str,
    /// The request type, such as `rows_range`.
    pub workload: &'a str,
    /// Cold or warm cache.
    pub data: Data,
    /// Connections at once.
    pub connections: u32,
    /// Guests at once.
    pub guests: u32,
    /// Bytes per request (medians), and the switches per request of each
    /// repetition; by bytes.
    pub points: Vec<Point>,
}

impl Line<'_> {
    /// The fitted slope ([`stats::log_slope`]).
    #[must_use]
    pub fn slope(&self) -> Option<Estimate> {
        stats::log_slope(&self.points)
    }
}

/// Every line there is: cases that differ only in their bytes, per arm.
#[must_use]
pub fn lines(runs: &Runs) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (bed, case) in runs.cases().filter(|(_, case)| case.is_by_row_size()) {
        for arm in runs.arms(bed, case) {
            let Some(point) = point(runs, bed, case, arm) else {
                continue;
            };
            match lines.iter_mut().find(|line| belongs(line, bed, case, arm)) {
                Some(line) => line.points.push(point),
                None => lines.push(Line {
                    bed,
                    arm,
                    workload: &case.workload,
                    data: case.data,
                    connections: case.connections,
                    guests: case.guests,
                    points: vec![point],
                }),
            }
        }
    }
    for line in &mut lines {
        line.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    lines
}

/// Whether this case is on that line.
fn belongs(line: &Line<'_>, bed: Bed, case: &Case, arm: &str) -> bool {
    line.bed == bed
        && line.arm == arm
        && line.workload == case.workload
        && line.data == case.data
        && (line.connections, line.guests) == (case.connections, case.guests)
}

/// The case's point, where switches were counted and bytes moved.
fn point(runs: &Runs, bed: Bed, case: &Case, arm: &str) -> Option<Point> {
    let x = runs.middle(bed, case, arm, Measure::BytesPerRequest)?;
    let ys = runs.values(bed, case, arm, Measure::SwitchesPerRequest);
    (x > 0.0 && !ys.is_empty()).then_some(Point { x, ys })
}
