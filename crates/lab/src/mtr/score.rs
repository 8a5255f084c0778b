//! How a test went, on each engine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{
    arm::Arm,
    compare::{self, Justified},
    runner::Verdict,
    suites::Suite,
    tree::Tree,
};
use crate::paths;

/// How a test went on one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As with InnoDB.
    Pass,
    /// Otherwise than with InnoDB.
    Fail,
    /// Otherwise, for a reason that we give.
    Differs,
    /// It was not run.
    Skipped,
}

/// How a test went.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// The suite.
    pub suite: &'static str,
    /// The test's name, with that of its part of the suite.
    pub test: String,
    /// On VAMOS.
    pub vamos: Outcome,
    /// On MyRocks, if it took the tests.
    pub myrocks: Option<Outcome>,
    /// Why VAMOS differs, failed or was skipped, and whether that is what a second run
    /// gave; empty if it passed.
    pub reason: String,
}

impl Score {
    pub(super) fn new(
        suite: Suite,
        test: &str,
        oracle: Option<&Verdict>,
        vamos: Option<(Outcome, String)>,
        peer: Option<(Outcome, String)>,
    ) -> Self {
        let skipped = || (Outcome::Skipped, why_not_run(oracle));
        let (vamos, reason) = vamos.unwrap_or_else(skipped);
        Self {
            suite: suite.name(),
            test: test.to_owned(),
            vamos,
            myrocks: peer.map(|(outcome, _)| outcome),
            reason,
        }
    }

    /// Whether the test failed on VAMOS in a way that may be chance: it came to its end
    /// and printed something else. Tests that wait for a moment, as `select_high_prio`
    /// does 3.4 s long below a limit of 4 s, miss it on a busy machine with any engine.
    pub(super) fn may_be_chance(&self) -> bool {
        self.vamos == Outcome::Fail && !self.reason.starts_with(UNFINISHED)
    }

    pub(super) fn at_the_second_run(mut self) -> Self {
        let reason = match self.reason.is_empty() {
            true => "at the second run".to_owned(),
            false => format!("at the second run: {}", self.reason),
        };
        self.reason = reason;
        self
    }
}

/// What begins the difference of a test that did not come to its end.
const UNFINISHED: &str = "! ";

fn why_not_run(oracle: Option<&Verdict>) -> String {
    match oracle {
        Some(Verdict::Skipped(reason)) => format!("skipped with InnoDB too: {reason}"),
        Some(Verdict::Fail(words)) => format!("fails with InnoDB: {}", first_complaint(words)),
        Some(Verdict::Pass) => "the runner did not come to it".to_owned(),
        None => "the runner did not come to it with InnoDB".to_owned(),
    }
}

/// The line by which the runner says what went wrong.
fn first_complaint(words: &str) -> String {
    let lines = || words.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .find(|line| line.starts_with("mysqltest: ") || line.starts_with("Test case timeout"))
        .or_else(|| lines().nth(2))
        .unwrap_or("no reason given")
        .to_owned()
}

/// What the runner says of a test that came to its end.
const MISMATCHES: &[&str] = &["Result length mismatch", "Result content mismatch"];

/// Turns the runner's verdicts into outcomes.
pub(super) struct Judge<'a> {
    tree: &'a Tree,
    suite: Suite,
    differences: Option<&'a Path>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(tree: &'a Tree, suite: Suite, differences: Option<&'a Path>) -> Self {
        Self {
            tree,
            suite,
            differences,
        }
    }

    /// The outcome of each test, with the reason if it did not pass.
    pub(super) fn outcomes(
        &self,
        arm: Arm,
        verdicts: &BTreeMap<String, Verdict>,
    ) -> Result<BTreeMap<String, (Outcome, String)>> {
        let judged = verdicts.iter().map(|(test, verdict)| {
            let outcome = match verdict {
                Verdict::Pass => (Outcome::Pass, String::new()),
                Verdict::Skipped(reason) => (Outcome::Skipped, reason.clone()),
                Verdict::Fail(words) => self.judge(arm, test, words)?,
            };
            Ok((test.clone(), outcome))
        });
        judged.collect()
    }

    /// The runner compares all words; we do not count the engine's name, nor what
    /// we have given a reason for.
    fn judge(&self, arm: Arm, test: &str, words: &str) -> Result<(Outcome, String)> {
        let difference = self.difference(test, words)?;
        if difference.is_empty() {
            return Ok((Outcome::Pass, String::new()));
        }
        if arm != Arm::Vamos {
            return Ok((Outcome::Fail, first_complaint(words)));
        }
        match Justified::read(&expected_file(test))? {
            Some(known) if known.covers(&difference) => return Ok((Outcome::Differs, known.reason)),
            _ => self.leave(test, &difference, words)?,
        }
        let shown: Vec<_> = difference.lines().take(2).collect();
        Ok((Outcome::Fail, shown.join(" | ")))
    }

    /// The lines that differ; if the test did not come to its end, what stopped it.
    fn difference(&self, test: &str, words: &str) -> Result<String> {
        let result = self.suite.result_file(self.tree, test);
        let reject = result.with_extension("reject");
        let differs_only = words.lines().any(|line| MISMATCHES.contains(&line.trim()));
        if differs_only && reject.exists() {
            return compare::difference_of_files(&result, &reject, self.suite.plans());
        }
        Ok(format!("{UNFINISHED}{}\n", first_complaint(words)))
    }

    fn leave(&self, test: &str, difference: &str, words: &str) -> Result<()> {
        let Some(dir) = self.differences else {
            return Ok(());
        };
        let path = dir.join(format!("{}.diff", test.replace('/', "_")));
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        fs::write(&path, difference).with_context(|| format!("cannot write {}", path.display()))?;
        let digest = path.with_extension("digest");
        fs::write(&digest, compare::digest(difference))
            .with_context(|| format!("cannot write {}", digest.display()))?;
        fs::write(path.with_extension("log"), words)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Where the justified difference of a test would be.
fn expected_file(test: &str) -> PathBuf {
    let (suite, name) = test.split_once('.').unwrap_or(("", test));
    paths::workspace()
        .join("crates/mariadb/tests/mtr")
        .join(suite)
        .join(format!("{name}.diff"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_the_runners_own() {
        let words = "\n Test ended at 1\n\nmysqltest: At line 7: query 'x' failed: 1005\nmore\n";
        assert_eq!(
            first_complaint(words),
            "mysqltest: At line 7: query 'x' failed: 1005"
        );
    }

    #[test]
    fn only_what_came_to_its_end_may_be_chance() {
        let score = |reason: &str| {
            let vamos = Some((Outcome::Fail, reason.to_owned()));
            Score::new(Suite::Main, "main.a", Some(&Verdict::Pass), vamos, None)
        };
        assert!(score("+1 | -2").may_be_chance());
        assert!(!score("! mysqltest: At line 7: Lost connection").may_be_chance());
        let again = Score::new(
            Suite::Main,
            "main.a",
            None,
            Some((Outcome::Pass, String::new())),
            None,
        );
        assert_eq!(again.at_the_second_run().reason, "at the second run");
    }

    #[test]
    fn what_innodb_skips_is_skipped() {
        let oracle = Verdict::Skipped("no moon".into());
        let score = Score::new(Suite::Main, "main.a", Some(&oracle), None, None);
        assert_eq!(score.vamos, Outcome::Skipped);
        assert!(score.reason.contains("no moon"));
    }
}
