//! A connection of the server's: its session and its transaction.

use super::batch::Batch;
use super::copy::{TableCopy, send};
use super::pipeline::{Pipeline, Refused};
use super::untold::Untold;
use super::waits::{self, Reported};
use super::{Error, host, settler};
use crate::boundary::{Thd, server_is_stopping};
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use vamos_guest::{Durability, IndexId, Isolation, SavepointId, Session, TableId, Xid};

/// What a statement finds when it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatementContext {
    pub(crate) isolation: Isolation,
    /// It is part of a transaction of several statements.
    pub(crate) multi_statement: bool,
    pub(crate) lock_wait_seconds: u32,
    /// It applies what another server has logged: the server wants to know for whom its
    /// transaction waits, and applies it again if its commit fails.
    pub(crate) applies: bool,
    /// It changes tables that outlive the connection.
    pub(crate) writes_durably: bool,
}

/// The savepoint to which a statement that fails returns. Those of the user's
/// are counted from 1.
const STATEMENT: SavepointId = SavepointId(0);

/// The savepoint to which a row's change returns.
const ROW: SavepointId = SavepointId(u64::MAX);

/// Ranges that the host is asked for ahead have at most so many bytes in all: it allows
/// a lane 1 MiB.
const AHEAD_BYTES: usize = 768 * 1024;

/// Rows whose locks are given back with one message.
const UNLOCK_AT_ONCE: usize = 64;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) session: Session,
    thd: Thd,
    in_statement: bool,
    multi_statement: bool,
    /// The statement has set its savepoint: it has written. The number is that of the
    /// user's last savepoint before it.
    marked: Option<u64>,
    /// The transaction changes tables that outlive the connection: others are
    /// gone with the host, and their commits wait for no disk.
    writes_durably: bool,
    /// Counts transactions: a cursor lives as long as its own.
    epoch: u64,
    last_savepoint: u64,
    /// Scans that have a cursor on the host.
    open_scans: usize,
    /// Bytes of ranges that the host was asked for ahead.
    ahead_bytes: usize,
    /// Rows of a bulk insert that are not sent yet.
    pending: Batch,
    /// Those that were sent and not answered yet.
    under_way: Pipeline,
    /// Counts changes of rows.
    writes: u64,
    /// Rows of a primary index whose locks are not wanted.
    unlocked: (IndexId, Vec<Vec<u8>>),
    /// Fills the new table of an ALTER TABLE.
    copy: Option<TableCopy>,
    /// Builds new indexes of a table's, or of all its partitions.
    builder: Option<Session>,
    /// Changes sequences, which no rollback undoes.
    aside: Option<Box<Self>>,
    /// The error that was reported last, with its sentence.
    error: Option<(c_int, String)>,
    /// The error of which the client must still hear.
    pub(super) untold: Option<Untold>,
    /// While the transaction's waits are reported.
    reported: Option<Reported>,
    /// The connection's number then, for whoever asks while it waits; otherwise 0.
    reporting: Arc<AtomicU64>,
    /// The key in which the last duplicate was found.
    duplicate_key: u32,
}

impl Connection {
    pub(crate) fn new(thd: Thd) -> Self {
        let mut session = Session::new(host::client());
        let reporting = Arc::new(AtomicU64::new(0));
        let waiting = Arc::clone(&reporting);
        session.set_interrupt(Some(Box::new(move || {
            match waiting.load(Relaxed) {
                0 => {}
                number => waits::report(number),
            }
            thd.killed()
        })));
        session.set_number(thd.number());
        Self {
            session,
            thd,
            in_statement: false,
            multi_statement: false,
            marked: None,
            writes_durably: false,
            epoch: 0,
            last_savepoint: 0,
            open_scans: 0,
            ahead_bytes: 0,
            pending: Batch::default(),
            under_way: Pipeline::default(),
            writes: 0,
            unlocked: (IndexId(0), Vec::new()),
            copy: None,
            builder: None,
            aside: None,
            error: None,
            untold: None,
            reported: None,
            reporting,
            duplicate_key: u32::MAX,
        }
    }

    /// A connection beside this one, whose transactions are its own.
    pub(crate) fn aside(&mut self) -> &mut Self {
        let thd = self.thd;
        self.aside.get_or_insert_with(|| Box::new(Self::new(thd)))
    }

    /// The transaction's number.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many scans of this transaction are open.
    pub(crate) fn open_scans(&self) -> usize {
        self.open_scans
    }

    /// A scan was opened, or closed.
    pub(crate) fn count_scan(&mut self, opened: bool) {
        self.open_scans = match opened {
            true => self.open_scans + 1,
            false => self.open_scans.saturating_sub(1),
        };
    }

