//! Goals from figures that a program measured with its peer: lanes, the store
//! through one, and an idle guest.

use super::{Bound, Goal};
use crate::eval::runs::Runs;
use crate::eval::stats;

/// A lane's round trip, and the store through a lane.
pub(super) fn lanes(runs: &Runs) -> Vec<Goal> {
    let rows = [
        (
            "lane round trip, 64 B, against a bare cache line",
            "lane_round_trip",
            "cache_line",
            Bound::AtMost(1.5),
        ),
        (
            "lane round trip, 64 B, against iceoryx2",
            "lane_round_trip",
            "iceoryx2",
            Bound::Below(1.0),
        ),
        (
            "store point read by a lane, rate against in process",
            "store_point_read",
            "in_process",
            Bound::AtLeast(0.7),
        ),
        (
            "store scan of 100-byte rows by a lane, rate against in process",
            "store_scan",
            "in_process",
            Bound::AtLeast(0.8),
        ),
    ];
    rows.map(|(label, measure, peer, bound)| pair(runs, label, measure, peer, bound))
        .to_vec()
}

/// An idle guest with 64 open connections: its share of a core.
pub(super) fn idle(runs: &Runs) -> Goal {
    let label = "host CPU of an idle guest with 64 open connections, share of a core";
    pair(runs, label, "idle_cpu", "core", Bound::Below(0.01))
}

fn pair(runs: &Runs, label: &str, measure: &str, peer: &str, bound: Bound) -> Goal {
    let (ours, theirs, unit) = runs.pair(measure, peer);
    let (Some(estimate), Some(our), Some(their)) = (
        stats::ratio(&ours, &theirs, true),
        stats::median(&ours),
        stats::median(&theirs),
    ) else {
        return Goal::not_measured(label, bound, &runs.why_not(&[measure, peer]));
    };
    let note = format!("{} {unit} against {} {unit}", round(our), round(their));
    Goal::of(label, bound, estimate, note)
}

/// Four digits.
fn round(value: f64) -> String {
    if value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.4}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    }
}
