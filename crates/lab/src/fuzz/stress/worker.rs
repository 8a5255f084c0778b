//! One connection of many: it moves money between accounts in transactions that fail,
//! are killed, and are tried again.

use std::{
    path::Path,
    sync::{PoisonError, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use fastrand::Rng;

use super::{
    Shared,
    bank::{ACCOUNTS, MONEY, WAYS, money_by},
};
use crate::sql_client::{Answer, SqlConnection, SqlError, display};

/// What a worker was told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Commits that were acknowledged.
    pub(super) acknowledged: u64,
    /// Commits that failed, which may have happened all the same.
    pub(super) unsure: u64,
}

/// One connection's thread.
pub(super) struct Worker<'a> {
    who: usize,
    rng: Rng,
    shared: &'a Shared,
    counts: Counts,
}

/// Why a transaction ended early.
enum Stop {
    /// It can be tried again.
    Failed,
    /// Something does not hold.
    Wrong(anyhow::Error),
    /// The connection must be opened anew.
    Lost,
}

/// Errors that are part of the game: locks, kills, a lost worker.
const EXPECTED: &[u16] = &[1205, 1213, 1317, 1020, 1429, 1030, 1180, 1296];

impl Stop {
    /// What follows from the error of a statement.
    fn after(statement: &str, error: SqlError) -> Self {
        match error {
            SqlError::Lost(_) => Self::Lost,
            SqlError::Refused { code, .. } if EXPECTED.contains(&code) => Self::Failed,
            other => Self::Wrong(anyhow::Error::new(other).context(format!("{statement} failed"))),
        }
    }
}

fn run(connection: &mut SqlConnection, statement: &str) -> Result<Answer, Stop> {
    connection
        .run(statement)
        .map_err(|error| Stop::after(statement, error))
}

/// No statement that succeeds ends the transaction: others would see what comes after
/// it one by one.
fn stays_open(connection: &mut SqlConnection) -> Result<(), Stop> {
    match run(connection, "SELECT @@in_transaction")? {
        Answer::Rows(rows) if rows.first().is_some_and(|row| row[0].as_deref() == Some(b"1")) => Ok(()),
        _ => Err(Stop::Wrong(anyhow::anyhow!(
            "a statement that succeeded has ended the transaction"
        ))),
    }
}

impl<'a> Worker<'a> {
    pub(super) fn new(who: usize, rng: Rng, shared: &'a Shared) -> Self {
        Self {
            who,
            rng,
            shared,
            counts: Counts::default(),
        }
    }

