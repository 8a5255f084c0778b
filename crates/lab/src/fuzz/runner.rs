//! Runs a program on both engines, statement by statement.
//!
//! A statement that waits for a lock on both engines goes on waiting while
//! other connections go on. Which locks the engines take differs in detail:
//! where one engine gives up (or waits) and the other does not, the transaction
//! is rolled back on both, and the program goes on.

use std::{path::Path, time::Duration};

use anyhow::Result;

use super::{
    checks,
    compare::{self, Category, Difference, Verdict, code},
    doubts,
    engines::{ENGINES, Pair},
    generator::{Source, Waiting},
    statement::{Kind, Statement, Step},
};
use crate::sql_client::{Outcome, SqlConnection};

/// How long anything that does not wait for a lock may take.
pub(super) const HANG: Duration = Duration::from_secs(120);

/// What running a program gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// The steps that were run.
    pub(super) steps: Vec<Step>,
    /// The difference, after the last step, if there is one.
    pub(super) difference: Option<Difference>,
    /// Statements that were compared, without the checks.
    pub(super) statements: usize,
    /// Of them, those that succeeded.
    pub(super) succeeded: usize,
    /// Transactions that ended.
    pub(super) transactions: usize,
    /// Transactions that were rolled back because the engines' locks differ.
    pub(super) lock_differences: usize,
}

/// Runs programs in two databases of a server.
#[derive(Debug)]
pub(super) struct Runner {
    control: SqlConnection,
    databases: [String; 2],
    pairs: Vec<Pair>,
    waiting: Waiting,
    patience: Duration,
    /// A statement that defines something has waited while others went on.
    definition_waited: bool,
    run: Run,
}

/// Whether a program goes on.
enum Next {
    GoOn,
    /// The engines' contents are apart for a known reason.
    Abandon,
    Differs(Difference),
}

