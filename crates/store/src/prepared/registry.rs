//! The prepared transactions of a store.

use super::record::Record;
use super::{PreparedTransaction, XidName};
use crate::StoreError;
use crate::catalogue::Catalogue;
use crate::commit::Changes;
use crate::engine::Engine;
use crate::locks::LockTable;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Bound;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use vamos_proto::{CommitId, Prepare, Xid};
use vamos_rocks::ReadOptions;

/// How many there may be, and how many bytes their records may have together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// The prepared transactions of a store.
#[derive(Debug)]
pub(crate) struct Prepared {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The server that prepares.
    server: Option<[u8; 16]>,
    entries: BTreeMap<XidName, Entry>,
    bytes: u64,
    /// How many are being prepared, committed or rolled back.
    moving: usize,
    wakers: Vec<Waker>,
}

#[derive(Debug)]
struct Entry {
    format: i64,
    bytes: u64,
    /// Who has prepared it, if its record says so: a name can be used again.
    attempt: Option<CommitId>,
    /// None while it is being prepared, committed or rolled back.
    changes: Option<Changes>,
}

/// What a transaction that is being prepared, committed or rolled back has in the
/// registry. It ends by [`keep`](Place::keep) or [`forget`](Place::forget);
/// dropping it forgets.
#[derive(Debug)]
pub(crate) struct Place {
    prepared: Arc<Prepared>,
    name: XidName,
    ended: bool,
}

impl Prepared {
    /// Reads the records and takes the locks of all.
    pub(crate) fn load(
        engine: &Engine,
        catalogue: &Catalogue,
        locks: &Arc<LockTable>,
        limits: Limits,
    ) -> Result<Arc<Self>, StoreError> {
        let mut state = State::default();
        let mut cursor = engine.prepared.cursor(ReadOptions::new());
        cursor.seek_to_first();
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            let name = XidName::of_key(key).ok_or_else(|| StoreError::Corruption {
                reason: "a prepared transaction's name cannot be read".to_owned(),
            })?;
            let (record, attempt) = Record::decode(value)?;
            let changes = record.restore(engine, catalogue, locks)?;
            let bytes = value.len() as u64;
            tracing::info!(xid = %name, bytes, "found a prepared transaction");
            state.bytes += bytes;
            state.entries.insert(
                name,
                Entry {
                    format: record.format,
                    bytes,
                    attempt,
                    changes: Some(changes),
                },
            );
            cursor.step_forward();
        }
        cursor.status()?;
        Ok(Arc::new(Self {
            limits,
            state: Mutex::new(state),
        }))
    }

    /// How many there are, and how many bytes their records have.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.entries.len() as u64, state.bytes)
    }

    /// Makes a place for a transaction that is about to be prepared.
    pub(crate) fn reserve(self: &Arc<Self>, prepare: &Prepare<'_>, bytes: u64) -> Result<Place, StoreError> {
        let (xid, server) = (&prepare.xid, prepare.server);
        let name = XidName::new(xid)?;
        let mut state = self.state.lock();
        if *state.server.get_or_insert(server) != server {
            return Err(StoreError::OtherServer);
        }
        if state.entries.contains_key(&name) {
            return Err(StoreError::XidTaken { name });
        }
        let (count, total) = (state.entries.len() as u64, state.bytes.saturating_add(bytes));
        if count >= self.limits.count || total > self.limits.bytes {
            return Err(StoreError::TooManyPrepared {
                limit: self.limits.count,
                limit_bytes: self.limits.bytes,
            });
        }
        state.bytes = total;
        state.moving += 1;
        let entry = Entry {
            format: xid.format,
            bytes,
            attempt: Some(prepare.id),
            changes: None,
        };
        state.entries.insert(name.clone(), entry);
        Ok(self.place(name))
    }

    fn place(self: &Arc<Self>, name: XidName) -> Place {
        Place {
            prepared: Arc::clone(self),
            name,
            ended: false,
        }
    }

    /// Takes a prepared transaction out, to commit it or to roll it back, if `is_meant`
    /// says so of the attempt that has prepared it: another one may have used the name
    /// again.
    pub(crate) fn take(
        self: &Arc<Self>,
        xid: &Xid<'_>,
        is_meant: impl FnOnce(Option<CommitId>) -> Result<bool, StoreError>,
    ) -> Result<(Changes, Place), StoreError> {
        let name = XidName::new(xid)?;
        let mut state = self.state.lock();
        let changes = match state.entries.get_mut(&name) {
            Some(entry) if entry.changes.is_some() && is_meant(entry.attempt)? => entry.changes.take(),
            _ => None,
        };
        let Some(changes) = changes else {
            return Err(StoreError::NoSuchPrepared { name });
        };
        state.moving += 1;
        Ok((changes, self.place(name)))
    }

    /// Lists up to `limit` of them behind one, when none is being prepared,
    /// committed or rolled back any more. From now on only `server` prepares.
    pub(crate) async fn list(
        &self,
        server: [u8; 16],
        after: Option<&Xid<'_>>,
        limit: usize,
    ) -> Result<Vec<PreparedTransaction>, StoreError> {
        let after = after.map(XidName::new).transpose()?;
        self.state.lock().server = Some(server);
        poll_fn(|context| self.poll_still(context)).await;
        let state = self.state.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = state.entries.range((start, Bound::Unbounded));
        let found = entries.map(|(name, entry)| PreparedTransaction {
            format: entry.format,
            name: name.clone(),
        });
        Ok(found.take(limit).collect())
    }

    fn poll_still(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.moving == 0 {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Place {
    /// The key of its record.
    pub(crate) fn key(&self) -> Vec<u8> {
        self.name.key()
    }

    /// The transaction is prepared, or still is.
    pub(crate) fn keep(mut self, changes: Changes) {
        self.end(Some(changes));
    }

    /// There is no such transaction any more.
    pub(crate) fn forget(mut self) {
        self.end(None);
    }

    fn end(&mut self, changes: Option<Changes>) {
        self.ended = true;
        let wakers = {
            let mut state = self.prepared.state.lock();
            match changes {
                Some(changes) => {
                    if let Some(entry) = state.entries.get_mut(&self.name) {
                        entry.changes = Some(changes);
                    }
                }
                None => {
                    if let Some(entry) = state.entries.remove(&self.name) {
                        state.bytes -= entry.bytes;
                    }
                }
            }
            state.moving -= 1;
            match state.moving {
                0 => std::mem::take(&mut state.wakers),
                _ => Vec::new(),
            }
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.ended {
            self.end(None);
        }
    }
}