    /// Moves money until it is told to stop.
    pub(super) fn work(mut self, socket: &Path) -> Result<Counts> {
        let mut connection = self.connect(socket)?;
        while !self.shared.stop.load(Relaxed) {
            match self.transaction(&mut connection) {
                Ok(()) => {}
                Err(Stop::Failed) => {
                    self.shared.failed.fetch_add(1, Relaxed);
                    // A kill that came late may hit this, too.
                    while connection
                        .run("ROLLBACK")
                        .is_err_and(|error| error.code().is_some())
                    {
                        thread::sleep(Duration::from_millis(5));
                    }
                }
                Err(Stop::Lost) => {
                    connection = self.connect(socket).context("the server is gone")?;
                }
                Err(Stop::Wrong(error)) => {
                    self.shared.stop.store(true, Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(self.counts)
    }

    fn connect(&mut self, socket: &Path) -> Result<SqlConnection> {
        let mut connection = SqlConnection::open(socket)?;
        connection.execute("USE stress")?;
        connection.execute("SET vamos_lock_wait_timeout = 2")?;
        let mut connections = self
            .shared
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.push(connection.id());
        Ok(connection)
    }

    fn transaction(&mut self, connection: &mut SqlConnection) -> Result<(), Stop> {
        let level = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"][self.rng.usize(..3)];
        run(connection, &format!("SET TRANSACTION ISOLATION LEVEL {level}"))?;
        run(connection, "BEGIN")?;
        self.shared.killed.forget(connection.id());
        if self.rng.u8(..3) == 0 {
            self.count_money(connection, level)?;
        }
        for _ in 0..self.rng.u8(1..4) {
            self.transfer(connection)?;
        }
        if self.rng.u8(..6) == 0 {
            run(connection, "SAVEPOINT s")?;
            self.transfer(connection)?;
            run(connection, "DELETE FROM accounts WHERE owner = 3")?;
            run(connection, "ROLLBACK TO SAVEPOINT s")?;
        }
        // At REPEATABLE READ a transaction sees its own changes of rows that others
        // have changed after its snapshot, and the snapshot's version of all others.
        if level != "REPEATABLE READ" && self.rng.u8(..4) == 0 {
            self.count_money(connection, level)?;
        }
        self.finish(connection)
    }

    /// Counts up, and commits or rolls back.
    fn finish(&mut self, connection: &mut SqlConnection) -> Result<(), Stop> {
        let who = self.who;
        stays_open(connection)?;
        run(
            connection,
            &format!("INSERT INTO counters VALUES ({who}, 1) ON DUPLICATE KEY UPDATE n = n + 1"),
        )?;
        run(
            connection,
            &format!("INSERT INTO ledger (who, n, amount) SELECT {who}, n, 1 FROM counters WHERE id = {who}"),
        )?;
        if self.rng.u8(..8) == 0 {
            run(connection, "ROLLBACK")?;
            return Ok(());
        }
        match connection.run("COMMIT") {
            Ok(_) => {
                self.counts.acknowledged += 1;
                self.shared.committed.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(error) => {
                self.counts.unsure += 1;
                Err(Stop::after("COMMIT", error))
            }
        }
    }

    /// Moves money from one account to another, by one way or another.
    fn transfer(&mut self, connection: &mut SqlConnection) -> Result<(), Stop> {
        let from = self.rng.u32(..ACCOUNTS);
        let to = (from + self.rng.u32(1..ACCOUNTS)) % ACCOUNTS;
        let amount = self.rng.u32(1..50);
        match self.rng.u8(..6) {
            0 => {
                let take = format!("UPDATE accounts SET balance = balance - {amount} WHERE id = {from}");
                let give = format!("UPDATE accounts SET balance = balance + {amount} WHERE tag = 'tag{to}'");
                self.change(connection, 1, &take)?;
                self.change(connection, 1, &give)
            }
            1 => {
                let change = format!("IF(id = {from}, -{amount}, {amount})");
                let which = format!("id IN ({from}, {to})");
                let both = format!("UPDATE accounts SET balance = balance + {change} WHERE {which}");
                self.change(connection, 2, &both)
            }
            2 => {
                // From each account of an owner, whose number is seen first.
                let owner = self.rng.u8(..7);
                let take = format!("UPDATE accounts SET balance = balance - 1 WHERE owner = {owner}");
                let Answer::Done { affected, .. } = run(connection, &take)? else {
                    return Ok(());
                };
                let give = format!("UPDATE accounts SET balance = balance + {affected} WHERE id = {to}");
                self.change(connection, u64::from(affected > 0), &give)
            }
            3 => {
                // By two indexes at once.
                let change = format!("IF(id = {from}, -{amount}, {amount})");
                let both = format!(
                    "UPDATE accounts FORCE INDEX (PRIMARY, tag) SET balance = balance + {change} \
                     WHERE id = {from} OR tag = 'tag{to}'"
                );
                self.change(connection, 2, &both)
            }
            4 => {
                let owner = self.rng.u8(..7);
                let give = format!("UPDATE accounts SET owner = {owner} WHERE id = {from}");
                run(connection, &give).map(drop)
            }
            _ => self.replace(connection, from),
        }
    }

    /// Takes an account away and puts it back with the same money.
    fn replace(&mut self, connection: &mut SqlConnection, id: u32) -> Result<(), Stop> {
        let query = format!("SELECT owner, balance FROM accounts WHERE id = {id} FOR UPDATE");
        let Answer::Rows(rows) = run(connection, &query)? else {
            return Ok(());
        };
        let Some(row) = rows.first() else {
            return Err(Stop::Wrong(anyhow::anyhow!("account {id} is gone")));
        };
        let values: Vec<String> = row.iter().map(display).collect();
        let values = values.join(", ");
        self.change(connection, 1, &format!("DELETE FROM accounts WHERE id = {id}"))?;
        let insert = format!("INSERT INTO accounts VALUES ({id}, {values}, 'tag{id}')");
        self.change(connection, 1, &insert)
    }

    /// Runs a statement that changes so many rows. The server lets an UPDATE or a
    /// DELETE that is killed before its plan is made succeed, without any row (as
    /// of 10.11, `SQL_SELECT::check_quick()` in `sql_delete.cc`).
    fn change(&self, connection: &mut SqlConnection, rows: u64, statement: &str) -> Result<(), Stop> {
        match run(connection, statement)? {
            Answer::Done { affected, .. } if affected == rows => Ok(()),
            Answer::Done { affected: 0, .. } if self.shared.killed.may_be(connection.id()) => {
                Err(Stop::Failed)
            }
            other => Err(Stop::Wrong(anyhow::anyhow!(
                "{statement}: {other:?} instead of {rows} rows"
            ))),
        }
    }

    /// All money must be there, whichever index it is counted by.
    fn count_money(&mut self, connection: &mut SqlConnection, level: &str) -> Result<(), Stop> {
        let query = money_by(WAYS[self.rng.usize(..WAYS.len())]);
        let Answer::Rows(rows) = run(connection, &query)? else {
            return Ok(());
        };
        let found = rows
            .first()
            .and_then(|row| row.first())
            .map(display)
            .unwrap_or_default();
        match found == format!("{ACCOUNTS} {MONEY}") {
            true => stays_open(connection),
            false => Err(Stop::Wrong(anyhow::anyhow!(
                "{query}: {found} instead of {ACCOUNTS} {MONEY} at {level}, in connection {}",
                connection.id()
            ))),
        }
    }
}
