//! Makes a program that shows a difference smaller: leaves out steps, parts of
//! statements, columns and settings as long as the difference stays.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{
    replay::Program,
    statement::{ColumnId, Step},
};

/// Tries smaller programs until none of them shows the difference any more.
pub(super) struct Shrinker<'a> {
    /// Whether a program still shows the difference.
    fails: &'a mut dyn FnMut(&Program) -> Result<bool>,
    best: Program,
    end: Instant,
}

impl<'a> Shrinker<'a> {
    /// Shrinks for at most `limit`.
    pub(super) fn shrink(
        program: Program,
        limit: Duration,
        fails: &'a mut dyn FnMut(&Program) -> Result<bool>,
    ) -> Result<Program> {
        let mut shrinker = Self {
            fails,
            best: program,
            end: Instant::now() + limit,
        };
        loop {
            let before = shrinker.size();
            shrinker.drop_settings()?;
            shrinker.drop_steps()?;
            shrinker.drop_parts()?;
            shrinker.drop_columns()?;
            if shrinker.size() == before || Instant::now() > shrinker.end {
                return Ok(shrinker.best);
            }
        }
    }

    /// The length of its text.
    fn size(&self) -> usize {
        let steps: usize = self
            .best
            .steps
            .iter()
            .map(|step| step.statement.sql().len())
            .sum();
        steps + self.best.settings.len()
    }

    /// Takes a smaller program if it still fails.
    fn attempt(&mut self, program: Program) -> Result<bool> {
        if Instant::now() > self.end || !(self.fails)(&program)? {
            return Ok(false);
        }
        self.best = program;
        Ok(true)
    }

    fn drop_settings(&mut self) -> Result<()> {
        // The first ones fix the time and what a wait does.
        for number in (1..self.best.settings.len()).rev() {
            if self.best.settings[number].contains("timeout")
                || self.best.settings[number].contains("autocommit")
            {
                continue;
            }
            let mut program = self.best.clone();
            program.settings.remove(number);
            self.attempt(program)?;
        }
        Ok(())
    }

    /// Halves, quarters, .. down to single steps.
    fn drop_steps(&mut self) -> Result<()> {
        let mut size = self.best.steps.len().div_ceil(2).max(1);
        loop {
            // From the end, so that what makes the tables is tried last.
            let mut end = self.best.steps.len();
            while end > 0 {
                let begin = end.saturating_sub(size);
                let mut steps = self.best.steps.clone();
                steps.drain(begin..end);
                self.attempt(self.best.with_steps(steps))?;
                end = begin;
            }
            if size == 1 {
                return Ok(());
            }
            size = size.div_ceil(2);
        }
    }

    fn drop_parts(&mut self) -> Result<()> {
        for number in 0..self.best.steps.len() {
            let mut size = self.best.steps[number].statement.optional_parts();
            while size > 0 {
                let mut end = self.best.steps[number].statement.optional_parts();
                while end > 0 {
                    let begin = end.saturating_sub(size);
                    let mut steps = self.best.steps.clone();
                    steps[number].statement = steps[number].statement.without_parts(begin, end);
                    self.attempt(self.best.with_steps(steps))?;
                    end = begin;
                }
                size /= 2;
            }
        }
        Ok(())
    }

    fn drop_columns(&mut self) -> Result<()> {
        let mut columns: Vec<ColumnId> = self
            .best
            .steps
            .iter()
            .flat_map(|step| step.statement.columns().cloned())
            .collect();
        columns.sort();
        columns.dedup();
        for column in columns {
            let without = |step: &Step| Step {
                connection: step.connection,
                statement: step.statement.without_column(&column),
            };
            let steps = self.best.steps.iter().map(without).collect();
            self.attempt(self.best.with_steps(steps))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{
        generator::Waiting,
        statement::{Compare, Kind, Statement},
    };

    #[test]
    fn what_does_not_matter_goes() {
        let step = |text: &str| {
            let mut statement = Statement::new(Kind::Rows, Compare::Success, text);
            statement.optional(" more");
            statement.optional(" culprit");
            Step {
                connection: 0,
                statement,
            }
        };
        let program = Program {
            connections: 1,
            waiting: Waiting::Alone,
            settings: vec!["time".into(), "mode".into()],
            steps: (0..37).map(|number| step(&format!("step {number}"))).collect(),
        };
        let mut fails = |program: &Program| {
            let texts: Vec<String> = program.steps.iter().map(|step| step.statement.sql()).collect();
            let five = texts
                .iter()
                .any(|text| text.starts_with("step 5") && text.contains("culprit"));
            Ok(five && texts.iter().any(|text| text.starts_with("step 30")))
        };
        let small = Shrinker::shrink(program, Duration::from_secs(60), &mut fails).unwrap();
        let texts: Vec<String> = small.steps.iter().map(|step| step.statement.sql()).collect();
        assert_eq!(texts, ["step 5 culprit", "step 30"]);
        assert_eq!(small.settings, ["time"]);
    }
}
