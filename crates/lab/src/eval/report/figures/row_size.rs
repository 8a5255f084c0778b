//! Chart 2: the ratio of run times, by row size.

use anyhow::Result;

use super::{Figure, Form, Key, Section, extent, ours, peers, series, without_data};
use crate::eval::arm::Bed;
use crate::eval::measure::Measure;
use crate::eval::report::axis::Axis;
use crate::eval::report::family::{Family, Vary};
use crate::eval::report::number::estimate;
use crate::eval::report::plot::{Colour, Mark, Plot, Shape};
use crate::eval::report::tables::Table;
use crate::eval::runs::Runs;
use crate::eval::sample::{Data, size_label};
use crate::eval::stats::Estimate;

/// What tells workloads apart: two cycles of different length, together of 30.
const COLOURS: [Colour; 6] = [
    Colour::Blue,
    Colour::Vermilion,
    Colour::Green,
    Colour::Pink,
    Colour::Orange,
    Colour::Grey,
];
const SHAPES: [Shape; 5] = [
    Shape::Circle,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Cross,
];
/// How far workloads stand apart at a size, so that no interval hides another: a
/// factor, as the axis is logarithmic.
const ASIDE: f64 = 1.06;
/// The ratio that is the goal.
const GOAL: f64 = 0.68;

/// A workload's ratios: its name, and by size the ratio with the peer.
struct Line {
    name: String,
    points: Vec<(f64, Estimate)>,
    rows: Vec<Vec<String>>,
}

pub(super) fn section(runs: &Runs) -> Result<Section> {
    let families = Vary::RowSize.families(runs);
    let mut figures = Vec::new();
    for bed in [Bed::Kvm, Bed::Uml, Bed::Tcg, Bed::Native] {
        for data in [Data::Large, Data::Cached] {
            let of = |family: &&Family<'_>| family.bed == bed && family.shared.data == data;
            let lines: Vec<Line> = families
                .iter()
                .filter(of)
                .filter_map(|family| line(runs, family))
                .collect();
            figures.extend(figure(bed, data, &lines)?);
        }
    }
    Ok(Section {
        heading: "Run time by row size",
        about: "The run time of VAMOS in terms of the better peer's: of InnoDB and MyRocks on virtio-blk in a \
                guest, of MyRocks without one. Below 1 VAMOS is faster, above 1 it is slower. The bars are \
                95 % intervals; the dashed line at 0.68 is the goal of 32 % less.",
        figures,
    })
}

fn line(runs: &Runs, family: &Family<'_>) -> Option<Line> {
    let (bed, our) = (family.bed, ours(family.bed));
    let mut line = Line {
        name: without_data(&family.shared),
        points: Vec::new(),
        rows: Vec::new(),
    };
    for (bytes, case) in &family.members {
        let Some(peer) = runs.best(bed, case, Measure::RunTime, peers(bed)) else {
            continue;
        };
        let Some(ratio) = runs.ratio(bed, case, Measure::RunTime, our, peer) else {
            continue;
        };
        line.points.push((f64::from(*bytes), ratio));
        line.rows.push(vec![
            line.name.clone(),
            size_label(*bytes),
            estimate(ratio),
            peer.into(),
        ]);
    }
    (!line.points.is_empty()).then_some(line)
}

fn figure(bed: Bed, data: Data, lines: &[Line]) -> Result<Option<Figure>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let points = || lines.iter().flat_map(|line| &line.points);
    let sizes = points().map(|(bytes, _)| (*bytes, size_label(*bytes as u32)));
    let x = Axis::log_at("bytes of a row", sizes);
    let mut bounds = extent(points());
    bounds.extend([GOAL * 0.9, 1.15]);
    let y = Axis::log("run time, better peer = 1", bounds);
    let ends = x.values();
    let rule = |at, dash| Mark::Line {
        through: vec![(ends.0, at), (ends.1, at)],
        colour: Colour::Ink,
        dash,
    };
    let mut marks = vec![rule(1.0, None), rule(GOAL, Some(5))];
    let mut keys = Vec::new();
    let styles = COLOURS.into_iter().cycle().zip(SHAPES.into_iter().cycle());
    let middle = (lines.len() as f64 - 1.0) / 2.0;
    for (index, (line, (colour, shape))) in lines.iter().zip(styles).enumerate() {
        let aside = ASIDE.powf(index as f64 - middle);
        let points: Vec<_> = line
            .points
            .iter()
            .map(|(bytes, ratio)| (bytes * aside, *ratio))
            .collect();
        marks.extend(series(&points, colour, shape, None));
        keys.push(Key {
            name: line.name.clone(),
            colour,
            form: Form::Points(shape),
        });
    }
    let header = ["case", "row", "run time, better peer = 1", "peer"]
        .map(str::to_owned)
        .to_vec();
    Ok(Some(Figure {
        title: format!("Run time, {data} - {}", bed.label()),
        caption:
            "1 and the goal are drawn as lines. Workloads stand a little aside of each other at each size."
                .into(),
        bed,
        keys,
        svg: Plot {
            size: (620, 380),
            left: 56,
            x,
            y,
            marks,
        }
        .svg()?,
        table: Table {
            title: "Run time".into(),
            header,
            rows: lines.iter().flat_map(|line| line.rows.clone()).collect(),
        },
    }))
}
