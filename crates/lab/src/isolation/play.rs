//! Plays a scenario with real connections.

use super::{Level, Scenario};
use crate::{
    native::NativeServer,
    sql_client::{Answer, Outcome, SqlError, SqlSession, display},
};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// A statement that has not answered after so long waits for a lock.
const WAITS: Duration = Duration::from_millis(300);

/// How long each connection is listened to in turn when all steps have begun.
const TURN: Duration = Duration::from_millis(20);

/// How long a statement may wait before the engine gives up, in seconds.
const LOCK_WAIT_SECONDS: u32 = 3;

const CONNECTIONS: usize = 3;

/// What became of a named step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Rows.
    Rows(Vec<Vec<String>>),
    /// So many rows changed.
    Changed(u64),
    /// An error, by its number.
    Failed(u16),
    /// The connection's transaction had failed before.
    LeftOut,
}

/// What was seen in a scenario.
#[derive(Debug, Default)]
pub struct Played {
    /// By the steps' names, in the order of the alphabet: what was seen, and
    /// whether it had to wait.
    seen: BTreeMap<&'static str, (Seen, bool)>,
    failed: bool,
    /// The table in the end: id and value.
    table: Vec<(i64, i64)>,
}

impl Played {
    /// What a named step saw.
    #[must_use]
    pub fn seen(&self, step: &str) -> &Seen {
        self.seen.get(step).map_or(&Seen::LeftOut, |(seen, _)| seen)
    }

    /// The rows that a named step saw; none if it failed.
    #[must_use]
    pub fn rows(&self, step: &str) -> Vec<Vec<String>> {
        match self.seen(step) {
            Seen::Rows(rows) => rows.clone(),
            _ => Vec::new(),
        }
    }

    /// The one value that a named step saw; empty if it saw none.
    #[must_use]
    pub fn value(&self, step: &str) -> String {
        let row = self.rows(step).into_iter().next();
        row.and_then(|row| row.into_iter().next()).unwrap_or_default()
    }

    /// How many rows a named step changed; `None` if it failed.
    #[must_use]
    pub fn changed(&self, step: &str) -> Option<u64> {
        match self.seen(step) {
            Seen::Changed(rows) => Some(*rows),
            _ => None,
        }
    }

    /// Whether a named step was seen to wait.
    #[must_use]
    pub fn waited(&self, step: &str) -> bool {
        self.seen.get(step).is_some_and(|(_, waited)| *waited)
    }

    /// Whether any statement failed: a deadlock or a timeout.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// The value of a row in the end.
    #[must_use]
    pub fn in_the_end(&self, id: i64) -> Option<i64> {
        self.table
            .iter()
            .find(|(of, _)| *of == id)
            .map(|(_, value)| *value)
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, (seen, _)) in &self.seen {
            match seen {
                Seen::Rows(rows) => {
                    let rows: Vec<_> = rows.iter().map(|row| row.join(",")).collect();
                    writeln!(f, "{name}: [{}]", rows.join(" "))?;
                }
                Seen::Changed(rows) => writeln!(f, "{name}: {rows} changed")?,
                Seen::Failed(code) => writeln!(f, "{name}: error {code}")?,
                Seen::LeftOut => writeln!(f, "{name}: left out")?,
            }
        }
        write!(f, "in the end: {:?}", self.table)
    }
}

type Step = (Option<&'static str>, &'static str);

