//! Writers that note what was acknowledged, so that it can be looked for after
//! something was killed.
//!
//! A transaction writes two rows with the same number and is acknowledged when
//! its commit has returned. Afterwards an acknowledged number must have both of
//! its rows, and no number may have only one.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

/// Makes the table, of the engine with this name, and the procedure that the
/// writers use.
///
/// The procedure prints its number when its commit has succeeded; an error
/// anywhere ends it before.
#[must_use]
pub fn schema(engine: &str) -> String {
    SCHEMA.replace("$ENGINE", engine)
}

const SCHEMA: &str = "\
DROP DATABASE IF EXISTS kills;
CREATE DATABASE kills;
USE kills;
CREATE TABLE acked (
    id BIGINT PRIMARY KEY, number BIGINT NOT NULL, payload VARCHAR(200) NOT NULL, KEY (number)
) ENGINE=$ENGINE;
DELIMITER //
CREATE PROCEDURE put(n BIGINT)
BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
    START TRANSACTION;
    INSERT INTO acked VALUES (n * 2, n, REPEAT('a', 100));
    INSERT INTO acked VALUES (n * 2 + 1, n, REPEAT('b', 100));
    COMMIT;
    SELECT n;
END //
DELIMITER ;
";

/// Makes the command-line client, ready to connect to the server.
pub type ClientFactory = Arc<dyn Fn() -> Command + Send + Sync>;

/// Threads that commit transactions until they are told to stop.
#[derive(Debug)]
pub struct Writers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    next: AtomicU64,
    acked: Mutex<BTreeSet<u64>>,
    failures: AtomicU64,
}

/// What the table says about what was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Transactions that were acknowledged.
    pub acknowledged: usize,
    /// Of those, how many have not both rows.
    pub lost: usize,
    /// Transactions, acknowledged or not, of which only one row is there.
    pub half: usize,
    /// Transactions that are there without having been acknowledged: their
    /// answer was lost, which is no fault.
    pub unacknowledged: usize,
}

impl Verdict {
    /// Whether nothing acknowledged is lost and nothing is there by half.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.half == 0
    }
}

impl Writers {
    /// Starts so many writers; their numbers begin at `first`.
    #[must_use]
    pub fn start(count: usize, first: u64, client: &ClientFactory) -> Self {
        let shared = Arc::new(Shared {
            next: AtomicU64::new(first),
            ..Shared::default()
        });
        let threads = (0..count)
            .map(|_| {
                let (shared, client) = (Arc::clone(&shared), Arc::clone(client));
                thread::spawn(move || shared.work(&client))
            })
            .collect();
        Self { shared, threads }
    }

    /// How many transactions were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.shared.acked().len()
    }

    /// How many calls failed so far.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// Waits until `more` further transactions have been acknowledged.
    ///
    /// # Errors
    /// If that takes longer than `limit`.
    pub fn wait_for(&self, more: usize, limit: Duration) -> Result<()> {
        let goal = self.acknowledged() + more;
        let start = std::time::Instant::now();
        while self.acknowledged() < goal {
            anyhow::ensure!(
                start.elapsed() < limit,
                "no {more} transactions were acknowledged within {} s: the service did not come back",
                limit.as_secs()
            );
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Stops the writers and returns the acknowledged numbers.
    #[must_use]
    pub fn finish(mut self) -> BTreeSet<u64> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        std::mem::take(&mut *self.shared.acked())
    }
}

impl Shared {
    fn acked(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One writer: starts clients until it is told to stop; the first failure
    /// ends a client.
    fn work(&self, client: &ClientFactory) {
        while !self.stop.load(Ordering::Relaxed) {
            if let Ok(mut conversation) = Conversation::start(client()) {
                self.converse(&mut conversation);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn converse(&self, conversation: &mut Conversation) {
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if conversation.put(number).is_err() {
                self.failures.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.acked().insert(number);
        }
    }
}

/// A running command-line client.
struct Conversation {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    fn start(mut client: Command) -> Result<Self> {
        let mut child = client
            // An error ends it, a lost connection too.
            .args(["--skip-reconnect", "--unbuffered", "kills"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the MariaDB client")?;
        let input = child.stdin.take().context("the client has no input")?;
        let output = BufReader::new(child.stdout.take().context("the client has no output")?);
        Ok(Self { child, input, output })
    }

    /// Runs one transaction; returns when its commit was acknowledged.
    fn put(&mut self, number: u64) -> Result<()> {
        writeln!(self.input, "CALL put({number});").context("the client has gone")?;
        let mut line = String::new();
        self.output.read_line(&mut line).context("the client has gone")?;
        anyhow::ensure!(
            line.trim() == number.to_string(),
            "the client ended or said {line:?}"
        );
        Ok(())
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds the table against what was acknowledged. `sql` runs statements and
/// returns rows of tab-separated columns.
///
/// # Errors
/// If the table cannot be read, or its index says something else than its rows.
pub fn verify(acked: &BTreeSet<u64>, sql: impl Fn(&str) -> Result<String>) -> Result<Verdict> {
    let counts = sql(
        "SELECT number, COUNT(*), SUM(id - number * 2) FROM kills.acked FORCE INDEX (PRIMARY) GROUP BY number",
    )?;
    let (mut whole, mut half) = (BTreeSet::new(), 0);
    for line in counts.lines() {
        let mut columns = line.split('\t');
        let number: u64 = columns
            .next()
            .and_then(|number| number.parse().ok())
            .with_context(|| format!("a row of counts that cannot be: {line:?}"))?;
        match (columns.next(), columns.next()) {
            (Some("2"), Some("1")) => drop(whole.insert(number)),
            _ => half += 1,
        }
    }
    let by_index = sql("SELECT COUNT(*) FROM kills.acked FORCE INDEX (number) WHERE number >= 0")?;
    let by_rows = sql("SELECT COUNT(*) FROM kills.acked FORCE INDEX (PRIMARY) WHERE id >= 0")?;
    anyhow::ensure!(
        by_index == by_rows,
        "the secondary index has {} entries and the table {} rows",
        by_index.trim(),
        by_rows.trim()
    );
    Ok(Verdict {
        acknowledged: acked.len(),
        lost: acked.difference(&whole).count(),
        half,
        unacknowledged: whole.difference(acked).count(),
    })
}
