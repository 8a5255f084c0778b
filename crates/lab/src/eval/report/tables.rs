//! The report's tables, for terminal and page alike.

use super::figures::{ours, peers};
use super::number::{estimate, optional, short, spread};
use crate::eval::arm::Bed;
use crate::eval::goals::Goal;
use crate::eval::measure::Measure;
use crate::eval::runs::Runs;
use crate::eval::sample::Case;
use crate::eval::stats::{self, Estimate};

/// Rows of text under a header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    fn new(title: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Self {
            title: title.into(),
            header,
            rows,
        }
    }
}

/// Each goal with its figure.
pub(super) fn goals(goals: &[Goal]) -> Table {
    let row = |goal: &Goal| {
        let interval = goal.low.zip(goal.high);
        let figure = goal.figure.map(|figure| Estimate { figure, interval });
        vec![
            goal.measure.clone(),
            goal.goal.clone(),
            optional(figure),
            verdict(goal),
            goal.note.clone(),
        ]
    };
    let header = ["measure", "goal", "figure", "met", "of"];
    Table::new("Goals", &header, goals.iter().map(row).collect())
}

/// Whether a goal is met, and whether its interval is on one side of the bound.
fn verdict(goal: &Goal) -> String {
    match goal.met {
        Some(true) => "yes".into(),
        Some(false) => "no".into(),
        None => "-".into(),
    }
}

/// For each bed, workload and amount of data: every case on every arm.
pub(super) fn cases(runs: &Runs) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for (bed, case) in runs.cases() {
        let title = format!("{}, {} - {}", case.workload, case.data, bed.label());
        if tables.last().is_none_or(|table| table.title != title) {
            tables.push(Table::new(title, header(bed), Vec::new()));
        }
        if let Some(table) = tables.last_mut() {
            table.rows.extend(case_rows(runs, bed, case));
        }
    }
    tables
}

fn header(bed: Bed) -> &'static [&'static str] {
    match bed {
        Bed::Native => &[
            "case",
            "arm",
            "n",
            "tx/s",
            "ratio to peer",
            "p99 us",
            "server us",
            "host us",
        ],
        _ => &[
            "case",
            "arm",
            "n",
            "tx/s",
            "ratio to peer",
            "p99 us",
            "switches",
            "host us",
            "user instr.",
        ],
    }
}

fn case_rows(runs: &Runs, bed: Bed, case: &Case) -> Vec<Vec<String>> {
    let peer = runs.best(bed, case, Measure::Throughput, peers(bed));
    let mut arms: Vec<&str> = runs.arms(bed, case).collect();
    arms.sort_by_key(|arm| (*arm != ours(bed), !peers(bed).contains(arm)));
    let label = variant(case);
    let rows = arms.into_iter().enumerate().map(|(index, arm)| {
        let mut row = vec![if index == 0 { label.clone() } else { String::new() }];
        row.extend(arm_row(runs, bed, case, arm, peer));
        row
    });
    rows.collect()
}

/// What a table's title leaves open of a case.
fn variant(case: &Case) -> String {
    let text = case.to_string();
    let text = text.strip_prefix(&case.workload).unwrap_or(&text);
    let text = text
        .replacen(&format!(", {}", case.data), "", 1)
        .replace(" connection", " conn");
    text.trim_start_matches([',', ' ']).to_owned()
}

/// What an arm did in a case: numbers are medians, and but for the first two of
/// them per transaction.
fn arm_row(runs: &Runs, bed: Bed, case: &Case, arm: &str, peer: Option<&str>) -> Vec<String> {
    let plain = |measure| {
        runs.median(bed, case, arm, measure)
            .map_or_else(|| "-".into(), |e| short(e.figure))
    };
    let ratio = match peer {
        Some(peer) if peer == arm => "peer".to_owned(),
        Some(peer) => optional(runs.ratio(bed, case, Measure::Throughput, arm, peer)),
        None => "-".to_owned(),
    };
    let mut row = vec![
        arm.to_owned(),
        runs.samples(bed, case, arm).count().to_string(),
        runs.median(bed, case, arm, Measure::Throughput)
            .map_or_else(|| "-".into(), spread),
        ratio,
        plain(Measure::P99),
    ];
    match bed {
        Bed::Native => row.extend([plain(Measure::GuestCpu), plain(Measure::HostCpu)]),
        _ => row.extend([
            plain(Measure::Switches),
            plain(Measure::HostCpu),
            plain(Measure::GuestUser),
        ]),
    }
    row
}

