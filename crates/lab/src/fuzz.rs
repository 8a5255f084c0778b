//! A differential fuzzer: programs of SQL statements, made from seeds, are run
//! on VAMOS and on InnoDB, and what the engines answer is compared statement by
//! statement. A program that shows a difference is made smaller and written as
//! a script.

mod changes;
mod checks;
mod compare;
mod definitions;
mod doubts;
mod engines;
mod generator;
mod known;
mod predicates;
mod queries;
mod replay;
mod runner;
mod schema;
mod script;
mod shrink;
mod statement;
mod stress;
mod types;
mod values;

use std::time::Duration;

use anyhow::Result;

pub use self::{
    compare::{Category, Difference},
    stress::{Stress, StressReport},
};
use self::{
    generator::{Generator, Source},
    replay::{Program, Replay},
    runner::{Run, Runner},
    shrink::Shrinker,
};
use crate::{
    local::{LocalOptions, LocalStack, Programs},
    mariadb_files::MariadbFiles,
    sql_client::SqlConnection,
};

/// How long a statement may take before it is taken to wait for a lock.
const PATIENCE: Duration = Duration::from_millis(80);

/// The same where a difference is looked at again.
const MORE_PATIENCE: Duration = Duration::from_millis(400);

/// MariaDB and the daemon, and what runs programs on them.
#[derive(Debug)]
pub struct Fuzzer {
    files: MariadbFiles,
    programs: Programs,
    stack: LocalStack,
}

/// What one seed gave.
#[derive(Clone, Debug)]
pub struct Report {
    /// Statements that were compared.
    pub statements: usize,
    /// Of them, those that succeeded.
    pub succeeded: usize,
    /// Transactions that ended.
    pub transactions: usize,
    /// Transactions that were rolled back because the engines lock differently.
    pub lock_differences: usize,
    /// The difference, if there is one.
    pub found: Option<Found>,
}

/// A difference and the program that shows it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What differs.
    pub difference: Difference,
    program: Program,
}

impl Found {
    /// The program as a script; `head` stands before it as a comment.
    #[must_use]
    pub fn script(&self, head: &str) -> String {
        script::write(&self.program, &format!("{head}\n{}", self.difference.text))
    }

    /// How many statements the program has.
    #[must_use]
    pub fn statements(&self) -> usize {
        self.program.steps.len()
    }
}

impl Fuzzer {
    /// Starts the server and the daemon.
    ///
    /// # Errors
    /// If they do not come up.
    pub fn start(files: &MariadbFiles, programs: &Programs) -> Result<Self> {
        let stack = start(files, programs)?;
        Ok(Self {
            files: files.clone(),
            programs: programs.clone(),
            stack,
        })
    }

    /// Runs the program of a seed, with at most so many connections.
    ///
    /// # Errors
    /// If the server cannot be used.
    pub fn seed(&mut self, seed: u64, connections: usize) -> Result<Report> {
        let mut generator = Generator::new(seed, connections);
        let run = self.run(&mut generator, PATIENCE)?;
        let program = Program {
            connections: generator.connections(),
            waiting: generator.waiting(),
            settings: generator.settings().to_vec(),
            steps: run.steps.clone(),
        };
        let difference = match run.difference.clone() {
            // What other programs on this machine may have brought about must
            // come again.
            Some(_) if program.connections > 1 => self.again(&program)?,
            found => found,
        };
        Ok(report(
            &run,
            difference.map(|difference| Found { difference, program }),
        ))
    }

    /// Runs a script that [`Found::script`] wrote.
    ///
    /// # Errors
    /// If it is not such a script, or the server cannot be used.
    pub fn replay(&mut self, script: &str) -> Result<Report> {
        let program = script::read(script)?;
        let run = self.run(&mut Replay::new(&program), MORE_PATIENCE)?;
        let found = run
            .difference
            .clone()
            .map(|difference| Found { difference, program });
        Ok(report(&run, found))
    }

    /// Makes the program of a difference smaller, for at most `limit`.
    ///
    /// # Errors
    /// If the server cannot be used.
    pub fn shrink(&mut self, found: &Found, limit: Duration) -> Result<Found> {
        let category = found.difference.category;
        let mut last = found.difference.clone();
        let mut fails = |program: &Program| match self.again(program)? {
            Some(difference) if difference.category == category => {
                last = difference;
                Ok(true)
            }
            _ => Ok(false),
        };
        let program = Shrinker::shrink(found.program.clone(), limit, &mut fails)?;
        Ok(Found {
            difference: last,
            program,
        })
    }

    fn again(&mut self, program: &Program) -> Result<Option<Difference>> {
        Ok(self.run(&mut Replay::new(program), MORE_PATIENCE)?.difference)
    }

    /// Runs a program; a server that is gone or hangs is started anew.
    fn run(&mut self, source: &mut dyn Source, patience: Duration) -> Result<Run> {
        let databases = ["fuzz_vamos".to_owned(), "fuzz_innodb".to_owned()];
        let mut run = Runner::run(&self.stack.server.socket(), &databases, patience, source)?;
        let Some(difference) = &mut run.difference else {
            return Ok(run);
        };
        if matches!(difference.category, Category::Crash | Category::Hang) {
            let log = std::fs::read(self.stack.server.log()).unwrap_or_default();
            let tail = crate::command::tail(&String::from_utf8_lossy(&log), 90);
            difference
                .text
                .push_str(&format!("\nThe end of the server's log:\n{tail}"));
            self.stack = start(&self.files, &self.programs)?;
        }
        Ok(run)
    }
}

fn report(run: &Run, found: Option<Found>) -> Report {
    Report {
        statements: run.statements,
        succeeded: run.succeeded,
        transactions: run.transactions,
        lock_differences: run.lock_differences,
        found,
    }
}

/// Both, set for speed: nothing here needs to survive.
fn start(files: &MariadbFiles, programs: &Programs) -> Result<LocalStack> {
    let args = [
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-stats-persistent=0",
        "--innodb-buffer-pool-size=64M",
        "--sync-frm=0",
        "--max-allowed-packet=64M",
        "--vamos-durability=never",
    ];
    let options = LocalOptions {
        mariadb_args: args.map(str::to_owned).to_vec(),
        ..LocalOptions::default()
    };
    let stack = LocalStack::start(files, programs, options)?;
    SqlConnection::open(&stack.server.socket())?.execute("SET GLOBAL innodb_fast_shutdown = 2")?;
    Ok(stack)
}