    /// Whether the host may be asked for ranges of so many bytes ahead, which it keeps
    /// until [`Connection::end_ahead`].
    pub(crate) fn begin_ahead(&mut self, bytes: usize) -> bool {
        let fits = self.ahead_bytes + bytes <= AHEAD_BYTES;
        self.ahead_bytes += if fits { bytes } else { 0 };
        fits
    }

    pub(crate) fn end_ahead(&mut self, bytes: usize) {
        self.ahead_bytes = self.ahead_bytes.saturating_sub(bytes);
    }

    /// Called for each table of a statement; the first one begins it.
    pub(crate) fn begin_statement(&mut self, context: StatementContext) -> Result<(), Error> {
        // A connection that is reset (COM_RESET_CONNECTION, COM_CHANGE_USER) parts with
        // what XA has prepared, of which the server tells no engine (`trans_xa_detach` in
        // sql/xa.cc): it is ended by its name, and the statement is not a part of it.
        if !self.in_statement && self.session.leave_prepared() {
            self.end_transaction();
        }
        self.writes_durably |= context.writes_durably;
        if self.in_statement {
            return Ok(());
        }
        self.in_statement = true;
        self.forget_untold();
        self.multi_statement = context.multi_statement;
        if !self.session.in_transaction() {
            self.epoch += 1;
            self.set_patience(context.applies);
            if context.applies {
                self.reported = Some(Reported::begin(self.thd));
                self.reporting.store(self.thd.number(), Relaxed);
            }
            let wait = Duration::from_secs(context.lock_wait_seconds.into());
            self.session.begin(context.isolation, wait);
            return Ok(());
        }
        // NOWAIT and WAIT n hold for one statement.
        let wait = Duration::from_secs(context.lock_wait_seconds.into());
        self.session.set_lock_wait(wait)?;
        if context.isolation == Isolation::ReadCommitted {
            self.session.new_snapshot()?;
        }
        Ok(())
    }

    /// A replica's applier must not be told that a commit failed which happens when the
    /// host is back: its position in memory would stay before the transaction, which it
    /// would apply again. One that is killed, or whose server ends, is told.
    fn set_patience(&mut self, applies: bool) {
        if self.session.is_patient() == applies {
            return;
        }
        let thd = self.thd;
        let ends = move || thd.killed() || server_is_stopping();
        self.session
            .set_patience(applies.then(|| Box::new(ends) as vamos_guest::Interrupt));
    }

    pub(crate) fn take_snapshot(&mut self) -> Result<(), Error> {
        Ok(self.session.take_snapshot()?)
    }

    /// The statement is done, the transaction goes on. What was sent without
    /// waiting must have happened before the client hears that; if it has not,
    /// the statement leaves no trace.
    pub(crate) fn end_statement(&mut self) -> Result<(), Error> {
        let settled = self
            .check_told()
            .and_then(|()| self.send_unlocked())
            .and_then(|()| self.finish_writes())
            .and_then(|()| Ok(self.session.settle_writes()?));
        if let Err(error) = &settled {
            if self.ended_by(error) {
                self.thd.must_rollback();
            }
            self.rollback_statement()?;
        }
        self.in_statement = false;
        self.marked = None;
        self.session.publish_counters();
        settled
    }

    pub(crate) fn commit(&mut self, durability: Durability) -> Result<(), Error> {
        if let Err(error) = self.check_told().and_then(|()| self.finish_writes()) {
            self.rollback()?;
            return Err(error);
        }
        let durability = match self.writes_durably {
            true => durability,
            false => Durability::Never,
        };
        self.end_transaction();
        let committed = self.session.commit(durability);
        settler::wake();
        Ok(committed?)
    }

    /// Prepares the transaction under this name, if it has changed anything.
    pub(crate) fn prepare(&mut self, xid: &Xid<'_>, durability: Durability) -> Result<(), Error> {
        self.check_told()?;
        self.finish_writes()?;
        let prepared = self.session.prepare(xid, durability);
        settler::wake();
        Ok(prepared.map(drop)?)
    }

    /// Sends the commit of what is prepared, in the server's order, for
    /// [`commit`](Self::commit) to wait for. It need not be synced: what is
    /// prepared is on disk, and the binary log tells that it is to be committed,
    /// until a checkpoint (see [`settler`]) syncs.
    pub(crate) fn commit_ordered(&mut self, durability: Durability) {
        self.session.post_commit(match durability {
            Durability::Commit | Durability::Second => Durability::Second,
            Durability::Never => Durability::Never,
        });
    }