/// Figures that a program measured with its peer.
pub(super) fn pairs(runs: &Runs) -> Table {
    let row = |(measure, peer): (&str, &str)| {
        let (ours, theirs, unit) = runs.pair(measure, peer);
        let figure = |values: &[f64]| optional(stats::median_estimate(values));
        let ratio = stats::ratio(&ours, &theirs, true).map_or_else(|| "-".into(), estimate);
        vec![
            measure.to_owned(),
            peer.to_owned(),
            ours.len().to_string(),
            unit.to_owned(),
            figure(&ours),
            figure(&theirs),
            ratio,
        ]
    };
    let header = ["measure", "peer", "n", "unit", "ours", "the peer's", "ratio"];
    Table::new("Figures with a peer", &header, runs.pairs().map(row).collect())
}

/// Cases in which two beds say different things of VAMOS and its better peer:
/// their intervals do not meet.
pub(super) fn disagreements(runs: &Runs) -> Table {
    let measures = [
        ("run time", Measure::RunTime),
        ("switches", Measure::Switches),
        ("host CPU", Measure::HostCpu),
    ];
    let guests: Vec<(Bed, &Case)> = runs.cases().filter(|(bed, _)| *bed != Bed::Native).collect();
    let mut rows = Vec::new();
    for (index, (bed, case)) in guests.iter().enumerate() {
        for (other, _) in guests.iter().skip(index + 1).filter(|(_, of)| of == case) {
            for (name, measure) in measures {
                rows.extend(disagreement(runs, case, (*bed, *other), name, measure));
            }
        }
    }
    Table::new(
        "Where the beds disagree",
        &["case", "ratio to the better peer", "one bed", "other bed"],
        rows,
    )
}

fn disagreement(
    runs: &Runs,
    case: &Case,
    beds: (Bed, Bed),
    name: &str,
    measure: Measure,
) -> Option<Vec<String>> {
    let ratio = |bed| {
        let peer = runs.best(bed, case, measure, peers(bed))?;
        runs.ratio(bed, case, measure, ours(bed), peer)
    };
    let (one, other) = (ratio(beds.0)?, ratio(beds.1)?);
    let ends = |estimate: Estimate| estimate.interval.unwrap_or((estimate.figure, estimate.figure));
    let apart = ends(one).1 < ends(other).0 || ends(other).1 < ends(one).0;
    let said = |bed: Bed, value| format!("{}: {}", bed.label(), estimate(value));
    apart.then(|| {
        vec![
            case.to_string(),
            name.to_owned(),
            said(beds.0, one),
            said(beds.1, other),
        ]
    })
}

/// What was not run, and why.
pub(super) fn not_run(runs: &Runs) -> Table {
    let row = |(what, why): &(String, String)| vec![what.clone(), why.clone()];
    Table::new(
        "Not run",
        &["what", "why"],
        runs.not_run.iter().map(row).collect(),
    )
}

/// The machine, its software, and what all arms shared.
pub(super) fn machine(runs: &Runs) -> Table {
    let mut rows = Vec::new();
    if let Some(machine) = &runs.machine {
        let mut say = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
        say(
            "processor",
            format!("{} x {}", machine.processors, machine.processor),
        );
        say("memory", format!("{} MiB", machine.memory_mib));
        say("kernel", machine.kernel.clone());
        say("MariaDB", machine.mariadb.clone());
        say("QEMU", machine.qemu.clone().unwrap_or_else(|| "none".into()));
        say("VAMOS", machine.vamos.clone());
        for (name, value) in &machine.settings {
            say(name, value.clone());
        }
    }
    Table::new("The machine and its settings", &["what", "value"], rows)
}
