//! The figures of the page.

mod cost;
mod ratios;
mod row_size;
mod scaling;
mod switches;

use anyhow::Result;

use super::plot::{Colour, Mark, Shape};
use super::tables::Table;
use crate::eval::arm::{Arm, Bed, Engine, Path};
use crate::eval::runs::Runs;
use crate::eval::sample::Case;
use crate::eval::stats::Estimate;

/// A chart with all that is said about it.
#[derive(Debug)]
pub(super) struct Figure {
    /// What is shown, of which case and bed.
    pub(super) title: String,
    /// How it is read.
    pub(super) caption: String,
    /// The bed that it comes from, whose bias is told beside it.
    pub(super) bed: Bed,
    /// What each colour and form stands for.
    pub(super) keys: Vec<Key>,
    /// The chart.
    pub(super) svg: String,
    /// The same as numbers.
    pub(super) table: Table,
}

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) colour: Colour,
    pub(super) form: Form,
}

/// How an entry of a legend looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// A line with points.
    Points(Shape),
    /// A line alone, in dashes where a length is given.
    Line(Option<u32>),
    /// A filled area.
    Area,
}

/// A part of the report: its heading, what it is about, and its figures.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) about: &'static str,
    pub(super) figures: Vec<Figure>,
}

/// Every section of the page, those without rows empty.
pub(super) fn sections(runs: &Runs) -> Result<Vec<Section>> {
    Ok(vec![
        cost::section(runs)?,
        row_size::section(runs)?,
        switches::section(runs)?,
        ratios::workloads(runs)?,
        scaling::connections(runs)?,
        scaling::guests(runs)?,
        ratios::contributions(runs)?,
    ])
}

/// The peers that VAMOS is compared with on this bed.
pub(super) fn peers(bed: Bed) -> &'static [&'static str] {
    if bed == Bed::Native {
        &["myrocks"]
    } else {
        &["innodb-blk", "myrocks-blk"]
    }
}

/// The arm of VAMOS that is compared on this bed.
pub(super) fn ours(bed: Bed) -> &'static str {
    if bed == Bed::Native { "vamos-unix" } else { "vamos" }
}

/// What this arm is shown as everywhere: the engine has the colour, and with the
/// path the form.
fn style(arm: &str) -> (Colour, Shape) {
    let Ok(arm) = Arm::named(arm) else {
        return (Colour::Grey, Shape::Cross);
    };
    let colour = match arm.engine {
        Engine::Vamos => Colour::Blue,
        Engine::InnoDb => Colour::Vermilion,
        Engine::MyRocks => Colour::Green,
    };
    let shape = match (arm.engine, arm.path) {
        (Engine::MyRocks, Path::Files | Path::VirtioBlk) => Shape::Triangle,
        (_, Path::Files | Path::VirtioBlk) => Shape::Square,
        (_, Path::Unix | Path::Window | Path::NineP) => Shape::Circle,
        (_, Path::VirtioScsi | Path::Stream) => Shape::Diamond,
        (_, Path::Nvme | Path::WindowUnpolled) => Shape::Cross,
        (Engine::MyRocks, Path::VirtioFs) => Shape::Square,
        (_, Path::VirtioFs) => Shape::Triangle,
    };
    (colour, shape)
}

/// The legend's entry of an arm.
fn arm_key(arm: &str) -> Key {
    let (colour, shape) = style(arm);
    Key {
        name: arm.into(),
        colour,
        form: Form::Points(shape),
    }
}

/// A line through estimates, each with its interval.
fn series(points: &[(f64, Estimate)], colour: Colour, shape: Shape, dash: Option<u32>) -> Vec<Mark> {
    let through = points.iter().map(|(x, estimate)| (*x, estimate.figure)).collect();
    let mut marks = vec![Mark::Line {
        through,
        colour,
        dash,
    }];
    for (x, estimate) in points {
        if let Some((low, high)) = estimate.interval {
            marks.push(Mark::Line {
                through: vec![(*x, low), (*x, high)],
                colour,
                dash: None,
            });
        }
        marks.push(Mark::Point {
            at: (*x, estimate.figure),
            colour,
            shape,
        });
    }
    marks
}

/// All values of these points, with their intervals' ends.
fn extent<'a>(points: impl IntoIterator<Item = &'a (f64, Estimate)>) -> Vec<f64> {
    let of = |estimate: &Estimate| {
        let (low, high) = estimate.interval.unwrap_or((estimate.figure, estimate.figure));
        [low, estimate.figure, high]
    };
    points
        .into_iter()
        .flat_map(|(_, estimate)| of(estimate))
        .collect()
}

/// A case on a bed, for a title.
fn title(bed: Bed, case: &Case) -> String {
    format!("{case} - {}", bed.label())
}

/// A case without how much data there is, which the title says.
fn without_data(case: &Case) -> String {
    case.to_string()
        .replacen(&format!(", {}", case.data), "", 1)
        .replace(" connection", " conn")
}
