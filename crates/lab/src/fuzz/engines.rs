//! One connection of a program: a session on each engine, which get the same
//! statements.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::statement::{Kind, Statement};
use crate::sql_client::{Outcome, SqlConnection, SqlSession};

/// VAMOS is the first of the two everywhere.
pub(super) const ENGINES: [&str; 2] = ["VAMOS", "InnoDB"];

/// A session on each engine.
#[derive(Debug)]
pub(super) struct Pair {
    sessions: [SqlSession; 2],
    /// The statement that is under way and what is known of its outcomes.
    pending: Option<(Statement, [Option<Outcome>; 2])>,
    /// It has waited on both while others went on.
    pub(super) waited: bool,
}

impl Pair {
    /// Opens both, each in its engine's database.
    pub(super) fn open(socket: &Path, databases: &[String; 2], settings: &[String]) -> Result<Self> {
        let open = |database: &String| -> Result<SqlSession> {
            let session = SqlSession::open(socket)?;
            session.run(format!("USE {database}"))?;
            for setting in settings {
                session.run(setting.clone())?;
            }
            Ok(session)
        };
        Ok(Self {
            sessions: [open(&databases[0])?, open(&databases[1])?],
            pending: None,
            waited: false,
        })
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether what is under way defines something.
    pub(super) fn defines(&self) -> bool {
        let kind = self.pending.as_ref().map(|(statement, _)| statement.kind);
        kind == Some(Kind::Definition)
    }

    /// Starts a statement on both.
    pub(super) fn start(&mut self, statement: &Statement) {
        for (session, engine) in self.sessions.iter().zip(ENGINES) {
            session.start(statement.sql().replace("$ENGINE", engine));
        }
        self.pending = Some((statement.clone(), [None, None]));
        self.waited = false;
    }

    /// Waits for outcomes; returns how many of the two are there.
    pub(super) fn wait(&mut self, limit: Duration) -> usize {
        let end = Instant::now() + limit;
        let Some((_, outcomes)) = &mut self.pending else {
            return 0;
        };
        for (session, outcome) in self.sessions.iter().zip(outcomes.iter_mut()) {
            if outcome.is_none() {
                *outcome = session.outcome_within(end.saturating_duration_since(Instant::now()));
            }
        }
        outcomes.iter().filter(|outcome| outcome.is_some()).count()
    }

    /// The statement with both outcomes, if both are there.
    pub(super) fn take(&mut self) -> Option<(Statement, [Outcome; 2])> {
        match self.pending.take()? {
            (statement, [Some(vamos), Some(innodb)]) => Some((statement, [vamos, innodb])),
            unfinished => {
                self.pending = Some(unfinished);
                None
            }
        }
    }

    /// Ends what is still under way, by KILL QUERY, and waits for its outcome.
    /// Returns false if it does not end.
    pub(super) fn kill(&mut self, control: &mut SqlConnection, limit: Duration) -> bool {
        let Some((_, outcomes)) = &mut self.pending else {
            return true;
        };
        for (session, outcome) in self.sessions.iter().zip(outcomes.iter_mut()) {
            if outcome.is_some() {
                continue;
            }
            let _ = control.run(&format!("KILL QUERY {}", session.id()));
            *outcome = session.outcome_within(limit);
            if outcome.is_none() {
                return false;
            }
            // The kill may have come late and hit this one.
            session.start("DO 1");
            let _ = session.outcome_within(limit);
        }
        true
    }

    /// Runs a statement on VAMOS alone; None if it does not end.
    pub(super) fn run_on_vamos(&self, sql: &str, limit: Duration) -> Option<Outcome> {
        self.sessions[0].start(sql);
        self.sessions[0].outcome_within(limit)
    }

    /// Runs a statement on InnoDB alone; None if it does not end.
    pub(super) fn run_on_innodb(&self, sql: &str, limit: Duration) -> Option<Outcome> {
        self.sessions[1].start(sql);
        self.sessions[1].outcome_within(limit)
    }

    /// Rolls both back. Returns false if one does not answer.
    pub(super) fn roll_back(&self, limit: Duration) -> bool {
        self.sessions.iter().all(|session| {
            session.start("ROLLBACK");
            session.outcome_within(limit).is_some()
        })
    }
}