    pub(crate) fn rollback(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.end_transaction();
        let rolled_back = self.session.rollback();
        settler::wake();
        Ok(rolled_back?)
    }

    fn end_transaction(&mut self) {
        self.under_way.forget();
        self.untold = None;
        self.reported = None;
        self.reporting.store(0, Relaxed);
        self.unlocked.1.clear();
        self.copy = None;
        self.builder = None;
        self.in_statement = false;
        self.marked = None;
        self.writes_durably = false;
        self.open_scans = 0;
        self.ahead_bytes = 0;
        self.epoch += 1;
    }

    /// The statement failed: it leaves no trace, the transaction goes on.
    pub(crate) fn rollback_statement(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.under_way.forget();
        self.forget_untold();
        let undone = match self.marked.take() {
            Some(_) => self.session.rollback_to(STATEMENT),
            None => Ok(()),
        };
        if undone.is_err() && self.is_over() {
            // What was under way met a deadlock while the server found another error.
            self.thd.must_rollback();
        }
        self.in_statement = false;
        Ok(undone?)
    }

    pub(crate) fn set_savepoint(&mut self) -> Result<u64, Error> {
        self.finish_writes()?;
        self.last_savepoint += 1;
        self.session.set_savepoint(SavepointId(self.last_savepoint))?;
        Ok(self.last_savepoint)
    }

    pub(crate) fn rollback_to_savepoint(&mut self, id: u64) -> Result<(), Error> {
        self.pending.clear();
        self.under_way.forget();
        // A trigger or a function returns to a savepoint of its own within the statement,
        // whose savepoint is older then and stays.
        self.marked = self.marked.filter(|&before| before < id);
        Ok(self.session.rollback_to(SavepointId(id))?)
    }

    pub(crate) fn release_savepoint(&mut self, id: u64) -> Result<(), Error> {
        self.flush()?;
        Ok(self.session.release_savepoint(SavepointId(id))?)
    }

    /// Sets the point to which a row's change that fails returns, where the
    /// statement goes on (IGNORE).
    pub(crate) fn mark_row(&mut self) -> Result<(), Error> {
        self.finish_writes()?;
        self.before_write()?;
        Ok(self.session.set_savepoint(ROW)?)
    }

    /// Returns to that point.
    pub(crate) fn undo_row(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.under_way.forget();
        Ok(self.session.rollback_to(ROW)?)
    }

    /// Keeps the sentence that belongs to an error.
    pub(crate) fn keep_error(&mut self, code: c_int, sentence: String) {
        self.error = Some((code, sentence));
    }

    /// Called before each change: a statement in a longer transaction must be
    /// able to undo its changes alone.
    fn before_write(&mut self) -> Result<(), Error> {
        if self.multi_statement && self.marked.is_none() {
            self.session.set_savepoint(STATEMENT)?;
            self.marked = Some(self.last_savepoint);
        }
        Ok(())
    }

    /// A row's lock is not wanted. Told to the host with others.
    pub(crate) fn unlock(&mut self, index: IndexId, key: Vec<u8>) -> Result<(), Error> {
        if self.unlocked.0 != index {
            self.send_unlocked()?;
            self.unlocked.0 = index;
        }
        self.unlocked.1.push(key);
        match self.unlocked.1.len() < UNLOCK_AT_ONCE {
            true => Ok(()),
            false => self.send_unlocked(),
        }
    }

    fn send_unlocked(&mut self) -> Result<(), Error> {
        if self.unlocked.1.is_empty() {
            return Ok(());
        }
        let (index, keys) = (self.unlocked.0, std::mem::take(&mut self.unlocked.1));
        let keys = keys.iter().map(Vec::as_slice).collect();
        Ok(self.session.unlock(index, keys)?)
    }

    /// The rows that wait to be sent.
    pub(crate) fn pending(&mut self) -> &mut Batch {
        &mut self.pending
    }

