//! Chart 1: what an operation costs, stacked, by row size.

use anyhow::Result;

use super::{Figure, Form, Key, Section, peers, title};
use crate::eval::arm::{Arm, Bed};
use crate::eval::measure::Measure;
use crate::eval::report::axis::Axis;
use crate::eval::report::family::{Family, Vary};
use crate::eval::report::number::short;
use crate::eval::report::plot::{Colour, Mark, Plot};
use crate::eval::report::tables::Table;
use crate::eval::runs::Runs;
use crate::eval::sample::{Case, size_label};

/// A part of a stack: its name, measure and colour.
type Part = (&'static str, Measure, Colour);

const INSTRUCTIONS: &[Part] = &[
    ("guest user", Measure::GuestUser, Colour::Sky),
    ("guest kernel", Measure::GuestKernel, Colour::Orange),
];
const HOST_TIME: &[Part] = &[
    ("host, working", Measure::HostWork, Colour::Pink),
    ("host, polling", Measure::HostPolling, Colour::Grey),
];
const ALL_TIME: &[Part] = &[
    ("guest, working", Measure::GuestWork, Colour::Sky),
    ("guest, polling", Measure::GuestPolling, Colour::Orange),
    ("host, working", Measure::HostWork, Colour::Pink),
    ("host, polling", Measure::HostPolling, Colour::Grey),
];

/// A bar: the arm and the medians of its parts.
struct Bar<'a> {
    arm: &'a str,
    parts: Vec<f64>,
}

impl Bar<'_> {
    fn total(&self) -> f64 {
        self.parts.iter().sum()
    }
}

pub(super) fn section(runs: &Runs) -> Result<Section> {
    let mut figures = Vec::new();
    for family in Vary::RowSize
        .families(runs)
        .iter()
        .filter(|family| family.bed != Bed::Native)
    {
        figures.extend(figure(runs, family, "Guest instructions", INSTRUCTIONS)?);
        let parts = if family.bed == Bed::Tcg {
            HOST_TIME
        } else {
            ALL_TIME
        };
        figures.extend(figure(runs, family, "Processor time in microseconds", parts)?);
    }
    Ok(Section {
        heading: "What an operation costs, by row size",
        about: "Medians of each part, stacked, in terms of what the first peer of each row size needs in \
                all; the numbers over the bars are absolute. The guest's cost is in instructions, which \
                every bed counts alike; the host's is in processor time. Emulated, the time of the \
                guest's processors says nothing and is left out.",
        figures,
    })
}

fn figure(runs: &Runs, family: &Family<'_>, unit: &str, parts: &[Part]) -> Result<Option<Figure>> {
    let groups: Vec<(u32, Vec<Bar<'_>>)> = family
        .members
        .iter()
        .map(|(bytes, case)| (*bytes, bars(runs, family.bed, case, parts)))
        .collect();
    if groups.iter().all(|(_, bars)| bars.len() < 2) {
        return Ok(None);
    }
    let used: Vec<usize> = (0..parts.len()).filter(|&part| is_used(&groups, part)).collect();
    let keys = used.iter().filter_map(|part| parts.get(*part)).map(|part| Key {
        name: part.0.into(),
        colour: part.2,
        form: Form::Area,
    });
    Ok(Some(Figure {
        title: format!("{unit} of an operation: {}", title(family.bed, &family.shared)),
        caption: "I: InnoDB on virtio-blk, M: MyRocks on virtio-blk, V: VAMOS over the window.".into(),
        bed: family.bed,
        keys: keys.collect(),
        svg: plot(&groups, unit, parts).svg()?,
        table: table(&groups, unit, parts),
    }))
}

fn bars<'a>(runs: &Runs, bed: Bed, case: &Case, parts: &[Part]) -> Vec<Bar<'a>> {
    let arms = peers(bed).iter().chain(&["vamos"]);
    arms.filter_map(|&arm| {
        let median = |part: &Part| runs.middle(bed, case, arm, part.1);
        let parts: Option<Vec<f64>> = parts.iter().map(median).collect();
        Some(Bar { arm, parts: parts? })
    })
    .collect()
}

fn is_used(groups: &[(u32, Vec<Bar<'_>>)], part: usize) -> bool {
    groups
        .iter()
        .flat_map(|group| &group.1)
        .any(|bar| bar.parts.get(part).is_some_and(|value| *value > 0.0))
}

fn plot(groups: &[(u32, Vec<Bar<'_>>)], unit: &str, parts: &[Part]) -> Plot {
    let mut marks = Vec::new();
    let mut ticks = Vec::new();
    let mut most: f64 = 1.0;
    for (index, (_, bars)) in groups.iter().enumerate() {
        let base = bars.first().map_or(1.0, Bar::total).max(f64::MIN_POSITIVE);
        let width = 0.84 / bars.len().max(1) as f64;
        for (place, bar) in bars.iter().enumerate() {
            let middle = index as f64 - 0.42 + width * (place as f64 + 0.5);
            let height = bar.total() / base;
            most = most.max(height);
            marks.extend(stack(bar, base, middle, width, parts));
            marks.push(Mark::Text {
                at: (middle, height),
                text: short(bar.total()).replace(' ', ""),
                size: 10,
            });
            ticks.push((middle, letter(bar.arm)));
        }
    }
    for (index, (bytes, _)) in groups.iter().enumerate() {
        marks.push(Mark::Text {
            at: (index as f64, most * 1.16),
            text: size_label(*bytes),
            size: 13,
        });
    }
    let y = Axis::linear(&format!("{unit}, first peer = 1"), [most]).up_to(most * 1.26);
    let x = Axis::places("", (-0.5, groups.len() as f64 - 0.5), ticks);
    Plot {
        size: ((groups.len() as u32 * 96 + 90).max(420), 320),
        left: 56,
        x,
        y,
        marks,
    }
}

fn stack(bar: &Bar<'_>, base: f64, middle: f64, width: f64, parts: &[Part]) -> Vec<Mark> {
    let mut low = 0.0;
    let side = width * 0.46;
    let drawn = bar.parts.iter().zip(parts).map(|(value, part)| {
        let high = low + value / base;
        let mark = Mark::Bar {
            from: (middle - side, low),
            to: (middle + side, high),
            colour: part.2,
        };
        low = high;
        mark
    });
    drawn.collect()
}

fn letter(arm: &str) -> String {
    let label = Arm::named(arm).map_or("?", |arm| arm.engine.label());
    label.chars().take(1).collect()
}

fn table(groups: &[(u32, Vec<Bar<'_>>)], unit: &str, parts: &[Part]) -> Table {
    let mut header = vec!["row".to_owned(), "arm".to_owned()];
    header.extend(parts.iter().map(|part| part.0.to_owned()));
    header.push("sum".into());
    let mut rows = Vec::new();
    for (bytes, bars) in groups {
        for bar in bars {
            let mut row = vec![size_label(*bytes), bar.arm.to_owned()];
            row.extend(bar.parts.iter().map(|value| short(*value)));
            row.push(short(bar.total()));
            rows.push(row);
        }
    }
    Table {
        title: unit.to_owned(),
        header,
        rows,
    }
}
