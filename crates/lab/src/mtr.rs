//! MariaDB's own test suites, with InnoDB as the oracle.
//!
//! The suites come from Debian's `mariadb-test` packages at run time; nothing of
//! them is in this repository. A suite's results are first recorded with InnoDB,
//! then VAMOS and, as the peer, MyRocks are held against them. The results that
//! the packages ship are not used: they are stale (InnoDB itself passes 35 of
//! the `storage_engine` suite's 100 own tests).

mod arm;
mod compare;
mod report;
mod runner;
mod score;
mod suites;
mod tree;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;

pub use arm::Arm;
pub use report::{show, write_json};
pub use score::{Outcome, Score};
pub use suites::Suite;

use crate::{local::Programs, mariadb_files::MariadbFiles};
use runner::{Run, Verdict};
use score::Judge;
use tree::Tree;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The suites.
    pub suites: Vec<Suite>,
    /// Only tests whose name contains this.
    pub filter: Option<String>,
    /// Whether MyRocks takes the tests too.
    pub peer: bool,
    /// Where to leave the lines in which VAMOS differs, a file each test.
    pub differences: Option<PathBuf>,
}

/// Runs the suites and returns how each test went.
///
/// # Errors
/// If the tests cannot be had or the runner does not work.
pub fn run(files: &MariadbFiles, programs: &Programs, options: &Options) -> Result<Vec<Score>> {
    let tree = Tree::create(files, programs)?;
    let mut scores = Vec::new();
    for suite in &options.suites {
        scores.extend(run_suite(&tree, *suite, options)?);
    }
    Ok(scores)
}

fn run_suite(tree: &Tree, suite: Suite, options: &Options) -> Result<Vec<Score>> {
    suite.prepare(tree)?;
    let mut tests = suite.tests(tree)?;
    if let Some(filter) = &options.filter {
        tests.retain(|test| test.contains(filter.as_str()));
    }
    let mut scores = run_tests(tree, suite, options, &tests, 2)?;
    let doubtful: Vec<String> = scores
        .iter()
        .filter(|score| score.may_be_chance())
        .map(|score| score.test.clone())
        .collect();
    for again in run_tests(tree, suite, options, &doubtful, 1)? {
        if let Some(score) = scores.iter_mut().find(|score| score.test == again.test) {
            *score = again.at_the_second_run();
        }
    }
    Ok(scores)
}

/// Runs tests on all engines, so many at a time.
fn run_tests(
    tree: &Tree,
    suite: Suite,
    options: &Options,
    tests: &[String],
    parallel: usize,
) -> Result<Vec<Score>> {
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let run = |arm, tests: &[String]| run_arm(tree, suite, arm, tests, parallel);
    let recorded = run(Arm::InnoDb, tests)?;
    let able: Vec<String> = tests
        .iter()
        .filter(|test| recorded.get(*test) == Some(&Verdict::Pass))
        .cloned()
        .collect();
    let judge = Judge::new(tree, suite, options.differences.as_deref());
    let mut vamos = BTreeMap::new();
    let mut peer = BTreeMap::new();
    if !able.is_empty() {
        vamos = judge.outcomes(Arm::Vamos, &run(Arm::Vamos, &able)?)?;
        if options.peer {
            peer = judge.outcomes(Arm::MyRocks, &run(Arm::MyRocks, &able)?)?;
        }
    }
    let score = |test: &String| {
        let oracle = recorded.get(test);
        Score::new(suite, test, oracle, vamos.remove(test), peer.remove(test))
    };
    Ok(tests.iter().map(score).collect())
}

fn run_arm(
    tree: &Tree,
    suite: Suite,
    arm: Arm,
    tests: &[String],
    parallel: usize,
) -> Result<BTreeMap<String, Verdict>> {
    let args = suite.point_at(arm, tree)?;
    println!(
        "mtr: {} tests of {} on {}",
        tests.len(),
        suite.name(),
        arm.engine()
    );
    Run {
        tree,
        label: &format!("{} {}", suite.name(), arm.engine()),
        tests,
        args: &args,
        parallel,
        record: arm == Arm::InnoDb,
    }
    .run()
}
