//! The host's transactions and locks as rows of information_schema.

use super::monitor::{Hex, LockText};
use super::{Connection, Error};
use std::collections::HashMap;
use vamos_guest::{Isolation, LockInfo, LockKind, TransactionInfo, TransactionList, TransactionState};

/// As many as the host tells at once: it has limits of its own.
const ALL: u32 = u32::MAX;

/// One field of a row, or some that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// NULL.
    Null,
    /// A number.
    Number(u64),
    /// Milliseconds, shown as seconds.
    Time(u64),
    /// Text in UTF-8.
    Text(String),
    /// The host's name of a table: the fields for schema, table and partition. All
    /// are NULL if it is empty.
    Table(String),
    /// The name of an index of the table before, by its position.
    Index(u16),
    /// What the connection with this number runs.
    Query(u64),
}

/// Which table of information_schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// `VAMOS_TRANSACTIONS`.
    Transactions,
    /// `VAMOS_LOCKS`.
    Locks,
    /// `VAMOS_LOCK_WAITS`.
    LockWaits,
}

/// The rows of a table, as they are now; in each the cells fill the columns from the
/// first to the last.
pub(crate) fn rows(connection: &mut Connection, view: View) -> Result<Vec<Vec<Cell>>, Error> {
    let locks = if view == View::Locks { ALL } else { 0 };
    let list = connection.session.list_transactions(ALL, locks)?;
    Ok(match view {
        View::Transactions => list.transactions.iter().map(transaction).collect(),
        View::Locks => all_locks(&list),
        View::LockWaits => all_waits(&list),
    })
}

fn transaction(info: &TransactionInfo) -> Vec<Cell> {
    let state = match info.state {
        TransactionState::Open => "OPEN",
        TransactionState::Waiting => "LOCK WAIT",
        TransactionState::Committing => "COMMITTING",
    };
    let isolation = match info.isolation {
        Isolation::ReadCommitted => "READ COMMITTED",
        Isolation::RepeatableRead => "REPEATABLE READ",
    };
    let wait = info.wait.as_ref();
    let blocker = wait.and_then(|wait| wait.blockers.first());
    vec![
        Cell::Number(info.id),
        text(state),
        text(isolation),
        Cell::Time(info.age_ms),
        Cell::Number(info.locks),
        Cell::Number(info.changes),
        wait.map_or(Cell::Null, |wait| Cell::Time(wait.waited_ms)),
        wait.map_or(Cell::Null, |wait| Cell::Text(LockText(&wait.lock).to_string())),
        blocker.map_or(Cell::Null, |&id| Cell::Number(id)),
        connection_number(info.client),
        Cell::Query(info.client),
    ]
}

/// The locks that are waited for, then those that are held.
fn all_locks(list: &TransactionList) -> Vec<Vec<Cell>> {
    let waits = list.transactions.iter().filter_map(|info| info.wait.as_ref());
    // Of the locks in the list those that are waited for are some of these again.
    let held = list.locks.iter().filter(|lock| lock.granted);
    waits.map(|wait| &wait.lock).chain(held).map(lock).collect()
}

fn lock(info: &LockInfo) -> Vec<Cell> {
    let mut cells = vec![Cell::Number(info.transaction)];
    cells.extend(what(info));
    cells.push(match info.kind {
        LockKind::Range => bytes(&info.end),
        LockKind::Row | LockKind::Insert => Cell::Null,
    });
    cells.push(text(if info.granted { "GRANTED" } else { "WAITING" }));
    cells
}

/// What is locked, and how.
fn what(info: &LockInfo) -> [Cell; 6] {
    let kind = match info.kind {
        LockKind::Row => "ROW",
        LockKind::Range => "RANGE",
        LockKind::Insert => "INSERT",
    };
    [
        Cell::Table(info.table.clone()),
        Cell::Index(info.index),
        Cell::Number(info.index_id.0.into()),
        text(kind),
        text(if info.exclusive { "X" } else { "S" }),
        bytes(&info.key),
    ]
}

/// A row for each transaction that stands in the way of another.
fn all_waits(list: &TransactionList) -> Vec<Vec<Cell>> {
    let clients: HashMap<u64, u64> = list.transactions.iter().map(|of| (of.id, of.client)).collect();
    let client = |id| connection_number(clients.get(&id).copied().unwrap_or(0));
    let mut rows = Vec::new();
    for (waiting, wait) in list
        .transactions
        .iter()
        .filter_map(|of| Some((of.id, of.wait.as_ref()?)))
    {
        for &blocking in &wait.blockers {
            let mut cells = vec![
                Cell::Number(waiting),
                client(waiting),
                Cell::Number(blocking),
                client(blocking),
                Cell::Time(wait.waited_ms),
            ];
            cells.extend(what(&wait.lock));
            rows.push(cells);
        }
    }
    rows
}

/// 0 is no connection of a server's.
fn connection_number(client: u64) -> Cell {
    match client {
        0 => Cell::Null,
        number => Cell::Number(number),
    }
}

/// An index's beginning and its end have no key.
fn bytes(key: &[u8]) -> Cell {
    match key {
        [] => Cell::Null,
        key => Cell::Text(Hex(key).to_string()),
    }
}

fn text(word: &str) -> Cell {
    Cell::Text(word.to_owned())
}
