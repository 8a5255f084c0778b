//! What each request does.

use super::current::{failure, refusal};
use super::race::{Raced, Until, race};
use super::ranges::Ranges;
use super::session::{KEPT_BUFFER, Session};
use super::streams::Stream;
use crate::module::SessionEnd;
use vamos_proto::{
    Begin, Commit, Credit, ErrorCode, Failure, Get, Monitor, MultiGet, Outcome, Request, Response, Scan,
    ScanRanges, Write, Written,
};
use vamos_store::{Sieve, StoreError};

/// An answer with the rows of many keys has about so many bytes at most.
const MULTI_GET_BYTES: usize = 4 << 20;

/// The most keys of one read.
const MULTI_GET_KEYS: usize = 4096;

/// The answer to what the client itself has cancelled.
pub(super) fn cancelled() -> Failure<'static> {
    refusal(ErrorCode::Cancelled, "the client cancelled the request")
}

impl Session {
    /// Carries a request out and answers it, if it is one that is answered.
    pub(super) async fn execute(
        &mut self,
        tag: u32,
        was_cancelled: bool,
        request: Request<'_>,
    ) -> Result<(), SessionEnd> {
        match request {
            Request::Begin(begin) => self.begin(&begin).await,
            Request::Commit(commit) => self.commit(tag, commit).await,
            Request::Rollback(answer) => self.rollback(tag, answer).await,
            Request::SetSavepoint(id) => {
                self.current.set_savepoint(id);
                Ok(())
            }
            Request::RollbackTo(id) => {
                self.current.rollback_to(id);
                Ok(())
            }
            Request::ReleaseSavepoint(id) => {
                self.current.release_savepoint(id);
                Ok(())
            }
            Request::NewSnapshot(()) => {
                if let Some(transaction) = self.current.opened() {
                    transaction.new_snapshot();
                }
                Ok(())
            }
            Request::SetLockWait(milliseconds) => {
                self.current.set_lock_wait(milliseconds);
                Ok(())
            }
            Request::TakeSnapshot(()) => {
                self.current.take_snapshot();
                Ok(())
            }
            Request::Credit(Credit { cursor, bytes }) => {
                // A cursor that has just ended is no error: the two crossed.
                self.streams.credit(cursor, bytes);
                Ok(())
            }
            Request::CloseCursor(cursor) => {
                self.streams.close(cursor);
                Ok(())
            }
            Request::Unlock(unlock) => {
                self.current.unlock(&unlock);
                Ok(())
            }
            Request::Cancel(cancelled) => self.cancel(cancelled).await,
            Request::ForgetSession(session) => self.forget(session).await,
            Request::Write(write) if !write.answer => self.write_unanswered(&write).await,
            // Also if it was cancelled: it tells what it waited for.
            Request::Ping(()) => self.ping(tag).await,
            // Nor is the end of a transaction, once it is asked for.
            Request::Prepare(prepare) => self.prepare(tag, prepare).await,
            Request::CommitPrepared(commit) => self.commit_prepared(tag, commit).await,
            Request::RollbackPrepared(rollback) => self.rollback_prepared(tag, rollback).await,
            // From here on all are answered.
            Request::Write(write) if !was_cancelled => self.write(tag, &write).await,
            _ if was_cancelled => self.fail(tag, cancelled()).await,
            Request::Get(get) => self.get(tag, &get).await,
            Request::MultiGet(get) => self.multi_get(tag, &get).await,
            Request::ScanRanges(ranges) => self.scan_ranges(tag, &ranges).await,
            Request::Monitor(monitor) => self.monitor(tag, monitor).await,
            Request::AlterTables(alter) => self.alter_tables(tag, alter).await,
            Request::Build(build) => self.build(tag, build).await,
            Request::Scan(scan) => self.scan(tag, &scan, Ok(Sieve::default())).await,
            Request::Summarize(summarize) => {
                let sieve = Sieve::summing(summarize.summary);
                self.scan(tag, &summarize.scan, sieve).await
            }
            Request::ScanWhere(scan) => {
                let sieve = Sieve::new(scan.entry, scan.row);
                self.scan(tag, &scan.scan, sieve).await
            }
            Request::Outcome(outcome) => self.outcome(tag, outcome).await,
            Request::Recover(recover) => self.recover(tag, recover).await,
            Request::Barrier(barrier) => self.barrier(tag, barrier).await,
            Request::LockWaits(client) => self.lock_waits(tag, client).await,
            // Answered above.
            Request::Write(_) => Ok(()),
            Request::CreateTable(_)
            | Request::CreateTemporaryTable(_)
            | Request::OpenTable(_)
            | Request::DropTable(_)
            | Request::RenameTable(_)
            | Request::TruncateTable(_)
            | Request::TableStats(_)
            | Request::RangeSizes(_)
            | Request::SetCounter(_)
            | Request::ListTables(_)
            | Request::SetDefinition(_)
            | Request::Survey(_) => self.table_request(tag, request).await,
            Request::CountedRows(table) => self.counted_rows(tag, table).await,
            Request::SizeTables(_)
            | Request::CountEntries(_)
            | Request::TableFiles(_)
            | Request::VerifyFile(_)
            | Request::Compact(_)
            | Request::StatusText(()) => self.upkeep_request(tag, request).await,
        }
    }

