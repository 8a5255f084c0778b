//! Filling a new table: ALTER TABLE, and CREATE TABLE .. SELECT.

use super::batch::Batch;
use super::{Error, host};
use crate::boundary::Thd;
use std::time::Duration;
use vamos_guest::{Durability, Isolation, Session, TableId, Written};

/// How much is written between two commits.
const COMMIT_EVERY: usize = 16 << 20;

/// Writes a new table in a session of its own, with a commit now and then: nobody
/// sees the table yet, and if the statement fails the table is dropped; but in
/// one transaction it could be too large for the host.
#[derive(Debug)]
pub(super) struct TableCopy {
    /// The table, or its partitions.
    tables: Vec<TableId>,
    session: Session,
    written: usize,
}

impl TableCopy {
    pub(super) fn new(thd: Thd) -> Self {
        let mut session = Session::new(host::client());
        session.set_interrupt(Some(Box::new(move || thd.killed())));
        Self {
            tables: Vec::new(),
            session,
            written: 0,
        }
    }

    pub(super) fn add(&mut self, table: TableId) {
        self.tables.push(table);
    }

    /// Whether changes of this table go this way.
    pub(super) fn fills(&self, table: TableId) -> bool {
        self.tables.contains(&table)
    }

    pub(super) fn send(&mut self, batch: &Batch) -> Result<(), Error> {
        if self.written > COMMIT_EVERY {
            self.session.commit(Durability::Never)?;
            self.written = 0;
        }
        // No lock is ever waited for: the table is this session's alone.
        self.session
            .begin(Isolation::ReadCommitted, Duration::from_secs(1));
        self.written += batch.byte_count();
        send(&mut self.session, batch)
    }

    /// Commits what is left. With that, what was committed before is on disk too.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        Ok(self.session.commit(Durability::Commit)?)
    }
}

/// Sends changes; waits for the answer only where it matters.
pub(super) fn send(session: &mut Session, batch: &Batch) -> Result<(), Error> {
    if !batch.may_duplicate() {
        return Ok(session.write_deferred(batch.as_write())?);
    }
    match session.write(batch.as_write())? {
        Written::Done => Ok(()),
        Written::Duplicate { op } => Err(Error::DuplicateInBatch { op: op as usize }),
    }
}
