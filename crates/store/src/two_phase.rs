//! Prepared transactions and the order of commits, as a caller sees them.

use crate::commit::{InOrder, Work};
use crate::prepared::PreparedTransaction;
use crate::{Store, StoreError};
use vamos_proto::{CommitOutcome, CommitPrepared, Durability, LockWaits, Recover, RollbackPrepared, Ticket};

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
                return self.committed_before(commit, error).await;
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
        let (changes, place) = self.prepared.take(&commit.xid)?;
        match self.outcomes.begin(commit.id) {
            Ok(in_flight) => Ok(Work::commit_prepared(
                &self.engine,
                changes,
                place,
                commit.id,
                in_flight,
            )),
            Err(error) => {
                place.keep(changes);
                Err(error)
            }
        }
    }

    /// Whether the commit was asked for before, and done.
    async fn committed_before(
        &self,
        commit: &CommitPrepared<'_>,
        error: StoreError,
    ) -> Result<(), StoreError> {
        match error {
            StoreError::NoSuchPrepared { .. } => match self.outcomes.outcome(commit.id).await? {
                CommitOutcome::Committed => Ok(()),
                CommitOutcome::NotCommitted => Err(error),
            },
            other => Err(other),
        }
    }

    /// Rolls a prepared transaction back; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPrepared`], or [`StoreError::Storage`], after which the
    /// transaction is still prepared.
    pub async fn rollback_prepared(&self, rollback: &RollbackPrepared<'_>) -> Result<(), StoreError> {
        if let Some(attempt) = rollback.attempt {
            // Waits for it, or has it refused if it comes later.
            self.outcomes.outcome(attempt).await?;
        }
        let (changes, place) = self.prepared.take(&rollback.xid)?;
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
