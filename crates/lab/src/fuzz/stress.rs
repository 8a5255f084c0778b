//! Many connections at once, on VAMOS alone. What a statement answers depends on
//! chance then, but not everything does: money that is moved between accounts
//! stays, whichever index it is counted by; a transaction that was acknowledged
//! has counted up; CHECK TABLE finds nothing.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use super::Fuzzer;
use crate::sql_client::{Answer, SqlConnection, SqlError, display};

const ACCOUNTS: u32 = 60;
const MONEY: u32 = ACCOUNTS * 1000;

const SCHEMA: &[&str] = &[
    "DROP DATABASE IF EXISTS stress",
    "CREATE DATABASE stress",
    "USE stress",
    "CREATE TABLE accounts (id INT PRIMARY KEY, owner INT NOT NULL, balance BIGINT NOT NULL, tag VARCHAR(20) NOT NULL, \
     UNIQUE KEY (tag), KEY (owner), KEY (balance, tag(3))) ENGINE=VAMOS",
    "CREATE TABLE counters (id INT PRIMARY KEY, n BIGINT NOT NULL) ENGINE=VAMOS",
    "CREATE TABLE ledger (id BIGINT AUTO_INCREMENT PRIMARY KEY, who INT NOT NULL, n BIGINT NOT NULL, amount INT NOT NULL, \
     UNIQUE KEY (who, n)) ENGINE=VAMOS",
];

/// How to run it.
#[derive(Clone, Debug)]
pub struct Stress {
    /// What the connections do depends on it, and on chance.
    pub seed: u64,
    /// How many connections.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// Kill the worker now and then.
    pub kill_workers: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct StressReport {
    /// Transactions that were acknowledged.
    pub committed: u64,
    /// Transactions that failed: by locks, kills, lost workers.
    pub failed: u64,
    /// Statements that were killed.
    pub kills: u64,
    /// Workers that were killed.
    pub worker_kills: u64,
}

/// What the threads share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    committed: AtomicU64,
    failed: AtomicU64,
    kills: AtomicU64,
    worker_kills: AtomicU64,
    connections: Mutex<Vec<u32>>,
    killed: Killed,
}

/// The connections whose statements were killed, each with whether `KILL` has
/// returned.
#[derive(Debug, Default)]
struct Killed(Mutex<HashMap<u32, bool>>);

impl Killed {
    fn note(&self, connection: u32, over: bool) {
        self.map().insert(connection, over);
    }

    /// Whether a statement since the last [`Self::forget`] may have been killed.
    fn may_be(&self, connection: u32) -> bool {
        self.map().contains_key(&connection)
    }

