//! The transaction's beginning, its savepoints and its end without commit.

use crate::Error;
use crate::prepared::{Posted, XidBuf};
use crate::session::{Session, refusal};
use std::time::Duration;
use vamos_proto::{Begin, CommitId, Durability, IndexId, Isolation, Request, Response, SavepointId, Unlock};

/// The state of a session's transaction.
#[derive(Debug)]
pub(crate) enum Transaction {
    /// None is open.
    None,
    /// Open. Until the first request that needs it, the host knows nothing of it.
    Open {
        begin: Begin,
        /// The host has been told.
        on_host: bool,
        /// Something was written: the end needs an answer.
        wrote: bool,
        /// Locks were taken: the end must not lie in the ring unannounced.
        locked: bool,
    },
    /// Prepared: it is the host's now, and survives the lane.
    Prepared {
        xid: XidBuf,
        /// The attempt that has prepared it.
        attempt: CommitId,
        posted: Option<Posted>,
    },
    /// Was open when the lane broke, and the caller has not ended it yet.
    Lost { reason: String, wrote: bool },
}

impl Transaction {
    /// The lane broke.
    pub(crate) fn lose(&mut self, reason: &str) {
        if let Self::Open {
            on_host: true, wrote, ..
        } = *self
        {
            *self = Self::Lost {
                reason: reason.to_owned(),
                wrote,
            };
        }
    }

    pub(crate) fn set_wrote(&mut self) {
        if let Self::Open { wrote, .. } = self {
            *wrote = true;
        }
    }

    pub(crate) fn set_locked(&mut self) {
        if let Self::Open { locked, .. } = self {
            *locked = true;
        }
    }
}

impl Session {
    /// Begins a transaction. Costs nothing: the host learns of it with the first
    /// request. An open transaction goes on unchanged.
    ///
    /// `lock_wait` bounds one wait for a lock; it is rounded to milliseconds.
    pub fn begin(&mut self, isolation: Isolation, lock_wait: Duration) {
        if matches!(self.transaction, Transaction::None) {
            let lock_wait_ms = u32::try_from(lock_wait.as_millis()).unwrap_or(u32::MAX);
            self.transaction = Transaction::Open {
                begin: Begin {
                    isolation,
                    lock_wait_ms,
                    client: self.number,
                },
                on_host: false,
                wrote: false,
                locked: false,
            };
        }
    }

