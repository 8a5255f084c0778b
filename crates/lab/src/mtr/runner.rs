//! Runs `mysql-test-run.pl` and reads what it prints.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::tree::Tree;
use crate::process::die_with_us;

/// What the runner says of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its output is the recorded one.
    Pass,
    /// It is not, or the test did not come to its end: with what the runner says
    /// of it.
    Fail(String),
    /// It was not run, for this reason.
    Skipped(String),
}

/// How to run.
pub(super) struct Run<'a> {
    /// Where.
    pub(super) tree: &'a Tree,
    /// What is shown in the progress lines.
    pub(super) label: &'a str,
    /// The tests.
    pub(super) tests: &'a [String],
    /// Further arguments of the runner.
    pub(super) args: &'a [String],
    /// How many tests run at a time.
    pub(super) parallel: usize,
    /// Whether what is printed becomes the recorded result.
    pub(super) record: bool,
}

impl Run<'_> {
    /// Runs the tests, showing progress, and returns the verdict on each; those
    /// without verdict were never run.
    pub(super) fn run(&self) -> Result<BTreeMap<String, Verdict>> {
        let mut child = self.command().spawn().context("cannot start mysql-test-run.pl")?;
        let output = child.stdout.take().context("mysql-test-run.pl has no output")?;
        let mut verdicts = BTreeMap::new();
        let mut last_name = String::new();
        let mut last_lines = Vec::new();
        // Tests print texts in many character sets.
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read what mysql-test-run.pl prints")?;
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some((name, verdict)) = parse(&line) {
                self.show(verdicts.len() + 1, &name, &verdict);
                verdicts.insert(name.clone(), verdict);
                last_name = name;
            } else if let Some(Verdict::Fail(words)) = verdicts.get_mut(&last_name) {
                words.push_str(&line);
                words.push('\n');
            }
            last_lines.push(line);
            if last_lines.len() > 40 {
                last_lines.remove(0);
            }
        }
        child.wait().context("cannot wait for mysql-test-run.pl")?;
        ensure!(
            !verdicts.is_empty(),
            "mysql-test-run.pl ran no test; the end of its output:\n{}",
            last_lines.join("\n")
        );
        Ok(verdicts)
    }

    fn show(&self, done: usize, name: &str, verdict: &Verdict) {
        let word = match verdict {
            Verdict::Pass => "same",
            Verdict::Fail(_) => "DIFFERENT",
            Verdict::Skipped(_) => "skipped",
        };
        if matches!(verdict, Verdict::Fail(_)) || done.is_multiple_of(20) || done == self.tests.len() {
            println!("mtr {} {done}/{}: {name} {word}", self.label, self.tests.len());
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("perl");
        command
            .arg("./mysql-test-run.pl")
            .arg(format!("--vardir={}", self.tree.var().display()))
            .args(["--force", "--max-test-fail=0", "--retry=0"])
            .arg(format!("--parallel={}", self.parallel))
            .args([
                "--testcase-timeout=3",
                "--suite-timeout=60",
                "--nocheck-testcases",
            ])
            .args(["--max-save-core=0", "--max-save-datadir=0", "--nowarnings"])
            .args(self.args)
            .args(self.record.then_some("--record"))
            .args(self.tests)
            .current_dir(self.tree.tests())
            .env("LC_ALL", "C")
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        die_with_us(&mut command);
        command
    }
}

/// Reads a line such as `main.view 'innodb'   w1 [ fail ]`.
fn parse(line: &str) -> Option<(String, Verdict)> {
    let (before, rest) = line.split_once(" [ ")?;
    let (word, comment) = rest.split_once(" ]")?;
    let verdict = match word.trim() {
        "pass" => Verdict::Pass,
        "fail" => Verdict::Fail(String::new()),
        "skipped" | "disabled" => Verdict::Skipped(comment.trim().to_owned()),
        _ => return None,
    };
    let name = before.split_whitespace().next()?;
    name.contains('.').then(|| (name.to_owned(), verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_with_its_reason() {
        let line = "storage_engine/trx.delete                w2 [ skipped ]  needs a moon";
        let (name, verdict) = parse(line).expect("a verdict");
        assert_eq!(name, "storage_engine/trx.delete");
        assert_eq!(verdict, Verdict::Skipped("needs a moon".into()));
    }

    #[test]
    fn passes_and_fails_are_told_apart() {
        assert_eq!(
            parse("main.a w1 [ pass ]   11").map(|read| read.1),
            Some(Verdict::Pass)
        );
        assert_eq!(
            parse("main.a w1 [ fail ]").map(|read| read.1),
            Some(Verdict::Fail(String::new()))
        );
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in [
            "worker[01] Using MTR_BUILD_THREAD 300",
            "- saving 'x' to 'y'",
            "",
            "a [ pass",
        ] {
            assert_eq!(parse(line), None);
        }
    }
}
