//! Commit, and finding out how one ended whose answer was lost.

use crate::Error;
use crate::session::{Session, refusal};
use crate::transaction::Transaction;
use std::time::{Duration, Instant};
use vamos_proto::{Commit, CommitId, CommitOutcome, Durability, Outcome, Request, Response};

/// The pauses between attempts to reach the host again.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(5);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl Session {
    /// Commits. Where nothing was written, that costs no round trip.
    ///
    /// If the lane breaks before the answer, the host is asked how the commit
    /// ended as soon as it is back: a commit is never done twice and never
    /// reported wrongly. If a write without answer has failed, nothing is committed
    /// and its failure is reported.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] if the transaction was rolled back,
    /// [`Error::OutcomeUnknown`] if the host did not come back in time (which a
    /// [patient](Self::set_patience) session waits for),
    /// [`Error::Failed`] if the host could not write it. The transaction is over
    /// in each case.
    ///
    /// A prepared transaction is never lost: [`Error::OutcomeUnknown`] means that
    /// it will be committed when the host is back.
    ///
    /// After a commit of changes with [`Durability::Never`] the session hears of the end
    /// of its lane, with the next request, as that of a transaction: the changes may have
    /// been lost with the host's process. Otherwise it reconnects in silence when
    /// nothing was under way.
    pub fn commit(&mut self, durability: Durability) -> Result<(), Error> {
        let may_be_lost = durability == Durability::Never && self.has_changes();
        let result = match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::Open {
                on_host: true,
                wrote: true,
                ..
            } => self.commit_on_host(durability),
            Transaction::Open {
                on_host: true,
                locked,
                ..
            } => {
                self.end_without_answer(locked);
                Ok(())
            }
            Transaction::Prepared { xid, posted, .. } => self.commit_prepared(xid, posted, durability),
            // What only read has nothing to lose; others may have committed with it already.
            Transaction::Lost { reason, wrote: true } => Err(Error::ConnectionLost { reason }),
            _ => Ok(()),
        };
        if may_be_lost {
            self.rely_on_lane();
        }
        self.end_of_transaction();
        result
    }

    fn has_changes(&self) -> bool {
        matches!(
            self.transaction,
            Transaction::Open { wrote: true, .. } | Transaction::Prepared { .. }
        )
    }

    fn commit_on_host(&mut self, durability: Durability) -> Result<(), Error> {
        let id = self.next_commit();
        // A commit that is under way is not interrupted: its end must be known.
        let interrupt = self.interrupt.take();
        let result = self.exchange(
            &Request::Commit(Commit { durability, id }),
            |response| match response {
                Response::Done(()) => Ok(()),
                other => Err(refusal(other, "a commit")),
            },
        );
        let result = match result {
            Err(error @ (Error::ConnectionLost { .. } | Error::Protocol { .. })) => {
                self.drop_lane(&error.to_string());
                self.resolve(id, error)
            }
            other => other,
        };
        self.interrupt = interrupt;
        result
    }

    /// Asks for the outcome of a commit until the host can be reached.
    fn resolve(&mut self, id: CommitId, lost: Error) -> Result<(), Error> {
        let patience = self.client.config().reconnect_for;
        let deadline = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ask_outcome(id) {
                Ok(CommitOutcome::Committed) => return Ok(()),
                Ok(CommitOutcome::NotCommitted) => {
                    return Err(Error::ConnectionLost {
                        reason: lost.to_string(),
                    });
                }
                Err(_) if !self.gives_up(deadline) => std::thread::sleep(pause),
                Err(_) => {
                    return Err(Error::OutcomeUnknown {
                        seconds: patience.as_secs(),
                    });
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn ask_outcome(&mut self, commit: CommitId) -> Result<CommitOutcome, Error> {
        self.request(&Request::Outcome(Outcome { commit }), |response| match response {
            Response::Outcome(outcome) => Ok(outcome),
            other => Err(refusal(other, "a question for an outcome")),
        })
    }
}
