//! Goals in a guest: VAMOS over the window against InnoDB and MyRocks on
//! virtio-blk, data four times the cache; and the slopes of the third chart.
//!
//! Each bed that was measured has rows of its own: what one of them flatters
//! another may not.

use std::collections::BTreeSet;

use super::{Bound, Figure, Goal, place};
use crate::eval::arm::Bed;
use crate::eval::measure::Measure;
use crate::eval::runs::Runs;
use crate::eval::sample::{Case, Data, size_label};
use crate::eval::slope;
use crate::eval::stats::Estimate;

const OURS: &str = "vamos";
const PEERS: [&str; 2] = ["innodb-blk", "myrocks-blk"];
const MYROCKS: [&str; 1] = ["myrocks-blk"];
/// Connections from which a case counts as under load.
const LOAD: u32 = 16;
/// "Improved by at least 32 %" as a ratio of run times.
const RUN_TIME: Bound = Bound::AtMost(0.68);

/// A goal that compares with peers: its label, measure, bound and peers.
type Versus = (&'static str, Measure, Bound, &'static [&'static str]);

const VERSUS: [Versus; 4] = [
    (
        "switches a transaction, against the better on virtio-blk",
        Measure::Switches,
        Bound::AtMost(0.1),
        &PEERS,
    ),
    (
        "host CPU time a transaction, against the better on virtio-blk",
        Measure::HostCpu,
        Bound::AtMost(0.7),
        &PEERS,
    ),
    (
        "guest user instructions a transaction, against the better on virtio-blk",
        Measure::GuestUser,
        Bound::AtMost(1.0),
        &PEERS,
    ),
    (
        "guest user instructions a transaction, against MyRocks on virtio-blk",
        Measure::GuestUser,
        Bound::Below(0.7),
        &MYROCKS,
    ),
];

/// All of them, for each bed that ran a guest.
pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let beds: BTreeSet<Bed> = runs
        .cases()
        .map(|(bed, _)| bed)
        .filter(|bed| *bed != Bed::Native)
        .collect();
    if beds.is_empty() {
        return of_bed(runs, None);
    }
    beds.into_iter().flat_map(|bed| of_bed(runs, Some(bed))).collect()
}

fn of_bed(runs: &Runs, bed: Option<Bed>) -> Vec<Goal> {
    let name = |label: &str| match bed {
        Some(bed) => format!("guest ({}), {label}", bed.label()),
        None => format!("guest, {label}"),
    };
    let why = || why(runs, bed);
    let of = |measure, peers| against(runs, bed, measure, peers, |_| true);
    let mut goals: Vec<Goal> = VERSUS
        .iter()
        .map(|&(label, measure, bound, peers)| {
            let uncounted = || uncounted(runs, bed, measure).unwrap_or_else(why);
            Goal::worst(name(label), bound, &of(measure, peers), uncounted)
        })
        .collect();
    let load = under_load(runs, bed);
    let label = format!("switches a transaction under load ({LOAD} connections or more), with polling");
    goals.insert(1, Goal::worst(name(&label), Bound::Below(0.1), &load, why));
    goals.extend(run_times(runs, bed, &name, &why));
    let label = "slope of switches against bytes, ranges and scans";
    goals.push(Goal::worst(
        name(label),
        Bound::Below(0.05),
        &slopes(runs, bed),
        why,
    ));
    goals
}

/// Why there are no rows.
fn why(runs: &Runs, bed: Option<Bed>) -> String {
    let mut words = vec!["guest", "guests", OURS, "innodb-blk", "myrocks-blk"];
    words.extend(match bed {
        Some(bed) => vec![bed.name()],
        None => vec![Bed::Kvm.name(), Bed::Tcg.name(), Bed::Uml.name()],
    });
    runs.why_not(&words)
}

/// That no arm of the bed has this measure, if that is so.
fn uncounted(runs: &Runs, bed: Option<Bed>, measure: Measure) -> Option<String> {
    let bed = bed?;
    let mut cases = runs.cases().filter(|(of, _)| *of == bed);
    let counted = cases.any(|(_, case)| {
        runs.arms(bed, case)
            .any(|arm| !runs.values(bed, case, arm, measure).is_empty())
    });
    (!counted).then(|| format!("it is not counted on this bed ({})", bed.label()))
}

/// Run time against the better peer, at each row size from 1 KiB.
fn run_times(
    runs: &Runs,
    bed: Option<Bed>,
    name: &dyn Fn(&str) -> String,
    why: &dyn Fn() -> String,
) -> Vec<Goal> {
    let sizes: BTreeSet<u32> = runs
        .cases()
        .filter(|(of, case)| Some(*of) == bed && case.data == Data::Large)
        .filter_map(|(_, case)| case.row_bytes.filter(|bytes| *bytes >= 1024))
        .collect();
    let label = "run time, against the better on virtio-blk";
    if sizes.is_empty() {
        return vec![Goal::not_measured(
            name(&format!("{label}, rows from 1 KiB")),
            RUN_TIME,
            &why(),
        )];
    }
    let of_size = |bytes: u32| {
        let figures = against(runs, bed, Measure::RunTime, &PEERS, |case| {
            case.row_bytes == Some(bytes)
        });
        Goal::worst(
            name(&format!("{label}, rows of {}", size_label(bytes))),
            RUN_TIME,
            &figures,
            why,
        )
    };
    sizes.into_iter().map(of_size).collect()
}

/// Of each such case with large data, our measure in terms of the better peer's.
fn against(
    runs: &Runs,
    bed: Option<Bed>,
    measure: Measure,
    peers: &[&str],
    such: impl Fn(&Case) -> bool,
) -> Vec<Figure> {
    let cases = runs
        .cases()
        .filter(|(of, case)| Some(*of) == bed && case.data == Data::Large && such(case));
    cases
        .filter_map(|(bed, case)| {
            let peer = runs.best(bed, case, measure, peers)?;
            let ratio = runs.ratio(bed, case, measure, OURS, peer)?;
            Some((format!("{case}, against {peer}"), ratio))
        })
        .collect()
}

/// Our switches a transaction of each case under load.
fn under_load(runs: &Runs, bed: Option<Bed>) -> Vec<Figure> {
    let cases = runs.cases().filter(|(of, case)| {
        Some(*of) == bed && case.data == Data::Large && case.connections >= LOAD && !case.is_by_row_size()
    });
    cases
        .filter_map(|(bed, case)| Some((place(bed, case), runs.median(bed, case, OURS, Measure::Switches)?)))
        .collect()
}

/// Our slopes, on a cold cache and on a warm one.
fn slopes(runs: &Runs, bed: Option<Bed>) -> Vec<Figure> {
    let lines = slope::lines(runs).into_iter().filter(|line| {
        Some(line.bed) == bed && line.arm == OURS && matches!(line.workload, "rows_range" | "rows_scan")
    });
    lines
        .filter_map(|line| {
            let estimate: Estimate = line.slope()?;
            let note = format!(
                "{}, {}, {} connections",
                line.workload, line.data, line.connections
            );
            Some((note, estimate))
        })
        .collect()
}
