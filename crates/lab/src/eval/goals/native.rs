//! Goals without a guest: VAMOS over `unix` against MyRocks in process.

use super::{Bound, Figure, Goal, place};
use crate::eval::arm::Bed;
use crate::eval::measure::Measure;
use crate::eval::plan::SYSBENCH;
use crate::eval::runs::Runs;
use crate::eval::sample::Case;

const OURS: &str = "vamos-unix";
const PEER: &str = "myrocks";
const THREADS: [u32; 2] = [1, 16];

/// Each sysbench test with 1 and 16 threads, bulk load, and scans.
pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let mut each = Vec::new();
    let mut all = Vec::new();
    for &test in SYSBENCH {
        for threads in THREADS {
            let figures = figures(runs, |case| case.workload == test && case.connections == threads);
            let label = format!(
                "native, {test}, {threads} connection{}, rate against MyRocks",
                plural(threads)
            );
            each.push(Goal::worst(label, Bound::AtLeast(0.9), &figures, || {
                why(runs, &[test])
            }));
            all.extend(figures);
        }
    }
    let label = "native, every sysbench test, rate against MyRocks";
    let mut goals = vec![Goal::worst(label, Bound::AtLeast(0.9), &all, || {
        why(runs, SYSBENCH)
    })];
    goals.extend(each);
    goals.push(above(runs, "bulk load", &["rows_load", "bulk_insert"]));
    goals.push(above(runs, "full scan", &["rows_scan"]));
    goals
}

/// That these workloads are faster than the peer's.
fn above(runs: &Runs, label: &str, workloads: &[&str]) -> Goal {
    let figures = figures(runs, |case| workloads.contains(&case.workload.as_str()));
    let label = format!("native, {label}, rate against MyRocks");
    Goal::worst(label, Bound::Above(1.0), &figures, || why(runs, workloads))
}

/// Of each such case, our rate in terms of the peer's.
fn figures(runs: &Runs, such: impl Fn(&Case) -> bool) -> Vec<Figure> {
    let cases = runs
        .cases()
        .filter(|(bed, case)| *bed == Bed::Native && such(case));
    cases
        .filter_map(|(bed, case)| {
            let ratio = runs.ratio(bed, case, Measure::Throughput, OURS, PEER)?;
            Some((place(bed, case), ratio))
        })
        .collect()
}

fn why(runs: &Runs, workloads: &[&str]) -> String {
    runs.why_not(&[&["native", "sysbench", OURS, PEER], workloads].concat())
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}