    /// Bounds the lock waits to come in the open transaction. No round trip.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn set_lock_wait(&mut self, lock_wait: Duration) -> Result<(), Error> {
        let wanted = u32::try_from(lock_wait.as_millis()).unwrap_or(u32::MAX);
        let Transaction::Open { begin, on_host, .. } = &mut self.transaction else {
            return Ok(());
        };
        if begin.lock_wait_ms == wanted {
            return Ok(());
        }
        begin.lock_wait_ms = wanted;
        match on_host {
            true => self.tell(&Request::SetLockWait(wanted)),
            false => Ok(()),
        }
    }

    /// Whether a transaction is open (or was, when the lane broke).
    pub fn in_transaction(&self) -> bool {
        !matches!(self.transaction, Transaction::None)
    }

    /// Whether the open transaction has changed anything.
    pub fn has_written(&self) -> bool {
        matches!(self.transaction, Transaction::Open { wrote: true, .. })
    }

    /// Rolls back. Where nothing was written, that costs no round trip.
    ///
    /// # Errors
    /// None that matter: whatever happens, the transaction is rolled back, at
    /// the latest by the lane's end. One whose commit was sent
    /// ([`post_commit`](Self::post_commit)) is committed, with the errors of that.
    pub fn rollback(&mut self) -> Result<(), Error> {
        let mut result = Ok(());
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::Open {
                on_host: true,
                wrote: true,
                ..
            } => {
                let result = self.cancel_ahead().and_then(|()| {
                    self.exchange(&Request::Rollback(true), |response| match response {
                        Response::Done(()) => Ok(()),
                        other => Err(refusal(other, "a rollback")),
                    })
                });
                if let Err(error) = result {
                    self.drop_lane(&error.to_string());
                }
            }
            Transaction::Open {
                on_host: true,
                locked,
                ..
            } => self.end_without_answer(locked),
            // Its place among the commits of the binary log is taken: it is committed.
            Transaction::Prepared {
                xid,
                posted: posted @ Some(_),
                ..
            } => result = self.commit_prepared(xid, posted, Durability::Commit),
            Transaction::Prepared { xid, attempt, .. } => self.rollback_prepared(xid, attempt),
            _ => {}
        }
        self.transaction = Transaction::None;
        self.end_of_transaction();
        result
    }

    /// Ends a transaction that wrote nothing. Unless it holds locks the host is
    /// not woken for it, where there is a window.
    pub(crate) fn end_without_answer(&mut self, locked: bool) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let sent = connection
            .send(&Request::Rollback(false))
            .and_then(|_| match locked {
                true => connection.flush(),
                false => connection.flush_unhurried(),
            });
        if let Err(error) = sent {
            self.drop_lane(&error.to_string());
        }
    }

    /// The host has rolled the transaction back by itself. It refuses whatever
    /// is still under way until it is told that this is known.
    pub(crate) fn acknowledge_end(&mut self) {
        self.transaction = Transaction::None;
        self.end_without_answer(true);
        self.end_of_transaction();
    }

    pub(crate) fn end_of_transaction(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.end_of_transaction();
        }
        self.written.forget_all();
        self.publish_counters();
    }

    /// Sets a savepoint, or moves it here if it exists. No round trip.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn set_savepoint(&mut self, savepoint: SavepointId) -> Result<(), Error> {
        self.tell(&Request::SetSavepoint(savepoint))
    }

    /// Undoes what came after the savepoint. No round trip, unless writes were sent ahead
    /// or without answer since.
    ///
    /// # Errors
    /// Those of the lane, and that by which one of these writes has ended the transaction.
    /// Any other failure of theirs counts as undone.
    pub fn rollback_to(&mut self, savepoint: SavepointId) -> Result<(), Error> {
        if !matches!(self.transaction, Transaction::Open { on_host: true, .. }) {
            return Ok(());
        }
        let undone = self.undo_ahead();
        self.checked(undone)?;
        match self.settle() {
            Err(error) if error.ended_transaction() => return self.checked(Err(error)),
            _ => {}
        }
        self.written.forget_all();
        self.tell(&Request::RollbackTo(savepoint))
    }

    fn cancel_ahead(&mut self) -> Result<(), Error> {
        let cancelled = match &mut self.connection {
            Some(connection) => connection.cancel_ahead(),
            None => Ok(()),
        };
        self.checked(cancelled)
    }

    /// Cancels what was sent ahead and waits for its end: a deadlock that it met is the
    /// end of more than the savepoint undoes.
    fn undo_ahead(&mut self) -> Result<(), Error> {
        let Self {
            connection,
            interrupt,
            ..
        } = self;
        match connection {
            Some(connection) => connection.undo_ahead(interrupt.as_deref()),
            None => Ok(()),
        }
    }

    /// Forgets a savepoint. No round trip.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn release_savepoint(&mut self, savepoint: SavepointId) -> Result<(), Error> {
        self.tell(&Request::ReleaseSavepoint(savepoint))
    }

    /// The next consistent read sees what is committed then: the boundary of
    /// statements under READ COMMITTED. No round trip.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn new_snapshot(&mut self) -> Result<(), Error> {
        match self.transaction {
            Transaction::Open { on_host: true, .. } => {
                // A cursor that goes on (HANDLER has such) sees what the new one shows.
                self.written.forget_all();
                self.tell(&Request::NewSnapshot(()))
            }
            _ => Ok(()),
        }
    }

    /// Gives back the locks of rows, by their keys in this primary index, that
    /// reads of the present statement have locked and that are not wanted: under
    /// READ COMMITTED. No round trip; locks that the transaction needs stay.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn unlock(&mut self, index: IndexId, keys: Vec<&[u8]>) -> Result<(), Error> {
        match self.transaction {
            Transaction::Open { on_host: true, .. } => self.tell(&Request::Unlock(Unlock { index, keys })),
            _ => Ok(()),
        }
    }

    /// Sends what needs no answer, inside the transaction.
    fn tell(&mut self, request: &Request<'_>) -> Result<(), Error> {
        self.open_on_host()?;
        let sent = match &mut self.connection {
            Some(connection) => connection.send(request).map(drop),
            None => Ok(()),
        };
        self.checked(sent)
    }

    /// Connects if need be and tells the host of the transaction if it does not
    /// know of it yet.
    pub(crate) fn open_on_host(&mut self) -> Result<(), Error> {
        self.renewed_connection()?;
        let Transaction::Open {
            begin,
            on_host: false,
            ..
        } = self.transaction
        else {
            return Ok(());
        };
        let sent = match &mut self.connection {
            Some(connection) => connection.send(&Request::Begin(begin)).map(drop),
            None => Ok(()),
        };
        if let Transaction::Open { on_host, .. } = &mut self.transaction {
            *on_host = true;
        }
        self.checked(sent)
    }

    /// Waits for deferred writes.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let Self {
            connection,
            interrupt,
            ..
        } = self;
        match connection {
            Some(connection) => connection.settle(interrupt.as_deref()),
            None => Ok(()),
        }
    }
}
