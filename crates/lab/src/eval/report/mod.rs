//! The report, drawn from raw rows alone: tables for a terminal, and a page with
//! charts that needs neither scripts nor a network.

mod axis;
mod family;
mod figures;
mod number;
mod page;
mod plot;
mod tables;
mod terminal;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use super::arm::Bed;
use super::raw;
use super::runs::Runs;
use super::sample::Line;

/// Draws the page of a raw file.
///
/// # Errors
/// If the raw file cannot be read, or the page not be written.
pub fn write(raw: &Path, html: &Path) -> Result<()> {
    let page = page(&raw::read(raw)?)?;
    std::fs::write(html, page).with_context(|| format!("writing {}", html.display()))
}

/// The page of these rows, as HTML.
///
/// # Errors
/// If a chart cannot be drawn.
pub fn page(lines: &[Line]) -> Result<String> {
    page::html(&Runs::new(lines))
}

/// The tables of these rows, 110 columns wide; the goals last.
#[must_use]
pub fn terminal(lines: &[Line]) -> String {
    terminal::text(&Runs::new(lines))
}

/// The table of goals alone, 110 columns wide.
#[must_use]
pub fn goals(lines: &[Line]) -> String {
    terminal::goals_text(&Runs::new(lines))
}

/// The beds that anything was measured on.
fn beds(runs: &Runs) -> BTreeSet<Bed> {
    runs.cases().map(|(bed, _)| bed).collect()
}
