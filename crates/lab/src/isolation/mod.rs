//! Which anomalies each isolation level admits, on VAMOS and on InnoDB: the
//! scenarios of Hermitage (<https://github.com/ept/hermitage>) for MySQL, and
//! some for locking reads.
//!
//! A [`Scenario`] is a list of steps of up to three connections. A step that does
//! not answer soon waits for a lock; the others go on then. An [`Anomaly`]
//! says from what the connections saw whether it happened; a [`Behaviour`] is what
//! they saw, which must be the same on both engines.

mod anomalies;
mod behaviours;
mod foreign_races;
mod kills;
mod play;
mod untold;

pub use anomalies::ANOMALIES;
pub use behaviours::BEHAVIOURS;
pub use foreign_races::check_foreign_races;
pub use kills::check_kills;
pub use play::{Played, Seen};
pub use untold::check_untold;

use crate::native::NativeServer;
use anyhow::Result;

/// An isolation level of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(&'static str);

/// The four levels of SQL.
pub const LEVELS: [Level; 4] = [
    Level("READ UNCOMMITTED"),
    Level("READ COMMITTED"),
    Level("REPEATABLE READ"),
    Level("SERIALIZABLE"),
];

impl Level {
    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// What connections do in turn. The table `t` has the rows (1, 10) and (2, 20) in
/// its columns `id` (the primary key) and `value` (indexed).
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What happens, or does not.
    pub name: &'static str,
    /// Who (1 to 3), perhaps with a name for what is seen, and the statement.
    steps: &'static [(&'static str, &'static str)],
}

/// A scenario in which something may happen that should not.
#[derive(Debug)]
pub struct Anomaly {
    /// The scenario.
    pub scenario: Scenario,
    /// Whether it happened.
    happened: fn(&Played) -> bool,
}

/// A scenario that ends the same on both engines.
#[derive(Debug)]
pub struct Behaviour {
    /// The scenario.
    pub scenario: Scenario,
    /// At SERIALIZABLE the engines differ: an upgrade of a shared lock goes before
    /// those who wait for the row, where InnoDB finds a deadlock.
    not_at_serializable: bool,
}

impl Anomaly {
    /// Plays it on an engine at a level; says whether it happened.
    ///
    /// # Errors
    /// If the server cannot be reached, or a step fails that never should.
    pub fn is_admitted(&self, server: &NativeServer, engine: &str, level: Level) -> Result<bool> {
        let played = play::play(&self.scenario, server, engine, level)?;
        Ok((self.happened)(&played))
    }
}

impl Behaviour {
    /// Whether it is the same on both engines at this level.
    #[must_use]
    pub fn holds_at(&self, level: Level) -> bool {
        !(self.not_at_serializable && level == LEVELS[3])
    }

    /// Plays it on an engine at a level; gives what was seen, a line for each named
    /// step.
    ///
    /// # Errors
    /// As for [`Anomaly::is_admitted`].
    pub fn observe(&self, server: &NativeServer, engine: &str, level: Level) -> Result<String> {
        play::play(&self.scenario, server, engine, level).map(|played| played.to_string())
    }
}