/// A connection, what it has not answered yet, and what it is to do then.
struct Player {
    session: SqlSession,
    /// The name of the step under way, and whether it has been seen to wait.
    under_way: Option<(Option<&'static str>, bool)>,
    to_do: VecDeque<Step>,
    /// Its transaction failed.
    out: bool,
}

/// Plays a scenario in a database of its own.
pub(super) fn play(scenario: &Scenario, server: &NativeServer, engine: &str, level: Level) -> Result<Played> {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let database = format!("isolation_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut own = server.connect()?;
    own.execute(&format!("CREATE DATABASE {database}"))?;
    own.execute(&format!(
        "CREATE TABLE {database}.t (id INT PRIMARY KEY, value INT NOT NULL, KEY (value)) ENGINE={engine}"
    ))?;
    own.execute(&format!("INSERT INTO {database}.t VALUES (1, 10), (2, 20)"))?;
    let mut players = (0..CONNECTIONS)
        .map(|_| Player::new(server, &database, engine, level))
        .collect::<Result<Vec<_>>>()?;
    let mut played = Played::default();
    for (who, statement) in scenario.steps {
        let (number, name) = who
            .split_once(' ')
            .map_or((*who, None), |(n, name)| (n, Some(name)));
        let player = number
            .parse::<usize>()
            .ok()
            .and_then(|n| players.get_mut(n.wrapping_sub(1)));
        let player = player.with_context(|| format!("no connection {number}"))?;
        player.to_do.push_back((name, statement));
        player.go_on(WAITS, &mut played)?;
    }
    while players.iter().any(|player| player.under_way.is_some()) {
        for player in &mut players {
            player.go_on(TURN, &mut played)?;
        }
    }
    for player in &mut players {
        player.session.run("ROLLBACK").context("a rollback failed")?;
    }
    for row in own.rows(&format!("SELECT id, value FROM {database}.t ORDER BY id"))? {
        if let [id, value] = &row[..] {
            played.table.push((id.parse()?, value.parse()?));
        }
    }
    own.execute(&format!("DROP DATABASE {database}"))?;
    Ok(played)
}

impl Player {
    fn new(server: &NativeServer, database: &str, engine: &str, level: Level) -> Result<Self> {
        let session = server.session()?;
        for statement in [
            format!("USE {database}"),
            format!("SET SESSION default_storage_engine = {engine}"),
            format!("SET SESSION TRANSACTION ISOLATION LEVEL {}", level.name()),
            format!("SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"),
            format!("SET SESSION vamos_lock_wait_timeout = {LOCK_WAIT_SECONDS}"),
            "BEGIN".to_owned(),
        ] {
            session.run(&statement).with_context(|| statement.clone())?;
        }
        Ok(Self {
            session,
            under_way: None,
            to_do: VecDeque::new(),
            out: false,
        })
    }

    /// Does what it is to do, until a step waits for longer than this.
    fn go_on(&mut self, patience: Duration, played: &mut Played) -> Result<()> {
        loop {
            if let Some((name, waited)) = self.under_way {
                let Some(outcome) = self.session.outcome_within(patience) else {
                    self.under_way = Some((name, true));
                    return Ok(());
                };
                self.under_way = None;
                self.note(name, outcome, waited, played)?;
            }
            let Some((name, statement)) = self.to_do.pop_front() else {
                return Ok(());
            };
            if self.out {
                played
                    .seen
                    .extend(name.map(|name| (name, (Seen::LeftOut, false))));
            } else {
                self.session.start(statement);
                self.under_way = Some((name, false));
            }
        }
    }

    fn note(
        &mut self,
        name: Option<&'static str>,
        outcome: Outcome,
        waited: bool,
        played: &mut Played,
    ) -> Result<()> {
        let seen = match outcome {
            Ok(Answer::Rows(rows)) => {
                Seen::Rows(rows.iter().map(|row| row.iter().map(display).collect()).collect())
            }
            Ok(Answer::Done { affected, .. }) => Seen::Changed(affected),
            Err(SqlError::Refused { code, .. }) => {
                played.failed = true;
                // A deadlock has rolled the transaction back: what follows would
                // stand outside it.
                self.out = code == 1213;
                Seen::Failed(code)
            }
            Err(SqlError::Lost(why)) => bail!("a connection was lost: {why}"),
        };
        played.seen.extend(name.map(|name| (name, (seen, waited))));
        Ok(())
    }
}
