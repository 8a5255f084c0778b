//! A program made from a seed, step by step: it sees which definitions
//! succeeded, so that later statements fit the tables as they are.

use fastrand::Rng;

use super::{
    changes, definitions, queries,
    schema::Table,
    statement::{Compare, Kind, Statement, Step},
};

/// Where the runner gets a program's steps from.
pub(super) trait Source {
    /// The number of connections.
    fn connections(&self) -> usize;
    /// What each connection does when a statement must wait for a lock.
    fn waiting(&self) -> Waiting;
    /// What each connection runs first.
    fn settings(&self) -> &[String];
    /// The next step.
    fn next(&mut self) -> Option<Step>;
    /// Whether the step that `next` gave last succeeded, on both engines.
    fn learn(&mut self, succeeded: bool);
}

/// What happens when a statement must wait for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// One connection: nothing can wait.
    Alone,
    /// The statement fails at once.
    Refused,
    /// It waits, and other connections go on.
    Waits,
}

/// A program from a seed.
#[derive(Debug)]
pub(super) struct Generator {
    rng: Rng,
    connections: usize,
    waiting: Waiting,
    settings: Vec<String>,
    tables: Vec<Table>,
    first: Vec<Statement>,
    left: usize,
    /// The table that changes if the last step succeeded.
    change: Option<(usize, Table)>,
    definitions: u8,
    /// Tables are altered all the time.
    many_definitions: bool,
}

impl Generator {
    /// The program of a seed, with at most so many connections.
    pub(super) fn new(seed: u64, most_connections: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let connections = match rng.u8(..10) {
            0..=4 => 1,
            _ => rng
                .usize(2..=most_connections.max(2))
                .min(most_connections.max(1)),
        };
        let waiting = match (connections, rng.u8(..4)) {
            (1, _) => Waiting::Alone,
            (_, 0) => Waiting::Waits,
            _ => Waiting::Refused,
        };
        let mut tables: Vec<Table> = (1..=rng.u8(1..=3))
            .map(|number| Table::any(&mut rng, &format!("t{number}")))
            .collect();
        let settings = settings(&mut rng, waiting, &tables);
        let mut first: Vec<Statement> = Vec::new();
        for table in &mut tables {
            first.push(table.create());
            first.extend(fill(&mut rng, table));
        }
        if connections > 1 {
            first.push(boundary("COMMIT"));
        }
        first.reverse();
        let left = rng.usize(40..160);
        let definitions = rng.u8(..8);
        let many_definitions = rng.u8(..6) == 0;
        Self {
            rng,
            connections,
            waiting,
            settings,
            tables,
            first,
            left,
            change: None,
            definitions,
            many_definitions,
        }
    }

    fn statement(&mut self) -> Statement {
        let rng = &mut self.rng;
        if self.many_definitions && rng.u8(..6) == 0 {
            return self.definition();
        }
        match rng.u8(..100) {
            0..=41 => queries::query(rng, &self.tables),
            42..=82 => changes::change(rng, &self.tables),
            83..=93 => transaction(rng, self.connections > 1),
            94..=95 => setting(session(rng, &self.tables)),
            _ if rng.u8(..8) < self.definitions => self.definition(),
            _ => queries::query(rng, &self.tables),
        }
    }

    fn definition(&mut self) -> Statement {
        let rng = &mut self.rng;
        let number = rng.usize(..self.tables.len());
        let (statement, after) = definitions::definition(rng, &self.tables[number]);
        self.change = Some((number, after));
        statement
    }
}

impl Source for Generator {
    fn connections(&self) -> usize {
        self.connections
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }

    fn settings(&self) -> &[String] {
        &self.settings
    }

    fn next(&mut self) -> Option<Step> {
        if let Some(statement) = self.first.pop() {
            return Some(Step {
                connection: 0,
                statement,
            });
        }
        self.left = self.left.checked_sub(1)?;
        Some(Step {
            connection: self.rng.usize(..self.connections),
            statement: self.statement(),
        })
    }

    fn learn(&mut self, succeeded: bool) {
        if let Some((number, after)) = self.change.take()
            && succeeded
        {
            self.tables[number] = after;
        }
    }
}

fn boundary(text: &str) -> Statement {
    Statement::new(Kind::Boundary, Compare::Success, text)
}

fn setting(text: impl Into<String>) -> Statement {
    Statement::new(Kind::Setting, Compare::Success, text)
}

/// Rows for a new table: none, some, or many.
fn fill(rng: &mut Rng, table: &mut Table) -> Vec<Statement> {
    let (statements, rows) = match rng.u8(..12) {
        0 => (0, 0),
        1 => (4, 120),
        2 => (12, 100),
        _ => (1, rng.usize(1..60)),
    };
    table.rows = statements * rows;
    (0..statements).map(|_| changes::fill(rng, table, rows)).collect()
}

