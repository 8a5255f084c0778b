//! Two-phase commit: preparing, and ending what is prepared.
//!
//! A prepared transaction is the host's: it survives the loss of the lane and of
//! the host's process. So its end, once decided, is asked for again until it has
//! happened; if that takes too long for whoever waits, the process remembers the
//! decision ([`Undecided`]) and carries it out when the host is back.

use crate::commit::{FIRST_PAUSE, LONGEST_PAUSE};
use crate::order::Outstanding;
use crate::session::{Session, random_id, refusal};
use crate::transaction::Transaction;
use crate::undecided::{Decision, Undecided};
use crate::{Error, Xid};
use std::sync::Arc;
use std::time::Instant;
use vamos_proto::{
    CommitId, CommitPrepared, Durability, ErrorCode, Prepare, Recover, Request, Response, RollbackPrepared,
};

/// The name of a prepared transaction that owns its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XidBuf {
    format: i64,
    global: Vec<u8>,
    branch: Vec<u8>,
}

impl From<Xid<'_>> for XidBuf {
    fn from(xid: Xid<'_>) -> Self {
        Self {
            format: xid.format,
            global: xid.global.to_vec(),
            branch: xid.branch.to_vec(),
        }
    }
}

impl XidBuf {
    /// The name.
    pub fn as_xid(&self) -> Xid<'_> {
        Xid {
            format: self.format,
            global: &self.global,
            branch: &self.branch,
        }
    }
}

/// A commit of the prepared transaction that was sent, and not yet answered.
#[derive(Debug)]
pub(crate) struct Posted {
    id: CommitId,
    /// None: the lane broke meanwhile.
    tag: Option<u32>,
    outstanding: Outstanding,
}

impl Session {
    /// Prepares the transaction under this name, unless it has written nothing:
    /// then it stays as it is. Says whether it is prepared.
    ///
    /// # Errors
    /// Those of a commit. The transaction is rolled back in each case.
    pub fn prepare(&mut self, xid: &Xid<'_>, durability: Durability) -> Result<bool, Error> {
        match &self.transaction {
            Transaction::Lost { reason, .. } => {
                return Err(Error::ConnectionLost {
                    reason: reason.clone(),
                });
            }
            Transaction::Open {
                on_host: true,
                wrote: true,
                ..
            } => {}
            _ => return Ok(false),
        }
        let id = self.next_commit();
        let prepare = Prepare {
            xid: *xid,
            durability,
            id,
            server: self.client.server(),
        };
        let interrupt = self.interrupt.take();
        let result = self.ask_done(&Request::Prepare(prepare), "a preparation");
        self.interrupt = interrupt;
        self.transaction = match &result {
            Ok(()) => Transaction::Prepared {
                xid: (*xid).into(),
                attempt: id,
                posted: None,
            },
            Err(_) => Transaction::None,
        };
        if let Err(error @ (Error::ConnectionLost { .. } | Error::Protocol { .. })) = &result {
            // It may be prepared, or be so before long: that must not last.
            let decision = Decision::Rollback { attempt: id };
            self.client.decide(Undecided::new((*xid).into(), decision));
            self.drop_lane(&error.to_string());
        }
        self.end_of_transaction();
        result.map(|()| true)
    }

    /// Leaves a prepared transaction to whoever ends it by its name: the session's next
    /// one is another. Says whether there was one; one whose commit was sent stays.
    pub fn leave_prepared(&mut self) -> bool {
        let prepared = matches!(self.transaction, Transaction::Prepared { posted: None, .. });
        if prepared {
            self.transaction = Transaction::None;
        }
        prepared
    }

    /// Sends the commit of the prepared transaction and does not wait: the next
    /// [`commit`](Self::commit) does. Calls of all sessions of a process must come
    /// one after the other; the host commits in their order. Nothing happens if
    /// the transaction is not prepared.
    pub fn post_commit(&mut self, durability: Durability) {
        if !matches!(self.transaction, Transaction::Prepared { posted: None, .. }) {
            return;
        }
        let outstanding = Arc::clone(&self.client).order_commit();
        let id = self.next_commit();
        let Transaction::Prepared { xid, posted, .. } = &mut self.transaction else {
            return;
        };
        let commit = CommitPrepared {
            xid: xid.as_xid(),
            durability,
            id,
            ticket: Some(outstanding.ticket()),
        };
        let sent = self.connection.as_mut().map(|connection| {
            let tag = connection.send(&Request::CommitPrepared(commit))?;
            outstanding.set_lane(Some(connection.probe()));
            connection.flush().map(|()| tag)
        });
        // If it cannot be sent, whoever waits for it sends it anew.
        let tag = sent.and_then(Result::ok);
        *posted = Some(Posted { id, tag, outstanding });
    }

    /// Commits the prepared transaction, or waits for its commit.
    pub(crate) fn commit_prepared(
        &mut self,
        xid: XidBuf,
        posted: Option<Posted>,
        durability: Durability,
    ) -> Result<(), Error> {
        let interrupt = self.interrupt.take();
        let result = self.commit_until_done(xid, posted, durability);
        self.interrupt = interrupt;
        result
    }

