//! The score table, for people and for programs.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use super::score::{Outcome, Score};

/// The table of all tests and the totals of each suite.
#[must_use]
pub fn show(scores: &[Score]) -> String {
    let mut text = String::new();
    let width = scores.iter().map(|score| score.test.len()).max().unwrap_or(0);
    for score in scores {
        let peer = score.myrocks.map_or("", word);
        let line = format!(
            "{:<width$}  {:<8} {:<8} {}",
            score.test,
            word(score.vamos),
            peer,
            score.reason
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "\n{:<22} {:>28}   {:>28}", "suite", "VAMOS", "MyRocks");
    for (suite, of_suite) in by_suite(scores) {
        let vamos = totals(of_suite.iter().map(|score| score.vamos));
        let peer = totals(of_suite.iter().filter_map(|score| score.myrocks));
        let _ = writeln!(text, "{suite:<22} {vamos:>28}   {peer:>28}");
    }
    text
}

/// Writes the scores as a JSON list.
///
/// # Errors
/// If the file can't be written.
pub fn write_json(scores: &[Score], path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(scores).context("cannot encode the scores")?;
    fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn by_suite(scores: &[Score]) -> BTreeMap<&str, Vec<&Score>> {
    let mut suites: BTreeMap<&str, Vec<&Score>> = BTreeMap::new();
    for score in scores {
        let part = score.test.split_once('.').map_or("", |(part, _)| part);
        suites.entry(part).or_default().push(score);
    }
    suites
}

fn totals(outcomes: impl Iterator<Item = Outcome>) -> String {
    let mut counts = [0; 4];
    for outcome in outcomes {
        counts[outcome as usize] += 1;
    }
    let [pass, fail, differs, skipped] = counts;
    format!("{pass} pass, {differs} differ, {fail} fail, {skipped} skip")
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "FAIL",
        Outcome::Differs => "differs",
        Outcome::Skipped => "skipped",
    }
}