    /// Forgets a kill that has had its effect.
    fn forget(&self, connection: u32) {
        let mut map = self.map();
        if map.get(&connection) == Some(&true) {
            map.remove(&connection);
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<u32, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fuzzer {
    /// Lets many connections work at once, with KILL QUERY among them, and looks
    /// at what must hold.
    ///
    /// # Errors
    /// If something does not hold, with what; or if the server cannot be used.
    pub fn stress(&mut self, stress: &Stress) -> Result<StressReport> {
        let socket = self.stack.server.socket();
        let mut control = SqlConnection::open(&socket)?;
        prepare(&mut control)?;
        let shared = Shared::default();
        let counts = thread::scope(|scope| -> Result<Vec<Counts>> {
            let workers: Vec<_> = (0..stress.connections)
                .map(|who| {
                    let (shared, socket) = (&shared, &socket);
                    let rng = Rng::with_seed(stress.seed.wrapping_mul(1009).wrapping_add(who as u64));
                    scope.spawn(move || Worker::new(who, rng, shared).work(socket))
                })
                .collect();
            let disturbed = self.disturb(stress, &shared, &mut control);
            shared.stop.store(true, Relaxed);
            let counts = workers
                .into_iter()
                .map(|worker| {
                    worker
                        .join()
                        .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked")))
                })
                .collect();
            disturbed?;
            counts
        })?;
        await_worker(&mut control)?;
        verify(&mut control, &counts)?;
        Ok(StressReport {
            committed: shared.committed.load(Relaxed),
            failed: shared.failed.load(Relaxed),
            kills: shared.kills.load(Relaxed),
            worker_kills: shared.worker_kills.load(Relaxed),
        })
    }

    /// Kills statements, and workers if asked to, until the time is over.
    fn disturb(&self, stress: &Stress, shared: &Shared, control: &mut SqlConnection) -> Result<()> {
        let mut rng = Rng::with_seed(stress.seed);
        let end = Instant::now() + stress.duration;
        let mut next_worker = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end && !shared.stop.load(Relaxed) {
            thread::sleep(Duration::from_millis(rng.u64(1..40)));
            let victim = rng
                .choice(&*shared.connections.lock().unwrap_or_else(PoisonError::into_inner))
                .copied();
            if let Some(victim) = victim {
                shared.killed.note(victim, false);
                // It may just have gone.
                let _ = control.run(&format!("KILL QUERY {victim}"));
                shared.killed.note(victim, true);
                shared.kills.fetch_add(1, Relaxed);
            }
            if stress.kill_workers && Instant::now() > next_worker {
                // The last one that was killed may not have its successor yet.
                let killed = self.stack.daemon.kill_worker().is_ok();
                shared.worker_kills.fetch_add(u64::from(killed), Relaxed);
                next_worker = Instant::now() + Duration::from_millis(rng.u64(500..2500));
            }
        }
        Ok(())
    }
}

fn prepare(control: &mut SqlConnection) -> Result<()> {
    for statement in SCHEMA {
        control.execute(statement)?;
    }
    for id in 0..ACCOUNTS {
        control.execute(&format!(
            "INSERT INTO accounts VALUES ({id}, {}, 1000, 'tag{id}')",
            id % 7
        ))?;
    }
    Ok(())
}

/// What a worker was told.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Commits that were acknowledged.
    acknowledged: u64,
    /// Commits that failed, which may have happened all the same.
    unsure: u64,
}

/// One connection's thread.
struct Worker<'a> {
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

/// How long until a killed worker's successor answers, at most.
const COMES_BACK: Duration = Duration::from_secs(30);

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
    fn new(who: usize, rng: Rng, shared: &'a Shared) -> Self {
        Self {
            who,
            rng,
            shared,
            counts: Counts::default(),
        }
    }

    /// Moves money until it is told to stop.
    fn work(mut self, socket: &Path) -> Result<Counts> {
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
        match self.rng.u8(..5) {
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

/// The indexes of the accounts, each with a condition that all fulfil.
const WAYS: &[(&str, &str)] = &[
    ("PRIMARY", "id >= 0"),
    ("tag", "tag > ''"),
    ("owner", "owner >= 0"),
    ("balance", "balance > -1000000"),
];

/// Counts accounts and money by an index.
fn money_by((index, condition): (&str, &str)) -> String {
    format!(
        "SELECT CONCAT(COUNT(*), ' ', SUM(balance)) FROM accounts FORCE INDEX ({index}) WHERE {condition}"
    )
}

/// The last worker that was killed needs a successor.
fn await_worker(control: &mut SqlConnection) -> Result<()> {
    let start = Instant::now();
    while let Err(error) = control.run("SELECT COUNT(*) FROM accounts") {
        ensure!(
            start.elapsed() < COMES_BACK,
            "the worker does not come back: {error}"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What must hold when all is quiet.
fn verify(control: &mut SqlConnection, counts: &[Counts]) -> Result<()> {
    let wanted = format!("{ACCOUNTS} {MONEY}");
    for way in WAYS {
        let query = money_by(*way);
        let found = control.value(&query)?;
        ensure!(found == wanted, "{query}: {found} instead of {wanted}");
    }
    for (who, count) in counts.iter().enumerate() {
        let counted: u64 = control
            .value(&format!(
                "SELECT COALESCE(SUM(n), 0) FROM counters WHERE id = {who}"
            ))?
            .parse()
            .context("a counter is a number")?;
        let booked: u64 = control
            .value(&format!("SELECT COUNT(*) FROM ledger WHERE who = {who}"))?
            .parse()
            .context("a count is a number")?;
        ensure!(
            counted == booked,
            "connection {who} counted {counted} and booked {booked} transactions"
        );
        ensure!(
            (count.acknowledged..=count.acknowledged + count.unsure).contains(&counted),
            "connection {who}: {} transactions were acknowledged, {} unsure, {counted} are there",
            count.acknowledged,
            count.unsure
        );
    }
    for table in ["accounts", "counters", "ledger"] {
        let found = control.rows(&format!("CHECK TABLE {table} EXTENDED"))?;
        let bad = |row: &Vec<String>| {
            row.get(2)
                .is_some_and(|kind| kind == "error" || kind == "warning")
        };
        ensure!(!found.iter().any(bad), "CHECK TABLE {table}: {found:?}");
    }
    Ok(())
}