    fn commit_until_done(
        &mut self,
        xid: XidBuf,
        posted: Option<Posted>,
        durability: Durability,
    ) -> Result<(), Error> {
        let (id, tag, outstanding) = match posted {
            Some(posted) => (posted.id, posted.tag, Some(posted.outstanding)),
            None => (self.next_commit(), None, None),
        };
        let patience = self.client.config().reconnect_for;
        let deadline = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        let mut answer = tag.map(|tag| self.await_done(tag, "a commit"));
        loop {
            let result = answer.take().unwrap_or_else(|| {
                self.connection()?;
                let commit = CommitPrepared {
                    xid: xid.as_xid(),
                    durability,
                    id,
                    ticket: outstanding.as_ref().map(Outstanding::ticket),
                };
                self.ask_done(&Request::CommitPrepared(commit), "a commit")
            });
            match result {
                Ok(()) => return Ok(()),
                Err(error) if error.is_not_found() => return Err(error),
                Err(error) => self.attempt_failed(&error, outstanding.as_ref()),
            }
            if self.gives_up(deadline) {
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // It is decided, and will be done. The session's next commits must not
        // be taken for this one.
        self.id = random_id();
        self.commits = 0;
        let decision = Decision::Commit { id, outstanding };
        self.client.decide(Undecided::new(xid, decision));
        Err(Error::OutcomeUnknown {
            seconds: patience.as_secs(),
        })
    }

    /// The commit has to be sent again.
    fn attempt_failed(&mut self, error: &Error, outstanding: Option<&Outstanding>) {
        if let Some(outstanding) = outstanding {
            outstanding.set_lane(None);
        }
        if lane_is_gone(error) {
            self.drop_lane(&error.to_string());
        }
    }

    /// Rolls the prepared transaction back; if the host is away, when it is back.
    pub(crate) fn rollback_prepared(&mut self, xid: XidBuf, attempt: CommitId) {
        let interrupt = self.interrupt.take();
        let rollback = RollbackPrepared {
            xid: xid.as_xid(),
            attempt: Some(attempt),
        };
        let result = match self.connection() {
            Ok(_) => self.ask_done(&Request::RollbackPrepared(rollback), "a rollback"),
            Err(error) => Err(error),
        };
        self.interrupt = interrupt;
        match result {
            Ok(()) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => {
                if lane_is_gone(&error) {
                    self.drop_lane(&error.to_string());
                }
                let decision = Decision::Rollback { attempt };
                self.client.decide(Undecided::new(xid, decision));
            }
        }
    }

    /// Lists prepared transactions behind one, or from the first on. No other
    /// process prepares from now on.
    ///
    /// # Errors
    /// Those of every request.
    pub fn recover(&mut self, after: Option<&XidBuf>, limit: u32) -> Result<Vec<XidBuf>, Error> {
        let recover = Recover {
            server: self.client.server(),
            after: after.map(XidBuf::as_xid),
            limit,
        };
        self.request(&Request::Recover(recover), |response| match response {
            Response::Prepared(list) => Ok(list.xids.into_iter().map(XidBuf::from).collect()),
            other => Err(refusal(other, "a list of prepared transactions")),
        })
    }

    /// Commits a prepared transaction, of whichever session; says whether there
    /// was one of that name.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); [`Error::OutcomeUnknown`] means that it will be
    /// committed when the host is back.
    pub fn commit_by_xid(&mut self, xid: &Xid<'_>) -> Result<bool, Error> {
        found(self.commit_prepared((*xid).into(), None, Durability::Commit))
    }

    /// Rolls a prepared transaction back, of whichever session; says whether there
    /// was one of that name.
    ///
    /// # Errors
    /// Those of every request.
    pub fn rollback_by_xid(&mut self, xid: &Xid<'_>) -> Result<bool, Error> {
        let rollback = RollbackPrepared {
            xid: *xid,
            attempt: None,
        };
        found(
            self.request(&Request::RollbackPrepared(rollback), |response| match response {
                Response::Done(()) => Ok(()),
                other => Err(refusal(other, "a rollback")),
            }),
        )
    }

    /// The name of the next attempt to commit or to prepare.
    pub(crate) fn next_commit(&mut self) -> CommitId {
        self.commits += 1;
        CommitId {
            session: self.id,
            number: self.commits,
        }
    }

    fn ask_done(&mut self, request: &Request<'_>, what: &str) -> Result<(), Error> {
        self.exchange(request, |response| match response {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, what)),
        })
    }

    fn await_done(&mut self, tag: u32, what: &str) -> Result<(), Error> {
        let connection = self.connection.as_mut().ok_or_else(|| Error::ConnectionLost {
            reason: "no lane".into(),
        })?;
        match connection.answer(tag, None)? {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, what)),
        }
    }
}

fn lane_is_gone(error: &Error) -> bool {
    matches!(error, Error::ConnectionLost { .. } | Error::Protocol { .. })
}

fn found(result: Result<(), Error>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

impl Error {
    /// The host does not know what was asked for.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Failed {
                code: ErrorCode::NotFound,
                ..
            }
        )
    }
}
