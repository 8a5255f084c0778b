//! Ends of prepared transactions that are decided and that the host, being away,
//! has not heard of.

use crate::connection::{Connection, INTERRUPT_INTERVAL};
use crate::order::Outstanding;
use crate::prepared::XidBuf;
use crate::session::refusal;
use crate::{Client, Error, Session};
use std::sync::Arc;
use vamos_proto::{CommitId, CommitPrepared, Durability, Request, Response, RollbackPrepared};

/// What was decided.
#[derive(Debug)]
pub(crate) enum Decision {
    /// To commit.
    Commit {
        id: CommitId,
        outstanding: Option<Outstanding>,
    },
    /// To roll back what this attempt has prepared, or may have.
    Rollback { attempt: CommitId },
}

/// A prepared transaction whose end the host has not heard of.
#[derive(Debug)]
pub(crate) struct Undecided {
    xid: XidBuf,
    decision: Decision,
}

impl Undecided {
    pub(crate) fn new(xid: XidBuf, decision: Decision) -> Self {
        Self { xid, decision }
    }

    fn commits(&self) -> bool {
        matches!(self.decision, Decision::Commit { .. })
    }

    fn request(&self) -> Request<'_> {
        let xid = self.xid.as_xid();
        match &self.decision {
            Decision::Commit { id, outstanding } => Request::CommitPrepared(CommitPrepared {
                xid,
                durability: Durability::Commit,
                id: *id,
                ticket: outstanding.as_ref().map(Outstanding::ticket),
            }),
            Decision::Rollback { attempt } => Request::RollbackPrepared(RollbackPrepared {
                xid,
                attempt: Some(*attempt),
            }),
        }
    }

    /// Tells the host. A transaction that it does not know has ended.
    fn tell(&self, connection: &mut Connection) -> Result<(), Error> {
        let tag = connection.send(&self.request())?;
        let answer = match connection.answer(tag, None)? {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, "the end of a prepared transaction")),
        };
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }
}

impl Client {
    /// Remembers a decision until the host has heard of it.
    pub(crate) fn decide(&self, undecided: Undecided) {
        self.undecided.lock().push(Arc::new(undecided));
    }

    /// Whether there are decisions of which the host has not heard.
    pub fn has_undecided(&self) -> bool {
        !self.undecided.lock().is_empty()
    }

    /// How many commits, and how many rollbacks, the host has not heard of.
    pub fn undecided(&self) -> (usize, usize) {
        let undecided = self.undecided.lock();
        let all = undecided.len();
        let commits = undecided.iter().filter(|one| one.commits()).count();
        (commits, all - commits)
    }

    /// Tells the host what was decided while it was away, before anything else. One
    /// session tells; others that connect meanwhile wait for it, unless they are
    /// interrupted.
    pub(crate) fn tell_undecided(
        &self,
        connection: &mut Connection,
        interrupt: Option<&(dyn Fn() -> bool + Send)>,
    ) -> Result<(), Error> {
        if !self.has_undecided() {
            return Ok(());
        }
        let _telling = loop {
            match self.telling.try_lock_for(INTERRUPT_INTERVAL) {
                Some(telling) => break telling,
                None if interrupt.is_some_and(|stop| stop()) => return Err(Error::Interrupted),
                None => {}
            }
        };
        let decided = self.undecided.lock().clone();
        for undecided in decided {
            match undecided.tell(connection) {
                Ok(()) => self
                    .undecided
                    .lock()
                    .retain(|other| !Arc::ptr_eq(other, &undecided)),
                // The host's own trouble: tried again with the next lane.
                Err(Error::Failed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells the host what was decided while it was away.
    ///
    /// # Errors
    /// Those of every request.
    pub fn settle(self: &Arc<Self>) -> Result<(), Error> {
        match self.has_undecided() {
            true => Session::new(Arc::clone(self)).ping(),
            false => Ok(()),
        }
    }
}
