//! The report for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, TableComponent, presets};

use super::tables::{self, Table};
use crate::eval::goals::{self, Goal};
use crate::eval::runs::Runs;

/// Columns of text.
const WIDTH: u16 = 110;
/// Of them, those of a goal's measure and note.
const MEASURE: usize = 60;
/// Columns that are not broken into lines.
const NARROW: [&str; 6] = ["arm", "tx/s", "ratio to peer", "goal", "figure", "met"];
/// Columns that hold numbers alone.
const NUMBERS: [&str; 6] = ["n", "p99 us", "switches", "host us", "server us", "user instr."];

/// Every table of the report, and the biases of the beds that it comes from.
pub(super) fn text(runs: &Runs) -> String {
    let mut text = String::new();
    add(&mut text, &tables::machine(runs));
    for table in &tables::cases(runs) {
        add(&mut text, table);
    }
    add(&mut text, &tables::pairs(runs));
    add(&mut text, &tables::disagreements(runs));
    add(&mut text, &tables::not_run(runs));
    for bed in super::beds(runs) {
        let bias = format!("{}: {}.", bed.label(), bed.bias());
        let _ = writeln!(text, "{}", wrap(&bias, "", usize::from(WIDTH)));
    }
    let _ = writeln!(
        text,
        "Figures are medians over repetitions (n), with bootstrap 95 % intervals in brackets.\n"
    );
    add_goals(&mut text, &goals::evaluate(runs));
    text
}

/// The goals alone.
pub(super) fn goals_text(runs: &Runs) -> String {
    let mut text = String::new();
    add_goals(&mut text, &goals::evaluate(runs));
    text
}

/// Adds the goals: below each what its figure is of.
fn add_goals(text: &mut String, goals: &[Goal]) {
    let full = tables::goals(goals);
    let short = |row: &Vec<String>| {
        let mut row = row.clone();
        let note = row.pop().unwrap_or_default();
        if let Some(measure) = row.first_mut() {
            *measure = format!("{}\n{}", wrap(measure, "", MEASURE), wrap(&note, "    ", MEASURE));
        }
        row
    };
    let header = full.header.iter().take(4).cloned().collect();
    add(
        text,
        &Table {
            title: full.title,
            header,
            rows: full.rows.iter().map(short).collect(),
        },
    );
}

/// The text in lines of at most so many columns, each with this before it.
fn wrap(text: &str, indent: &str, width: usize) -> String {
    let mut lines = vec![String::from(indent)];
    for word in text.split_whitespace() {
        let room = lines
            .last()
            .map_or(0, |line| width.saturating_sub(line.chars().count()));
        if room <= word.chars().count() {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// Adds a table, unless it is empty.
fn add(text: &mut String, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let mut drawn = comfy_table::Table::new();
    drawn
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '-')
        .set_style(TableComponent::MiddleHeaderIntersections, '-')
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(&table.header)
        .add_rows(&table.rows);
    for (column, name) in drawn.column_iter_mut().zip(&table.header) {
        column.set_padding((0, 1));
        if NARROW.contains(&name.as_str()) || NUMBERS.contains(&name.as_str()) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if NUMBERS.contains(&name.as_str()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let _ = writeln!(text, "{}\n{drawn}\n", table.title);
}
