//! Chart 3: switches of a request against its bytes.

use anyhow::Result;

use super::{Figure, Form, Key, Section, arm_key, series, style};
use crate::eval::arm::Bed;
use crate::eval::report::axis::Axis;
use crate::eval::report::number::{optional, short};
use crate::eval::report::plot::{Colour, Plot};
use crate::eval::report::tables::Table;
use crate::eval::runs::Runs;
use crate::eval::sample::Data;
use crate::eval::slope::{self, Line};
use crate::eval::stats::{self, Estimate};

const ARMS: [&str; 3] = ["innodb-blk", "myrocks-blk", "vamos"];
/// Counts below this are drawn here: a logarithm has no 0.
const FLOOR: f64 = 0.001;
/// Request types, each with its dashes.
const TYPES: [(&str, Option<u32>); 3] = [
    ("rows_range", None),
    ("rows_scan", Some(7)),
    ("rows_point", Some(3)),
];

pub(super) fn section(runs: &Runs) -> Result<Section> {
    let lines = slope::lines(runs);
    let mut figures = Vec::new();
    for bed in [Bed::Kvm, Bed::Uml, Bed::Tcg] {
        for data in [Data::Large, Data::Cached] {
            let lines = lines.iter().filter(|line| {
                line.bed == bed
                    && line.data == data
                    && ARMS.contains(&line.arm)
                    && TYPES.iter().any(|kind| kind.0 == line.workload)
            });
            figures.extend(figure(bed, data, &lines.collect::<Vec<_>>())?);
        }
    }
    Ok(Section {
        heading: "Switches of a request, by the bytes it returns",
        about: "Kicks and interrupts of a request, medians, on logarithmic axes. A slope of 1 means twice the \
                bytes, twice the switches; 0 means that they depend on the request alone. Slopes are fitted to \
                ln(1 + switches) against ln(bytes), because counts can be 0. Data of four times the cache are \
                read from storage; cached data need no switch where the engine runs in the guest.",
        figures,
    })
}

fn figure(bed: Bed, data: Data, lines: &[&Line<'_>]) -> Result<Option<Figure>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let points: Vec<Vec<(f64, Estimate)>> = lines.iter().map(|line| drawn(line)).collect();
    let all = || points.iter().flatten();
    let x = Axis::log("bytes a request returns", all().map(|point| point.0));
    let counts = all().map(|point| point.1.figure.max(FLOOR)).chain([1.0]);
    let y = Axis::log("switches a request", counts);
    let mut marks = Vec::new();
    for (line, points) in lines.iter().zip(&points) {
        let dash = TYPES
            .iter()
            .find(|kind| kind.0 == line.workload)
            .and_then(|kind| kind.1);
        let (colour, shape) = style(line.arm);
        marks.extend(series(points, colour, shape, dash));
    }
    let arms = ARMS
        .iter()
        .filter(|arm| lines.iter().any(|line| line.arm == **arm));
    let mut keys: Vec<Key> = arms.map(|arm| with_slopes(arm_key(arm), lines)).collect();
    let kinds = TYPES
        .iter()
        .filter(|kind| lines.iter().any(|line| line.workload == kind.0));
    keys.extend(kinds.map(|kind| Key {
        name: kind.0.into(),
        colour: Colour::Ink,
        form: Form::Line(kind.1),
    }));
    Ok(Some(Figure {
        title: format!("Switches a request, {data} - {}", bed.label()),
        caption: format!("Colours are arms, dashes are request types. Counts below {FLOOR} lie on {FLOOR}."),
        bed,
        keys,
        svg: Plot {
            size: (620, 400),
            left: 60,
            x,
            y,
            marks,
        }
        .svg()?,
        table: table(lines),
    }))
}

/// The arm with its fitted slopes.
fn with_slopes(mut key: Key, lines: &[&Line<'_>]) -> Key {
    let slopes: Vec<String> = lines
        .iter()
        .filter(|line| line.arm == key.name)
        .filter_map(|line| Some(format!("{:.2} {}", line.slope()?.figure, line.workload)))
        .collect();
    key.name = format!("{}, slopes {}", key.name, slopes.join(", "));
    key
}

fn drawn(line: &Line<'_>) -> Vec<(f64, Estimate)> {
    let floored = |estimate: Estimate| estimate.map(|count| count.max(FLOOR));
    line.points
        .iter()
        .filter_map(|point| Some((point.x, floored(stats::median_estimate(&point.ys)?))))
        .collect()
}

fn table(lines: &[&Line<'_>]) -> Table {
    let header = [
        "arm",
        "request",
        "connections",
        "switches at the fewest and the most bytes",
        "slope",
    ];
    let row = |line: &&Line<'_>| {
        let end = |point: Option<&stats::Point>| {
            let Some(point) = point else { return "-".to_owned() };
            let count = stats::median(&point.ys).map_or_else(|| "-".into(), short);
            format!("{count} at {} B", short(point.x))
        };
        vec![
            line.arm.to_owned(),
            line.workload.to_owned(),
            line.connections.to_string(),
            format!("{}, {}", end(line.points.first()), end(line.points.last())),
            optional(line.slope()),
        ]
    };
    Table {
        title: "Slopes".into(),
        header: header.map(str::to_owned).to_vec(),
        rows: lines.iter().map(row).collect(),
    }
}
