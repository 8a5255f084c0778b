//! The report as a page: HTML with SVG charts, complete in one file.

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::{self, Figure, Form, Key, Section};
use super::plot::{Colour, Shape};
use super::tables::{self, Table};
use crate::eval::goals::{self, Goal};
use crate::eval::runs::Runs;

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn html(runs: &Runs) -> Result<String> {
    let sections = figures::sections(runs)?;
    let goals = goals::evaluate(runs);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "VAMOS: evaluation" }
                style { (PreEscaped(STYLE)) (PreEscaped(dark_colours())) }
            }
            body {
                h1 { "VAMOS: evaluation" }
                (introduction(runs))
                (goal_table(&goals))
                @for section in &sections { (section_of(section)) }
                (closing(runs))
            }
        }
    };
    Ok(page.into_string())
}

/// Rules that exchange the charts' colours where the reader prefers dark.
fn dark_colours() -> String {
    let rules: String = Colour::ALL.iter().map(|colour| colour.css()).collect();
    format!("@media (prefers-color-scheme: dark){{{rules}}}")
}

fn introduction(runs: &Runs) -> Markup {
    html! {
        p {
            "Figures are medians over repetitions, each a fresh start of the arm. Brackets and bars are 95 % \
             intervals: the percentile bootstrap over repetitions. Every figure is drawn from the raw file."
        }
        (table(&tables::machine(runs)))
        @let beds = super::beds(runs);
        @if !beds.is_empty() {
            h3 { "What the figures come from, and how that is biased" }
            dl {
                @for bed in beds {
                    dt { (bed.label()) }
                    dd { (bed.bias()) "." }
                }
            }
        }
    }
}

fn goal_table(goals: &[Goal]) -> Markup {
    let table = tables::goals(goals);
    let met = goals.iter().filter(|goal| goal.met == Some(true)).count();
    let measured = goals.iter().filter(|goal| goal.met.is_some()).count();
    html! {
        h2 { "Goals" }
        p { (met) " of " (measured) " measured goals are met; " (goals.len() - measured) " were not measured." }
        div.wide {
            table.goals {
                thead { tr { @for name in &table.header { th { (name) } } } }
                tbody {
                    @for (goal, row) in goals.iter().zip(&table.rows) {
                        tr class=(class(goal)) { @for cell in row { td { (cell) } } }
                    }
                }
            }
        }
    }
}

fn class(goal: &Goal) -> &'static str {
    match goal.met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "open",
    }
}

fn section_of(section: &Section) -> Markup {
    html! {
        h2 { (section.heading) }
        p { (section.about) }
        @if section.figures.is_empty() {
            p.open { "No rows for this were measured." }
        }
        div.figures { @for figure in &section.figures { (figure_of(figure)) } }
    }
}

fn figure_of(figure: &Figure) -> Markup {
    html! {
        figure {
            h3 { (figure.title) }
            ul.keys { @for key in &figure.keys { li { (swatch(key)) (key.name) } } }
            (PreEscaped(&figure.svg))
            figcaption {
                (figure.caption) " "
                em { (figure.bed.label()) ": " (figure.bed.bias()) "." }
                details { summary { "The numbers" } (rows(&figure.table)) }
            }
        }
    }
}

/// What a key looks like in the chart.
fn swatch(key: &Key) -> Markup {
    let colour = key.colour.hex();
    html! {
        svg width="34" height="14" viewBox="-17 -7 34 14" aria-hidden="true" {
            @match key.form {
                Form::Area => { rect x="-9" y="-6" width="18" height="12" fill=(colour) {} },
                Form::Line(dash) => {
                    line x1="-16" x2="16" stroke=(colour) stroke-width="2" stroke-dasharray=[dash] {}
                },
                Form::Points(shape) => {
                    line x1="-16" x2="16" stroke=(colour) stroke-width="2" {}
                    polygon points=(corners(shape)) fill=(colour) {}
                },
            }
        }
    }
}

fn corners(shape: Shape) -> String {
    let corners: Vec<String> = shape
        .corners()
        .into_iter()
        .map(|(x, y)| format!("{x},{y}"))
        .collect();
    corners.join(" ")
}

fn closing(runs: &Runs) -> Markup {
    let disagreements = tables::disagreements(runs);
    html! {
        @if super::beds(runs).len() > 1 {
            h2 { "Where the beds disagree" }
            p { "Cases in which the intervals of two beds do not meet." }
            @if disagreements.rows.is_empty() { p.open { "Nowhere, in what was measured on more than one." } }
            (rows(&disagreements))
        }
        h2 { "Not run" }
        @if runs.not_run.is_empty() { p.open { "Everything that was asked for was run." } }
        (rows(&tables::not_run(runs)))
        h2 { "All figures" }
        p { "Switches, microseconds and instructions are of one transaction." }
        (table(&tables::pairs(runs)))
        @for cases in &tables::cases(runs) { (table(cases)) }
    }
}

/// A table under its title, unless it is empty.
fn table(table: &Table) -> Markup {
    html! {
        @if !table.rows.is_empty() {
            h3 { (table.title) }
            (rows(table))
        }
    }
}

/// A table alone, unless it is empty.
fn rows(table: &Table) -> Markup {
    html! {
        @if !table.rows.is_empty() {
            div.wide {
                table {
                    thead { tr { @for name in &table.header { th { (name) } } } }
                    tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
                }
            }
        }
    }
}
