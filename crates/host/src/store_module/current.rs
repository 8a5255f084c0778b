//! A session's transaction, and the failure that waits to be reported.
//!
//! Some requests have no answer (savepoints, snapshots, some writes). If one of them fails,
//! nothing that the client sends after it can be meant as if it had succeeded:
//! its failure is the answer to the next request that reads, writes or commits,
//! which is not carried out. (A commit that fails so rolls back.)

use std::sync::Arc;
use std::time::Duration;
use vamos_proto::{Begin, ErrorCode, Failure, SavepointId, Unlock};
use vamos_store::{Store, StoreError, Transaction, TransactionOptions};

/// A failure as the client is told it.
pub(super) fn failure(error: &StoreError) -> Failure<'static> {
    Failure {
        code: error.code(),
        message: error.to_string().into(),
    }
}

/// A failure with a sentence of the session's own.
pub(super) fn refusal(code: ErrorCode, message: impl Into<String>) -> Failure<'static> {
    Failure {
        code,
        message: message.into().into(),
    }
}

/// A session's transaction.
#[derive(Debug)]
pub(super) struct Current {
    store: Arc<Store>,
    transaction: Option<Transaction>,
    deferred: Option<Failure<'static>>,
}

impl Current {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            transaction: None,
            deferred: None,
        }
    }

    /// Begins a transaction; an open one is rolled back.
    pub(super) fn begin(&mut self, begin: &Begin) {
        self.end();
        self.transaction = Some(self.store.begin(TransactionOptions {
            isolation: begin.isolation,
            lock_wait: Duration::from_millis(begin.lock_wait_ms.into()),
            client: begin.client,
        }));
    }

    /// The transaction; a default one begins if none is open.
    ///
    /// # Errors
    /// The failure that waits to be reported.
    pub(super) fn open(&mut self) -> Result<&mut Transaction, Failure<'static>> {
        match self.deferred.take() {
            Some(failure) => Err(failure),
            None => Ok(self.transaction()),
        }
    }

    /// The transaction if one is open.
    pub(super) fn opened(&mut self) -> Option<&mut Transaction> {
        self.transaction.as_mut()
    }

    fn transaction(&mut self) -> &mut Transaction {
        self.transaction
            .get_or_insert_with(|| self.store.begin(TransactionOptions::default()))
    }

    /// Rolls back what is open.
    pub(super) fn end(&mut self) {
        self.deferred = None;
        if let Some(transaction) = self.transaction.take() {
            transaction.rollback();
        }
    }

    /// The transaction to be committed, which is over for this session.
    ///
    /// # Errors
    /// The failure that waits to be reported; the transaction is rolled back.
    pub(super) fn take(&mut self) -> Result<Option<Transaction>, Failure<'static>> {
        if let Some(failure) = self.deferred.take() {
            self.end();
            return Err(failure);
        }
        Ok(self.transaction.take())
    }

    /// Bounds the lock waits to come.
    pub(super) fn set_lock_wait(&mut self, milliseconds: u32) {
        self.transaction()
            .set_lock_wait(Duration::from_millis(milliseconds.into()));
    }

    /// Releases locks that are not wanted after all.
    pub(super) fn unlock(&mut self, unlock: &Unlock<'_>) {
        if let Some(transaction) = &mut self.transaction {
            let unlocked = transaction.unlock(unlock.index, &unlock.keys);
            self.defer_error(unlocked);
        }
    }

    /// Takes the snapshot now.
    pub(super) fn take_snapshot(&mut self) {
        self.transaction().take_snapshot();
    }

    /// Sets a savepoint.
    pub(super) fn set_savepoint(&mut self, id: SavepointId) {
        let set = self.transaction().set_savepoint(id);
        self.defer_error(set);
    }

    /// Rolls back to a savepoint.
    pub(super) fn rollback_to(&mut self, id: SavepointId) {
        let rolled_back = self.transaction().rollback_to(id);
        self.defer_error(rolled_back);
    }

    /// Forgets a savepoint.
    pub(super) fn release_savepoint(&mut self, id: SavepointId) {
        let released = self.transaction().release_savepoint(id);
        self.defer_error(released);
    }

    fn defer_error(&mut self, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.defer(failure(&error));
        }
    }

    /// Keeps a failure for the next answer; the first one counts.
    pub(super) fn defer(&mut self, failure: Failure<'static>) {
        tracing::debug!(%failure, "a request without answer failed");
        self.deferred.get_or_insert(failure);
    }

    /// The failure that waits to be reported.
    pub(super) fn take_deferred(&mut self) -> Option<Failure<'static>> {
        self.deferred.take()
    }
}
