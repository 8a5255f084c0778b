//! Run times of whole workloads in terms of one arm's: a row each.

use anyhow::Result;

use super::{Figure, Section, arm_key, extent, ours, peers, style, without_data};
use crate::eval::arm::Bed;
use crate::eval::measure::Measure;
use crate::eval::report::axis::Axis;
use crate::eval::report::number::estimate;
use crate::eval::report::plot::{Colour, Mark, Plot};
use crate::eval::report::tables::Table;
use crate::eval::runs::Runs;
use crate::eval::sample::{Case, Data};
use crate::eval::stats::Estimate;

/// What one optimisation each leaves out.
const WITHOUT: [&str; 2] = ["vamos-unpolled", "vamos-stream"];
const BEDS: [Bed; 4] = [Bed::Kvm, Bed::Uml, Bed::Tcg, Bed::Native];

/// A row: its case, and of each arm the ratio to the one that is 1.
struct Row<'a> {
    case: &'a Case,
    base: &'a str,
    ratios: Vec<(&'a str, Estimate)>,
}

/// Every workload whose subject is not rows by size, on every arm, and without a
/// guest those too.
pub(super) fn workloads(runs: &Runs) -> Result<Section> {
    let mut figures = Vec::new();
    for (bed, data) in BEDS
        .into_iter()
        .flat_map(|bed| [(bed, Data::Large), (bed, Data::Cached)])
    {
        let cases = runs.cases().filter(|(of, case)| {
            *of == bed && case.data == data && (bed == Bed::Native || !case.is_by_row_size())
        });
        let rows: Vec<Row<'_>> = cases
            .filter_map(|(_, case)| against_peer(runs, bed, case))
            .collect();
        let name = format!("Run time, {data} - {}", bed.label());
        figures.extend(figure(
            bed,
            name,
            "run time of a transaction, better peer = 1",
            &rows,
        )?);
    }
    Ok(Section {
        heading: "Run time of each workload",
        about: "In terms of the better peer's (InnoDB and MyRocks on virtio-blk in a guest, MyRocks without \
                one), which is 1. To the left of the line is faster, to the right slower.",
        figures,
    })
}

/// VAMOS without one thing each, in terms of VAMOS with all.
pub(super) fn contributions(runs: &Runs) -> Result<Section> {
    let mut figures = Vec::new();
    for (bed, data) in beds_and_data() {
        let cases = runs.cases().filter(|(of, case)| *of == bed && case.data == data);
        let rows: Vec<Row<'_>> = cases
            .filter_map(|(_, case)| row(runs, bed, case, ours(bed), &WITHOUT))
            .collect();
        let name = format!("VAMOS with less, {data} - {}", bed.label());
        figures.extend(figure(bed, name, "run time of a transaction, vamos = 1", &rows)?);
    }
    Ok(Section {
        heading: "What each optimisation contributes",
        about: "VAMOS with polling off (every hand-over rings), and over vsock alone (without the window), in \
                terms of VAMOS with both, which is 1. To the right of the line, what is left out had helped.",
        figures,
    })
}

fn beds_and_data() -> impl Iterator<Item = (Bed, Data)> {
    BEDS.into_iter()
        .flat_map(|bed| [(bed, Data::Large), (bed, Data::Cached)])
}

fn against_peer<'a>(runs: &'a Runs, bed: Bed, case: &'a Case) -> Option<Row<'a>> {
    let peer = runs.best(bed, case, Measure::RunTime, peers(bed))?;
    let arms: Vec<&str> = runs
        .arms(bed, case)
        .filter(|arm| !WITHOUT.contains(arm) && *arm != peer)
        .collect();
    row(runs, bed, case, peer, &arms)
}

fn row<'a>(runs: &'a Runs, bed: Bed, case: &'a Case, base: &'a str, arms: &[&'a str]) -> Option<Row<'a>> {
    let ratio = |arm: &&'a str| Some((*arm, runs.ratio(bed, case, Measure::RunTime, arm, base)?));
    let ratios: Vec<_> = arms.iter().filter_map(ratio).collect();
    (!ratios.is_empty()).then_some(Row { case, base, ratios })
}

fn figure(bed: Bed, title: String, axis: &str, rows: &[Row<'_>]) -> Result<Option<Figure>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let mut arms: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.ratios.iter().map(|ratio| ratio.0))
        .collect();
    arms.sort_unstable();
    arms.dedup();
    let table = rows.iter().flat_map(|row| {
        row.ratios.iter().map(|(arm, ratio)| {
            vec![
                row.case.to_string(),
                (*arm).to_owned(),
                estimate(*ratio),
                row.base.to_owned(),
            ]
        })
    });
    Ok(Some(Figure {
        title,
        caption: "The bars are 95 % intervals.".into(),
        bed,
        keys: arms.iter().map(|arm| arm_key(arm)).collect(),
        svg: plot(axis, rows).svg()?,
        table: Table {
            title: "Run time".into(),
            header: ["case", "arm", axis, "1 is"].map(str::to_owned).to_vec(),
            rows: table.collect(),
        },
    }))
}

fn plot(axis: &str, rows: &[Row<'_>]) -> Plot {
    let count = rows.len() as f64;
    let points: Vec<(f64, Estimate)> = rows
        .iter()
        .flat_map(|row| row.ratios.iter().map(|ratio| (0.0, ratio.1)))
        .collect();
    let mut bounds = extent(&points);
    bounds.extend([0.9, 1.1]);
    let x = Axis::log(axis, bounds);
    let label = |(index, row): (usize, &Row<'_>)| (count - 1.0 - index as f64, without_data(row.case));
    let ticks: Vec<(f64, String)> = rows.iter().enumerate().map(label).collect();
    let longest = ticks.iter().map(|tick| tick.1.len()).max().unwrap_or(0) as u32;
    let mut marks = vec![Mark::Line {
        through: vec![(1.0, -0.5), (1.0, count - 0.5)],
        colour: Colour::Ink,
        dash: None,
    }];
    for (tick, row) in ticks.iter().zip(rows) {
        marks.extend(dots(tick.0, &row.ratios));
    }
    let y = Axis::places("", (-0.5, count - 0.5), ticks);
    let left = longest * 7 + 16;
    Plot {
        size: (left + 420, rows.len() as u32 * 34 + 70),
        left,
        x,
        y,
        marks,
    }
}

/// A row's points, one below the other within the row, so that none hides another.
fn dots(row: f64, ratios: &[(&str, Estimate)]) -> Vec<Mark> {
    let step = 0.7 / ratios.len().max(1) as f64;
    let mut marks = Vec::new();
    for (index, (arm, ratio)) in ratios.iter().enumerate() {
        let y = row + step * ((ratios.len() - 1) as f64 / 2.0 - index as f64);
        let (colour, shape) = style(arm);
        if let Some((low, high)) = ratio.interval {
            marks.push(Mark::Line {
                through: vec![(low, y), (high, y)],
                colour,
                dash: None,
            });
        }
        marks.push(Mark::Point {
            at: (ratio.figure, y),
            colour,
            shape,
        });
    }
    marks
}