impl Runner {
    /// Runs a program; `databases` are made anew for it.
    pub(super) fn run(
        socket: &Path,
        databases: &[String; 2],
        patience: Duration,
        source: &mut dyn Source,
    ) -> Result<Run> {
        let mut control = SqlConnection::open(socket)?;
        control.execute("SET FOREIGN_KEY_CHECKS = 0")?;
        for database in databases {
            control.execute(&format!("DROP DATABASE IF EXISTS {database}"))?;
            control.execute(&format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"))?;
        }
        let pairs = (0..source.connections())
            .map(|_| Pair::open(socket, databases, source.settings()))
            .collect::<Result<Vec<Pair>>>()?;
        let mut runner = Self {
            control,
            databases: databases.clone(),
            pairs,
            waiting: source.waiting(),
            patience,
            definition_waited: false,
            run: Run::default(),
        };
        let go_on = runner.steps(source);
        runner.finish(databases, go_on)
    }

    /// Runs the steps; false if the contents are apart for a known reason.
    fn steps(&mut self, source: &mut dyn Source) -> bool {
        while let Some(step) = source.next() {
            let Some(pair) = self.pairs.get_mut(step.connection) else {
                continue;
            };
            if pair.is_pending() {
                source.learn(false);
                continue;
            }
            pair.start(&step.statement);
            let connection = step.connection;
            self.run.steps.push(step);
            let before = self.run.succeeded;
            let next = self.settle(connection);
            source.learn(self.run.succeeded > before);
            match next.unwrap_or_else(|| self.settle_waiting()) {
                Next::GoOn => {}
                Next::Abandon => return false,
                Next::Differs(difference) => {
                    self.run.difference = Some(difference);
                    return false;
                }
            }
        }
        true
    }

    /// Looks at what a connection's statement came to. None if there is nothing
    /// to say: the program goes on.
    fn settle(&mut self, connection: usize) -> Option<Next> {
        let first = match self.waiting {
            Waiting::Waits => self.patience,
            Waiting::Alone | Waiting::Refused => HANG,
        };
        let pair = &mut self.pairs[connection];
        let mut there = pair.wait(first);
        if there == 1 && self.waiting == Waiting::Waits {
            there = pair.wait(self.patience * 4);
        }
        match (there, self.waiting) {
            (2, _) => self.judge(connection),
            (0, Waiting::Waits) => {
                pair.waited = true;
                self.definition_waited |= pair.defines();
                None
            }
            (1, Waiting::Waits) => match pair.kill(&mut self.control, HANG) {
                true => self.judge(connection),
                false => Some(hang()),
            },
            _ => Some(hang()),
        }
    }

    /// Looks after the statements that wait, until nothing changes.
    fn settle_waiting(&mut self) -> Next {
        loop {
            let mut changed = false;
            for connection in 0..self.pairs.len() {
                if !self.pairs[connection].is_pending() {
                    continue;
                }
                if let Some(next @ (Next::Abandon | Next::Differs(_))) = self.settle(connection) {
                    return next;
                }
                changed |= !self.pairs[connection].is_pending();
            }
            if !changed {
                return Next::GoOn;
            }
        }
    }

    /// Compares the two outcomes of a connection's statement.
    fn judge(&mut self, connection: usize) -> Option<Next> {
        let (statement, [vamos, innodb]) = self.pairs[connection].take()?;
        self.run.statements += 1;
        self.run.succeeded += usize::from(vamos.is_ok() && innodb.is_ok());
        self.run.transactions += usize::from(statement.kind == Kind::Boundary);
        match compare::outcomes(&statement, &vamos, &innodb) {
            Verdict::Same if may_part_counters(&statement, &vamos) && self.counters_differ() => {
                Some(Next::Abandon)
            }
            Verdict::Same => None,
            Verdict::Known => Some(Next::Abandon),
            Verdict::Differs(_)
                if doubts::contradicts_itself(&self.pairs[connection], &statement, &vamos, &innodb) =>
            {
                None
            }
            // Whether it saw the old definition or the new one was a race.
            Verdict::Differs(_) if self.definition_waited && self.pairs[connection].waited => {
                Some(Next::Abandon)
            }
            Verdict::Differs(_) if doubts::copies_other_rows(&self.pairs[connection], &statement) => {
                Some(Next::Abandon)
            }
            Verdict::Differs(_) if doubts::may_leave_rows_out(&self.pairs[connection]) => Some(Next::Abandon),
            Verdict::Differs(difference) => Some(Next::Differs(difference)),
            Verdict::LockDiffers => self.resolve(connection, &statement, &vamos, &innodb),
        }
    }

    /// Brings both engines to the same state after one of them gave up.
    fn resolve(
        &mut self,
        connection: usize,
        statement: &Statement,
        vamos: &Outcome,
        innodb: &Outcome,
    ) -> Option<Next> {
        let statement_only = code(vamos) == Some(1205) && code(innodb) == Some(1205);
        if statement_only {
            // VAMOS has counted a value that was refused, InnoDB has not.
            return self.counters_differ().then_some(Next::Abandon);
        }
        self.run.lock_differences += 1;
        let one_succeeded = vamos.is_ok() || innodb.is_ok();
        match statement.kind {
            Kind::Definition if one_succeeded => Some(Next::Abandon),
            Kind::Boundary if one_succeeded => Some(Next::Differs(Difference::new(
                Category::Error,
                format!("VAMOS: {vamos:?}\nInnoDB: {innodb:?}"),
            ))),
            _ if !self.pairs[connection].roll_back(HANG) => Some(hang()),
            // What has counted them up did not come as far on both engines.
            _ if self.counters_differ() => Some(Next::Abandon),
            _ => None,
        }
    }

    /// Whether an AUTO_INCREMENT counter, which no rollback takes back, has come further
    /// on one engine.
    fn counters_differ(&mut self) -> bool {
        let mut counters = |database: &String| {
            self.control.run(&format!(
                "SELECT table_name, auto_increment FROM information_schema.tables \
                 WHERE table_schema = '{database}' AND auto_increment IS NOT NULL ORDER BY table_name"
            ))
        };
        let [vamos, innodb] = &self.databases;
        !matches!((counters(vamos), counters(innodb)), (Ok(vamos), Ok(innodb)) if vamos == innodb)
    }

    /// Ends what is under way, checks the tables and drops the databases.
    fn finish(mut self, databases: &[String; 2], mut check: bool) -> Result<Run> {
        if self.run.difference.is_none() {
            // What waits gets what the others have held.
            let (waiting, idle): (Vec<_>, Vec<_>) = self.pairs.iter_mut().partition(|pair| pair.is_pending());
            for pair in idle.into_iter().chain(waiting) {
                pair.wait(self.patience * 4);
                let ended = pair.kill(&mut self.control, HANG) && {
                    check &= pair
                        .take()
                        .is_none_or(|(_, [vamos, innodb])| vamos.is_ok() == innodb.is_ok());
                    pair.roll_back(HANG)
                };
                if !ended {
                    self.run.difference = Some(hang_difference());
                }
            }
        }
        self.pairs.clear();
        if check && self.run.difference.is_none() {
            self.run.difference = checks::tables(&mut self.control, databases, ENGINES)?;
        }
        let lost = |difference: &Difference| matches!(difference.category, Category::Crash | Category::Hang);
        if !self.run.difference.as_ref().is_some_and(lost) {
            for database in databases {
                self.control.execute(&format!("DROP DATABASE {database}"))?;
            }
        }
        Ok(self.run)
    }
}

/// Whether the engines may count on from different values of AUTO_INCREMENT after a
/// statement that ended alike: an InnoDB that opens an altered table anew counts on from
/// its rows, and VAMOS has counted the rows behind one that is refused, too, since it
/// writes rows together.
fn may_part_counters(statement: &Statement, outcome: &Outcome) -> bool {
    match statement.kind {
        Kind::Definition => statement.sql().starts_with("ALTER"),
        Kind::Rows => outcome.is_err() && statement.sql().contains(" SELECT "),
        _ => false,
    }
}

fn hang_difference() -> Difference {
    Difference::new(
        Category::Hang,
        format!("a statement does not end within {} s", HANG.as_secs()),
    )
}

fn hang() -> Next {
    Next::Differs(hang_difference())
}
