//! Filling a new table: ALTER TABLE, and CREATE TABLE .. SELECT.

use super::batch::Batch;
use super::pipeline::{Pipeline, Refused};
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
    under_way: Pipeline,
    written: usize,
    /// A part was committed, and no sync asked for.
    unsynced: bool,
    /// Something was lost: the copy cannot become whole any more.
    failed: bool,
}

impl TableCopy {
    pub(super) fn new(thd: Thd) -> Self {
        let mut session = Session::new(host::client());
        session.set_interrupt(Some(Box::new(move || thd.killed())));
        session.set_number(thd.number());
        Self {
            tables: Vec::new(),
            session,
            under_way: Pipeline::default(),
            written: 0,
            unsynced: false,
            failed: false,
        }
    }

    pub(super) fn add(&mut self, table: TableId) {
        self.tables.push(table);
    }

    /// Whether changes of this table go this way.
    pub(super) fn fills(&self, table: TableId) -> bool {
        self.tables.contains(&table)
    }

    /// Where the tables are read while they are filled: nobody else sees their
    /// rows. The server looks there for duplicates of keys that it keeps itself
    /// (`UNIQUE .. USING HASH`).
    pub(super) fn reader(&mut self) -> &mut Session {
        self.begin();
        &mut self.session
    }

    /// Sends changes. A duplicate leaves the rest as it is (`ALTER IGNORE`
    /// leaves that row out); after any other failure all fails.
    pub(super) fn send(&mut self, batch: &Batch) -> Result<(), Error> {
        self.check()?;
        let sent = self.write(batch);
        self.failed = matches!(&sent, Err(error) if !matches!(error, Error::DuplicateInBatch { .. }));
        sent
    }

    /// Sends changes of which each row must be taken; waits for those sent some
    /// time before at most. Returns a buffer for the next ones.
    pub(super) fn post(&mut self, batch: Batch) -> Result<Batch, Refused> {
        self.check().map_err(Refused::new)?;
        let sent = match self.prepare(&batch) {
            Ok(()) => self.under_way.post(&mut self.session, batch),
            Err(refused) => Err(refused),
        };
        self.failed = sent.is_err();
        sent
    }

    /// Waits until all that was sent is done.
    pub(super) fn finish_writes(&mut self) -> Result<Batch, Refused> {
        let finished = self.under_way.finish(&mut self.session);
        self.failed |= finished.is_err();
        finished
    }

    fn write(&mut self, batch: &Batch) -> Result<(), Error> {
        self.under_way
            .finish(&mut self.session)
            .map_err(|refused| refused.error)?;
        self.prepare(batch).map_err(|refused| refused.error)?;
        send(&mut self.session, batch)
    }

    /// Commits if enough was written, and sees that there is a transaction.
    fn prepare(&mut self, batch: &Batch) -> Result<(), Refused> {
        if self.written > COMMIT_EVERY {
            self.under_way.finish(&mut self.session)?;
            self.session.commit(Durability::Never).map_err(Refused::new)?;
            self.unsynced = true;
            self.written = 0;
        }
        self.begin();
        self.written += batch.byte_count();
        Ok(())
    }

    /// Sees that there is a transaction. No lock is ever waited for: the table is
    /// this session's alone.
    fn begin(&mut self) {
        self.session
            .begin(Isolation::ReadCommitted, Duration::from_secs(1));
    }

    fn check(&self) -> Result<(), Error> {
        if !self.failed {
            return Ok(());
        }
        let reason = "a part of the new table could not be written".into();
        Err(vamos_guest::Error::ConnectionLost { reason }.into())
    }

    /// Commits what is left, and puts what was committed before on disk. A commit alone
    /// would not do that if nothing is left but duplicates: it costs, and syncs, nothing.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.check()?;
        self.session.commit(Durability::Commit)?;
        if self.unsynced {
            self.session.sync_log(0)?;
        }
        Ok(())
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
