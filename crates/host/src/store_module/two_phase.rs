//! Prepared transactions, the order of commits, and who waits for whom.

use super::current::failure;
use super::race::{Raced, Until, race};
use super::requests::{cancelled, settled};
use super::session::Session;
use crate::module::SessionEnd;
use vamos_proto::{
    Barrier, BarrierEnd, CommitPrepared, Prepare, PreparedList, Recover, Response, RollbackPrepared,
};
use vamos_store::StoreError;

/// More names of prepared transactions are not told at once.
const MAX_RECOVER: u32 = 1000;

impl Session {
    /// Like a commit, it is waited for to its end, whatever the lane does.
    pub(super) async fn prepare(&mut self, tag: u32, prepare: Prepare<'_>) -> Result<(), SessionEnd> {
        let taken = self.current.take();
        self.end_streams().await?;
        let transaction = match taken {
            Err(failure) => return self.fail(tag, failure).await,
            Ok(Some(transaction)) => transaction,
            // An empty one: what is prepared can be committed by its name.
            Ok(None) => self.store.begin(vamos_store::TransactionOptions::default()),
        };
        let result = transaction.prepare(&prepare).await;
        self.done(tag, result).await
    }

    pub(super) async fn commit_prepared(
        &mut self,
        tag: u32,
        commit: CommitPrepared<'_>,
    ) -> Result<(), SessionEnd> {
        let result = self.store.commit_prepared(&commit).await;
        self.done(tag, result).await
    }

    pub(super) async fn rollback_prepared(
        &mut self,
        tag: u32,
        rollback: RollbackPrepared<'_>,
    ) -> Result<(), SessionEnd> {
        let result = self.store.rollback_prepared(&rollback).await;
        self.done(tag, result).await
    }

    pub(super) async fn recover(&mut self, tag: u32, mut recover: Recover<'_>) -> Result<(), SessionEnd> {
        recover.limit = recover.limit.min(MAX_RECOVER);
        let store = self.store.clone();
        let work = store.prepared(&recover);
        let raced = race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await?;
        match settled(raced) {
            Ok(list) => {
                let xids = list.iter().map(vamos_store::PreparedTransaction::xid).collect();
                self.answer(tag, &Response::Prepared(PreparedList { xids })).await
            }
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    pub(super) async fn barrier(&mut self, tag: u32, barrier: Barrier) -> Result<(), SessionEnd> {
        let store = self.store.clone();
        let work = store.barrier(barrier.after, barrier.then == BarrierEnd::Sync);
        match race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await? {
            Raced::Interrupted => self.fail(tag, cancelled()).await,
            Raced::Done(result) => {
                if barrier.then == BarrierEnd::Snapshot {
                    self.current.take_snapshot();
                }
                self.done(tag, result).await
            }
        }
    }

    pub(super) async fn lock_waits(&mut self, tag: u32, client: u64) -> Result<(), SessionEnd> {
        let waits = self.store.lock_waits(client);
        self.answer(tag, &Response::LockWaits(waits)).await
    }

    async fn done(&mut self, tag: u32, result: Result<(), StoreError>) -> Result<(), SessionEnd> {
        match result {
            Ok(()) => self.answer(tag, &Response::Done(())).await,
            Err(error) => self.fail(tag, failure(&error)).await,
        }
    }
}
