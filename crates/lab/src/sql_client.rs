//! Connections to a MariaDB server from within this process: as many as a test
//! wants, each with its statements' results, errors and waits at hand.
//!
//! [`SqlConnection`] waits for each answer. [`SqlSession`] has a thread of its
//! own, so that a test can see that a statement waits (for a lock) and go on.

use std::{
    fmt,
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use mysql::{Conn, OptsBuilder, prelude::Queryable};

/// A value as the server prints it; `None` is NULL.
pub type Value = Option<Vec<u8>>;

/// What a statement that succeeded gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The rows of a statement that returns rows.
    Rows(Vec<Vec<Value>>),
    /// A statement without rows.
    Done {
        /// The rows that it changed.
        affected: u64,
        /// The first value that it gave to an auto-increment column, or 0.
        insert_id: u64,
        /// How many warnings and notes it left.
        warnings: u16,
        /// What the server says about it: `Rows matched: 1 Changed: 0 ...`.
        info: String,
    },
}

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlError {
    /// The server refused it.
    Refused {
        /// The error's number, such as 1062.
        code: u16,
        /// Its text.
        message: String,
    },
    /// The connection broke; it cannot be used any more.
    Lost(String),
}

impl SqlError {
    /// The server's error number, if it refused the statement.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Lost(_) => None,
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message } => write!(f, "error {code}: {message}"),
            Self::Lost(why) => write!(f, "the connection is lost: {why}"),
        }
    }
}

impl std::error::Error for SqlError {}

impl From<mysql::Error> for SqlError {
    fn from(error: mysql::Error) -> Self {
        match error {
            mysql::Error::MySqlError(error) => Self::Refused {
                code: error.code,
                message: error.message,
            },
            other => Self::Lost(other.to_string()),
        }
    }
}

/// A connection, used by one thread.
#[derive(Debug)]
pub struct SqlConnection {
    connection: Conn,
}

impl SqlConnection {
    /// Connects as root to the server on this Unix socket.
    ///
    /// # Errors
    /// If the server does not answer or refuses.
    pub fn open(socket: &Path) -> Result<Self> {
        let path = socket.to_str().context("a socket's path is not UTF-8")?;
        let options = OptsBuilder::new()
            .socket(Some(path))
            .user(Some("root"))
            .stmt_cache_size(0)
            .init(vec!["SET NAMES utf8mb4"]);
        let connection =
            Conn::new(options).with_context(|| format!("cannot connect to the server on {path}"))?;
        Ok(Self { connection })
    }

    /// Its number, as `KILL` wants it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.connection.connection_id()
    }

    /// Resets it (COM_RESET_CONNECTION), as a pool does before it gives it to another user.
    ///
    /// # Errors
    /// If the server refuses it or the connection breaks.
    pub fn reset(&mut self) -> Result<(), SqlError> {
        Ok(self.connection.reset()?)
    }

    /// Runs one statement. Of several result sets the first is returned.
    ///
    /// # Errors
    /// If the server refuses it or the connection breaks.
    pub fn run(&mut self, statement: &str) -> Result<Answer, SqlError> {
        let mut result = self.connection.query_iter(statement)?;
        if result.columns().as_ref().is_empty() {
            return Ok(Answer::Done {
                affected: result.affected_rows(),
                insert_id: result.last_insert_id().unwrap_or(0),
                warnings: result.warnings(),
                info: result.info_str().into_owned(),
            });
        }
        let mut rows = Vec::new();
        for row in result.by_ref() {
            let values = row?.unwrap_raw().into_iter();
            rows.push(values.map(|value| value.and_then(text)).collect());
        }
        Ok(Answer::Rows(rows))
    }

    /// Runs a statement for its effect.
    ///
    /// # Errors
    /// As for [`run`](Self::run), with the statement.
    pub fn execute(&mut self, statement: &str) -> Result<()> {
        self.run(statement).map(drop).with_context(|| shown(statement))
    }

    /// The rows of a query as text, NULL as `NULL`.
    ///
    /// # Errors
    /// As for [`run`](Self::run), with the statement, or if it has no rows to
    /// return.
    pub fn rows(&mut self, query: &str) -> Result<Vec<Vec<String>>> {
        let Answer::Rows(rows) = self.run(query).with_context(|| shown(query))? else {
            bail!("{} returns no rows", shown(query));
        };
        Ok(rows.iter().map(|row| row.iter().map(display).collect()).collect())
    }

    /// The first column of the first row.
    ///
    /// # Errors
    /// As for [`rows`](Self::rows), or if there is no row.
    pub fn value(&mut self, query: &str) -> Result<String> {
        self.rows(query)?
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next())
            .with_context(|| format!("{} returned no row", shown(query)))
    }
}

/// A value for people to read.
#[must_use]
pub fn display(value: &Value) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn text(value: mysql::Value) -> Value {
    match value {
        mysql::Value::NULL => None,
        mysql::Value::Bytes(bytes) => Some(bytes),
        // The text protocol has no others.
        other => Some(other.as_sql(true).into_bytes()),
    }
}

fn shown(statement: &str) -> String {
    statement.chars().take(300).collect()
}

/// What [`SqlSession`] says about a statement that it was given.
pub type Outcome = Result<Answer, SqlError>;

/// A connection with a thread of its own: statements are started, and their
/// outcomes asked for later.
#[derive(Debug)]
pub struct SqlSession {
    id: u32,
    statements: Sender<String>,
    outcomes: Receiver<Outcome>,
}

impl SqlSession {
    /// Connects as [`SqlConnection::open`] does.
    ///
    /// # Errors
    /// The same.
    pub fn open(socket: &Path) -> Result<Self> {
        let mut connection = SqlConnection::open(socket)?;
        let id = connection.id();
        let (statements, to_do) = mpsc::channel::<String>();
        let (done, outcomes) = mpsc::channel();
        thread::spawn(move || {
            for statement in to_do {
                if done.send(connection.run(&statement)).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            id,
            statements,
            outcomes,
        })
    }

    /// Its number, as `KILL` wants it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Starts a statement and returns at once. Its outcome follows those of the
    /// statements before.
    pub fn start(&self, statement: impl Into<String>) {
        // A thread that is gone is told by the next outcome.
        let _ = self.statements.send(statement.into());
    }

    /// The next outcome, if it comes in time.
    #[must_use]
    pub fn outcome_within(&self, limit: Duration) -> Option<Outcome> {
        match self.outcomes.recv_timeout(limit) {
            Ok(outcome) => Some(outcome),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(Err(SqlError::Lost("its thread has ended".to_owned())))
            }
        }
    }

    /// Waits for the next outcome.
    ///
    /// # Errors
    /// As for [`SqlConnection::run`].
    pub fn outcome(&self) -> Outcome {
        self.outcomes
            .recv()
            .unwrap_or_else(|_| Err(SqlError::Lost("its thread has ended".to_owned())))
    }

    /// Runs a statement and waits for its outcome.
    ///
    /// # Errors
    /// As for [`SqlConnection::run`].
    pub fn run(&self, statement: impl Into<String>) -> Outcome {
        self.start(statement);
        self.outcome()
    }
}
