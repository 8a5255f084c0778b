//! Prepared transactions and the order of commits, as a caller sees them.

use crate::commit::{Attempts, Changes, InFlight, InOrder, Work};
use crate::prepared::{Place, PreparedTransaction};
use crate::{Store, StoreError};
use vamos_proto::{CommitId, CommitPrepared, Durability, LockWaits, Recover, RollbackPrepared, Ticket};

impl Store {
    /// Commits a prepared transaction, in its place in the order of commits.
    /// Dropping the future does not undo what has begun. A commit that is asked
    /// for again under the same name succeeds if it had succeeded before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPrepared`], [`StoreError::CommitGivenUp`],
    /// [`StoreError::Storage`]; after the latter two the transaction is still
    /// prepared.
    pub async fn commit_prepared(&self, commit: &CommitPrepared<'_>) -> Result<(), StoreError> {
        let order = commit.ticket.map_or(InOrder::Any, InOrder::Is);
        let sync = commit.durability == Durability::Commit;
        let work = match self.take_for_commit(commit) {
            Ok(work) => work,
            Err(error) => {
                // Those behind it need not wait for its place.
                self.committer.submit(Work::nothing(), false, order).await?;
                return self.commit_again(commit, error).await;
            }
        };
        match (sync, order) {
            (false, InOrder::Any) => self
                .committer
                .write_now(work, commit.durability == Durability::Second),
            _ => self.committer.submit(work, sync, order).await,
        }
    }

    fn take_for_commit(&self, commit: &CommitPrepared<'_>) -> Result<Work, StoreError> {
        // It begins before it takes: who finds nothing to take, and none of its attempts
        // under way, knows that there is nothing.
        let begun = self.outcomes.begin(commit.id);
        let (changes, place) = self.take_meant(commit)?;
        match begun {
            Ok(in_flight) => Ok(self.commit_work(commit, (changes, place), in_flight)),
            Err(error) => {
                place.keep(changes);
                Err(error)
            }
        }
    }

    fn take_meant(&self, commit: &CommitPrepared<'_>) -> Result<(Changes, Place), StoreError> {
        self.prepared
            .take(&commit.xid, |attempt| self.is_meant(commit.id, attempt))
    }

    /// Whether a commit means what this attempt has prepared, and not what had the same
    /// name before: then it is asked for again, and has happened.
    fn is_meant(&self, commit: CommitId, attempt: Option<CommitId>) -> Result<bool, StoreError> {
        match attempt {
            Some(attempt) if attempt.session == commit.session => Ok(attempt.number < commit.number),
            _ => Ok(!self.outcomes.is_committed(commit)?),
        }
    }

    fn commit_work(
        &self,
        commit: &CommitPrepared<'_>,
        (changes, place): (Changes, Place),
        in_flight: InFlight,
    ) -> Work {
        Work::commit_prepared(&self.engine, changes, place, commit.id, in_flight)
    }

    /// What is to be committed was not there: an attempt before this one has committed it,
    /// or has it still. If that one fails, it is this one's turn.
    async fn commit_again(&self, commit: &CommitPrepared<'_>, error: StoreError) -> Result<(), StoreError> {
        if !matches!(error, StoreError::NoSuchPrepared { .. }) {
            return Err(error);
        }
        let take = || self.take_meant(commit).ok();
        match self.outcomes.outcome_or_again(commit.id, take).await? {
            Attempts::Committed => Ok(()),
            Attempts::NotCommitted => Err(error),
            Attempts::Again(taken, in_flight) => {
                let work = self.commit_work(commit, taken, in_flight);
                let sync = commit.durability == Durability::Commit;
                self.committer.submit(work, sync, InOrder::Any).await
            }
        }
    }

    /// Rolls a prepared transaction back; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPrepared`], or [`StoreError::Storage`], after which the
    /// transaction is still prepared.
    pub async fn rollback_prepared(&self, rollback: &RollbackPrepared<'_>) -> Result<(), StoreError> {
        let take = || {
            self.prepared.take(&rollback.xid, |attempt| {
                Ok(rollback.attempt.is_none() || attempt.is_none() || attempt == rollback.attempt)
            })
        };
        let (changes, place) = match (take(), rollback.attempt) {
            (Err(StoreError::NoSuchPrepared { .. }), Some(attempt)) => {
                // Waits for it, or has it refused if it comes later.
                self.outcomes.outcome(attempt).await?;
                take()?
            }
            (taken, _) => taken?,
        };
        let work = Work::rollback_prepared(&self.engine, changes, place);
        self.committer.submit(work, true, InOrder::Any).await
    }

    /// Lists prepared transactions, when none of them is under way. From now on no
    /// server but this one prepares.
    ///
    /// # Errors
    /// [`StoreError::Invalid`].
    pub async fn prepared(&self, recover: &Recover<'_>) -> Result<Vec<PreparedTransaction>, StoreError> {
        let limit = usize::try_from(recover.limit).unwrap_or(usize::MAX);
        self.prepared
            .list(recover.server, recover.after.as_ref(), limit)
            .await
    }

    /// Waits until a server's commits are done up to this number; then, if `sync`
    /// says so, until the log is synced.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub async fn barrier(&self, after: Ticket, sync: bool) -> Result<(), StoreError> {
        let order = match after.number {
            0 => InOrder::Any,
            _ => InOrder::Behind(after),
        };
        self.committer.submit(Work::nothing(), sync, order).await
    }

    /// For whose locks a client's transaction waits; see
    /// [`TransactionOptions::client`](crate::TransactionOptions).
    pub fn lock_waits(&self, client: u64) -> LockWaits {
        LockWaits {
            clients: self.locks.waited_for(client),
        }
    }
}