    /// Sends what waits, if it is for this table: a read of it must see it.
    pub(crate) fn flush_table(&mut self, table: TableId) -> Result<(), Error> {
        match self.pending.table() == table {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// The changes of rows so far.
    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    /// A row was changed.
    pub(crate) fn count_write(&mut self) {
        self.writes += 1;
    }

    /// Sends what waits if it is enough.
    pub(crate) fn flush_if_full(&mut self) -> Result<(), Error> {
        match self.pending.is_full() {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends what waits, and waits for the answers of some of what was sent
    /// before at most. A batch in which a duplicate was found is the pending one
    /// then.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        if let Some(copy) = &mut self.copy
            && copy.fills(pending.table())
        {
            let sent = copy.post(pending);
            return self.posted(sent);
        }
        self.before_write()?;
        let sent = self.under_way.post(&mut self.session, pending);
        self.posted(sent)
    }

    /// Sends what waits, and waits until all of it is done.
    pub(crate) fn finish_writes(&mut self) -> Result<(), Error> {
        self.flush()?;
        let copied = match &mut self.copy {
            Some(copy) => copy.finish_writes(),
            None => Ok(Batch::default()),
        };
        self.posted(copied)?;
        let finished = self.under_way.finish(&mut self.session);
        self.posted(finished)
    }

    /// A buffer to gather in again, or the batch in which a duplicate was found.
    fn posted(&mut self, sent: Result<Batch, Refused>) -> Result<(), Error> {
        match sent {
            Ok(spare) => {
                if self.pending.is_empty() {
                    self.pending = spare;
                }
                Ok(())
            }
            Err(refused) => {
                self.pending = *refused.batch;
                Err(refused.error)
            }
        }
    }

    /// Sends changes; waits for the answer only where it matters.
    pub(crate) fn send(&mut self, batch: &Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(copy) = &mut self.copy
            && copy.fills(batch.table())
        {
            return copy.send(batch);
        }
        self.before_write()?;
        send(&mut self.session, batch)
    }

    /// A new table, of ALTER TABLE or CREATE TABLE .. SELECT, is about to be
    /// filled; called for each of its partitions.
    pub(crate) fn begin_copy(&mut self, table: TableId) {
        let thd = self.thd;
        self.copy.get_or_insert_with(|| TableCopy::new(thd)).add(table);
    }

    /// The new table is filled and to be kept, or will be dropped.
    pub(crate) fn end_copy(&mut self, filled: bool) -> Result<(), Error> {
        let flushed = match filled {
            true => self.finish_writes(),
            false => Ok(()),
        };
        match self.copy.take() {
            Some(copy) if filled && flushed.is_ok() => copy.finish(),
            _ => flushed,
        }
    }

    /// The session that reads a table.
    pub(crate) fn reader(&mut self, table: TableId) -> &mut Session {
        match &mut self.copy {
            Some(copy) if copy.fills(table) => copy.reader(),
            _ => &mut self.session,
        }
    }

    /// The host's state as it tells it, or why it does not.
    pub(crate) fn host_status(&mut self) -> String {
        match self.session.status_text() {
            Ok(text) => text,
            Err(error) => format!("The host's own state is not known: {error}"),
        }
    }

    /// The session of an ALTER TABLE that copies no rows: it stands outside this
    /// connection's transaction.
    pub(crate) fn builder(&mut self) -> &mut Session {
        let thd = self.thd;
        self.builder.get_or_insert_with(|| {
            let mut session = Session::new(host::client());
            session.set_interrupt(Some(Box::new(move || thd.killed())));
            session
        })
    }

    /// The server's connection.
    pub(crate) fn thd(&self) -> Thd {
        self.thd
    }

    /// Makes a result a code of the server's, keeps the sentence that belongs to
    /// it, and tells the server if the transaction is over.
    pub(crate) fn report(&mut self, result: Result<(), Error>) -> c_int {
        let Err(error) = result else {
            return 0;
        };
        let code = error.code();
        if let Error::Duplicate { key } = error {
            self.duplicate_key = key;
        }
        if let Some(sentence) = error.sentence() {
            self.error = Some((code, sentence));
        }
        if self.in_statement && self.ended_by(&error) {
            self.pending.clear();
            self.thd.must_rollback();
            self.keep_untold(&error);
        }
        code
    }

    /// Whether the transaction ended with this error.
    pub(super) fn ended_by(&self, error: &Error) -> bool {
        error.ended_transaction() && self.is_over()
    }

    /// Whether the transaction is over, and the server does not know it yet. One that
    /// the host had not heard of when its lane broke goes on: if the optimizer met that,
    /// it keeps silent of it, and so does a server that is to roll back.
    fn is_over(&self) -> bool {
        self.session.is_lost() || !self.session.in_transaction()
    }

    /// The key (by the server's count) in which the last duplicate was found.
    /// Not kept by the handler: a partitioned table asks another partition's.
    pub(crate) fn duplicate_key(&self) -> u32 {
        self.duplicate_key
    }

    /// The sentence that belongs to the error reported last.
    pub(crate) fn error_text(&self, code: c_int) -> Option<&str> {
        match &self.error {
            Some((of, text)) if *of == code => Some(text),
            _ => None,
        }
    }
}