/// What begins, divides and ends transactions. With several connections all
/// is done in transactions, so that what one engine refused can be undone on
/// the other.
fn transaction(rng: &mut Rng, several: bool) -> Statement {
    match rng.u8(..16) {
        0 if !several => boundary("SET autocommit = 0"),
        1 if !several => boundary("SET autocommit = 1"),
        0..=4 => boundary("BEGIN"),
        5 => boundary("START TRANSACTION WITH CONSISTENT SNAPSHOT"),
        6 => boundary("START TRANSACTION READ ONLY"),
        7..=8 => setting(format!("SAVEPOINT s{}", rng.u8(..3))),
        9 => setting(format!("ROLLBACK TO SAVEPOINT s{}", rng.u8(..3))),
        10 => setting(format!("RELEASE SAVEPOINT s{}", rng.u8(..3))),
        11..=12 => boundary("ROLLBACK"),
        _ => boundary("COMMIT"),
    }
}

const SWITCHES: &[&str] = &[
    "SET optimizer_switch = 'mrr=on,mrr_cost_based=off'",
    "SET join_cache_level = 0",
    "SET optimizer_switch = 'index_condition_pushdown=off'",
    "SET optimizer_switch = 'index_merge_sort_intersection=on'",
    "SET optimizer_switch = 'rowid_filter=off'",
    "SET optimizer_switch = 'index_merge=off'",
    "SET optimizer_switch = 'materialization=off'",
    "SET optimizer_switch = 'semijoin=off'",
    "SET sql_mode = ''",
    "SET sql_mode = 'TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH'",
    "SET sort_buffer_size = 1024, join_buffer_size = 256",
    "SET read_rnd_buffer_size = 1024, mrr_buffer_size = 8192",
    "SET histogram_size = 0, use_stat_tables = NEVER",
];

/// Joins that ask for many rows at once (BKA).
const BATCHED: &[&str] = &[
    "SET optimizer_switch = 'mrr=on,mrr_cost_based=off', join_cache_level = 8",
    "SET optimizer_switch = 'mrr=on,mrr_cost_based=off', join_cache_level = 6",
];

/// How the server reads. Where such a join has nothing to ask of a table with partitions
/// the server goes by what nobody has set (`ha_partition::multi_range_read_init` returns
/// before it sets `m_mrr_mode`), and may crash, whatever the engine.
fn switch(rng: &mut Rng, tables: &[Table]) -> String {
    let partitioned = tables.iter().any(Table::is_partitioned);
    let batched = if partitioned { &[] } else { BATCHED };
    let number = rng.usize(..SWITCHES.len() + batched.len());
    let switch = SWITCHES.iter().chain(batched).nth(number);
    switch.copied().unwrap_or(SWITCHES[0]).to_owned()
}

const LEVELS: &[&str] = &[
    "READ COMMITTED",
    "READ COMMITTED",
    "REPEATABLE READ",
    "REPEATABLE READ",
    "SERIALIZABLE",
];

/// Something that a connection changes for itself in the middle: its isolation
/// level, so that the connections' levels mix, or how it reads.
fn session(rng: &mut Rng, tables: &[Table]) -> String {
    let level = LEVELS[rng.usize(..LEVELS.len())];
    match rng.u8(..4) {
        0..=1 => format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}"),
        2 => format!("SET TRANSACTION ISOLATION LEVEL {level}"),
        _ => switch(rng, tables),
    }
}

fn settings(rng: &mut Rng, waiting: Waiting, tables: &[Table]) -> Vec<String> {
    let mut settings = vec!["SET time_zone = '+00:00', timestamp = 1700000000".to_owned()];
    match waiting {
        Waiting::Alone => {}
        Waiting::Refused => {
            settings.push(
                "SET lock_wait_timeout = 0, innodb_lock_wait_timeout = 0, vamos_lock_wait_timeout = 0".into(),
            );
        }
        Waiting::Waits => {
            settings.push(
                "SET lock_wait_timeout = 50, innodb_lock_wait_timeout = 50, vamos_lock_wait_timeout = 50"
                    .into(),
            );
        }
    }
    if waiting != Waiting::Alone {
        settings.push("SET autocommit = 0".into());
    }
    settings.push(format!(
        "SET SESSION TRANSACTION ISOLATION LEVEL {}",
        LEVELS[rng.usize(..LEVELS.len())]
    ));
    if rng.bool() {
        settings.push(switch(rng, tables));
    }
    settings
}
