//! How throughput grows with connections and with guests.

use anyhow::Result;

use super::{Figure, Section, arm_key, extent, series, style, title};
use crate::eval::measure::Measure;
use crate::eval::report::axis::Axis;
use crate::eval::report::family::{Family, Vary};
use crate::eval::report::number::estimate;
use crate::eval::report::plot::Plot;
use crate::eval::report::tables::Table;
use crate::eval::runs::Runs;
use crate::eval::stats::Estimate;

/// An arm's transactions a second, by what varies.
type Line<'a> = (&'a str, Vec<(f64, Estimate)>);

pub(super) fn connections(runs: &Runs) -> Result<Section> {
    Ok(Section {
        heading: "Scaling with connections",
        about: "Transactions a second, all connections together; the bars are 95 % intervals.",
        figures: figures(runs, Vary::Connections, "connections")?,
    })
}

pub(super) fn guests(runs: &Runs) -> Result<Section> {
    Ok(Section {
        heading: "Scaling with guests",
        about: "Transactions a second, all guests together; the bars are 95 % intervals.",
        figures: figures(runs, Vary::Guests, "guests")?,
    })
}

fn figures(runs: &Runs, vary: Vary, of: &str) -> Result<Vec<Figure>> {
    vary.families(runs)
        .iter()
        .map(|family| figure(runs, family, of))
        .collect()
}

fn figure(runs: &Runs, family: &Family<'_>, of: &str) -> Result<Figure> {
    let lines: Vec<Line<'_>> = family
        .arms(runs)
        .into_iter()
        .map(|arm| (arm, line(runs, family, arm)))
        .collect();
    let points = || lines.iter().flat_map(|line| &line.1);
    let ticks = family
        .members
        .iter()
        .map(|(value, _)| (f64::from(*value), value.to_string()));
    let x = Axis::log_at(of, ticks);
    let y = Axis::linear("transactions a second", extent(points()));
    let mut marks = Vec::new();
    let mut rows = Vec::new();
    for (arm, points) in &lines {
        let (colour, shape) = style(arm);
        marks.extend(series(points, colour, shape, None));
        let row =
            |(value, rate): &(f64, Estimate)| vec![(*arm).to_owned(), value.to_string(), estimate(*rate)];
        rows.extend(points.iter().map(row));
    }
    Ok(Figure {
        title: title(family.bed, &family.shared),
        caption: String::new(),
        bed: family.bed,
        keys: lines.iter().map(|line| arm_key(line.0)).collect(),
        svg: Plot {
            size: (480, 320),
            left: 60,
            x,
            y,
            marks,
        }
        .svg()?,
        table: Table {
            title: "Transactions a second".into(),
            header: vec!["arm".into(), of.into(), "transactions a second".into()],
            rows,
        },
    })
}

fn line(runs: &Runs, family: &Family<'_>, arm: &str) -> Vec<(f64, Estimate)> {
    let members = family.members.iter();
    members
        .filter_map(|(value, case)| {
            Some((
                f64::from(*value),
                runs.median(family.bed, case, arm, Measure::Throughput)?,
            ))
        })
        .collect()
}