    async fn begin(&mut self, begin: &Begin) -> Result<(), SessionEnd> {
        self.current.begin(begin);
        self.end_streams().await
    }

    async fn rollback(&mut self, tag: u32, answer: bool) -> Result<(), SessionEnd> {
        self.current.end();
        self.end_streams().await?;
        if answer {
            self.answer(tag, &Response::Done(())).await?;
        }
        Ok(())
    }

    /// A commit is waited for to its end, whatever the lane does meanwhile: it
    /// cannot be taken back.
    async fn commit(&mut self, tag: u32, commit: Commit) -> Result<(), SessionEnd> {
        let taken = self.current.take();
        self.end_streams().await?;
        let result = match taken {
            Err(failure) => Err(failure),
            Ok(None) => Ok(()),
            Ok(Some(transaction)) => transaction
                .commit(commit.durability, commit.id)
                .await
                .map_err(|error| failure(&error)),
        };
        match result {
            Ok(()) => self.answer(tag, &Response::Done(())).await,
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    async fn get(&mut self, tag: u32, get: &Get<'_>) -> Result<(), SessionEnd> {
        let transaction = match self.current.open() {
            Ok(transaction) => transaction,
            Err(failure) => return self.fail(tag, failure).await,
        };
        self.rows.clear();
        let work = transaction.get(get.index, get.key, get.lock, get.fetch, &mut self.rows);
        let raced = race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await?;
        self.answer_rows(tag, settled(raced).map(|_| true)).await
    }

    async fn multi_get(&mut self, tag: u32, get: &MultiGet<'_>) -> Result<(), SessionEnd> {
        let transaction = match self.current.open() {
            Ok(transaction) => transaction,
            Err(failure) => return self.fail(tag, failure).await,
        };
        if get.keys.len() > MULTI_GET_KEYS {
            let what = format!(
                "a read of {} keys; at most {MULTI_GET_KEYS} are allowed",
                get.keys.len()
            );
            return self.fail(tag, refusal(ErrorCode::Invalid, &what)).await;
        }
        self.rows.clear();
        let work = transaction.multi_get(get.index, &get.keys, get.lock, &mut self.rows, MULTI_GET_BYTES);
        let raced = race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await?;
        let all = settled(raced).map(|read| read == get.keys.len());
        self.answer_rows(tag, all).await
    }

    /// Answers with the rows that were found; `Ok(true)`: they are all.
    async fn answer_rows(
        &mut self,
        tag: u32,
        result: Result<bool, Failure<'static>>,
    ) -> Result<(), SessionEnd> {
        let all = match result {
            Ok(all) => all,
            Err(failure) => {
                self.rows.recycle(KEPT_BUFFER);
                return self.fail(tag, failure).await;
            }
        };
        let mut rows = std::mem::take(&mut self.rows);
        let answer = match all {
            true => Response::LastRows(rows.block()),
            false => Response::Rows(rows.block()),
        };
        self.answer(tag, &answer).await?;
        rows.recycle(KEPT_BUFFER);
        self.rows = rows;
        Ok(())
    }

    async fn write(&mut self, tag: u32, write: &Write<'_>) -> Result<(), SessionEnd> {
        let transaction = match self.current.open() {
            Ok(transaction) => transaction,
            Err(failure) => return self.fail(tag, failure).await,
        };
        let work = transaction.apply(write);
        let raced = race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await?;
        match settled(raced) {
            Ok(written) => self.answer(tag, &Response::Written(written)).await,
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    /// Its failure is told by a later answer.
    async fn write_unanswered(&mut self, write: &Write<'_>) -> Result<(), SessionEnd> {
        let transaction = match self.current.open() {
            Ok(transaction) => transaction,
            Err(earlier) => {
                self.current.defer(earlier);
                return Ok(());
            }
        };
        let work = transaction.apply(write);
        let raced = race(&mut self.lane, &mut self.inbox, Until::AnyCancelled, work).await?;
        match settled(raced) {
            Ok(Written::Done) => {}
            Ok(Written::Duplicate { op }) => {
                let message = format!("insert {op} of a write without answer found its key taken");
                self.current.defer(refusal(ErrorCode::Invalid, message));
            }
            Err(failure) => self.current.defer(failure),
        }
        Ok(())
    }

    async fn ping(&mut self, tag: u32) -> Result<(), SessionEnd> {
        match self.current.take_deferred() {
            Some(failure) => self.fail(tag, failure).await,
            None => self.answer(tag, &Response::Done(())).await,
        }
    }

    async fn scan(
        &mut self,
        tag: u32,
        scan: &Scan<'_>,
        sieve: Result<Sieve, StoreError>,
    ) -> Result<(), SessionEnd> {
        match self.open_cursor(tag, scan, sieve) {
            Ok(stream) => {
                self.streams.add(stream);
                Ok(())
            }
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    async fn scan_ranges(&mut self, tag: u32, ranges: &ScanRanges<'_>) -> Result<(), SessionEnd> {
        match self.open_ranges(tag, ranges) {
            Ok(stream) => {
                self.streams.add(stream);
                Ok(())
            }
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    fn open_ranges(&mut self, tag: u32, ranges: &ScanRanges<'_>) -> Result<Stream, Failure<'static>> {
        let mut stream = self.open_cursor(tag, &ranges.scan, Ok(Sieve::default()))?;
        let queue = Ranges::new(ranges).map_err(|reason| refusal(ErrorCode::Invalid, reason))?;
        if self.streams.range_bytes() + queue.bytes() > self.limits.range_bytes {
            let message = format!(
                "the ranges of this lane's scans have more than {} bytes, the host's limit",
                self.limits.range_bytes
            );
            return Err(refusal(ErrorCode::Invalid, message));
        }
        stream.set_ranges(queue);
        Ok(stream)
    }

    fn open_cursor(
        &mut self,
        tag: u32,
        scan: &Scan<'_>,
        sieve: Result<Sieve, StoreError>,
    ) -> Result<Stream, Failure<'static>> {
        let transaction = self.current.open()?;
        if self.streams.contains(scan.cursor) {
            let message = format!("cursor {} is open already; choose another number", scan.cursor.0);
            return Err(refusal(ErrorCode::Invalid, message));
        }
        if self.streams.len() >= self.limits.cursors {
            let message = format!(
                "{} cursors are open, the host's limit for a lane",
                self.streams.len()
            );
            return Err(refusal(ErrorCode::Invalid, message));
        }
        let cursor = sieve
            .and_then(|sieve| transaction.scan_where(scan, sieve))
            .map_err(|error| failure(&error))?;
        Ok(Stream::new(tag, scan, cursor, self.limits))
    }

    /// What waits for a lock was cancelled when the message came in; what is
    /// left are scans between their batches.
    async fn cancel(&mut self, tag: u32) -> Result<(), SessionEnd> {
        if self.streams.cancel(tag) {
            self.fail(tag, cancelled()).await?;
        }
        Ok(())
    }

    async fn outcome(&mut self, tag: u32, outcome: Outcome) -> Result<(), SessionEnd> {
        let store = self.store.clone();
        let work = store.outcome(outcome.commit);
        let raced = race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await?;
        match settled(raced) {
            Ok(outcome) => self.answer(tag, &Response::Outcome(outcome)).await,
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    async fn monitor(&mut self, tag: u32, monitor: Monitor) -> Result<(), SessionEnd> {
        let answer = match monitor {
            Monitor::Transactions { transactions, locks } => {
                Response::Transactions(self.store.list_transactions(transactions, locks))
            }
            Monitor::LastDeadlock => Response::Deadlock(self.store.last_deadlock()),
        };
        self.answer(tag, &answer).await
    }

    async fn forget(&mut self, session: [u8; 16]) -> Result<(), SessionEnd> {
        if let Err(error) = self.store.forget_session(session) {
            // It has no answer, and nothing depends on it but some space.
            tracing::warn!(%error, "cannot forget a session's outcomes");
        }
        Ok(())
    }
}

/// What the store said, or that the client cancelled.
pub(super) fn settled<T>(raced: Raced<Result<T, StoreError>>) -> Result<T, Failure<'static>> {
    match raced {
        Raced::Done(result) => result.map_err(|error| failure(&error)),
        Raced::Interrupted => Err(cancelled()),
    }
}
