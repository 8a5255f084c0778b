//! A prepared transaction's record on disk.

use crate::catalogue::{Catalogue, Table};
use crate::commit::{Changes, Raises};
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::{Adding, Introduction, LockTable, Mode, Owner, Patience};
use crate::overlay::{Change, Overlay};
use crate::{StoreError, keys};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use vamos_proto::{CommitId, IndexId, LockWait, TableId};

/// All that is needed to finish a prepared transaction after a restart.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record<'a> {
    /// The client's format of the name.
    pub(super) format: i64,
    /// The full keys that it changes, with their new values.
    #[serde(borrow)]
    entries: Vec<(&'a [u8], Option<&'a [u8]>)>,
    /// The tables that it changes, and by how many rows.
    tables: Vec<(TableId, i64)>,
    raises: Vec<(IndexId, u8, u64)>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(
        format: i64,
        overlay: &'a Overlay,
        tables: &BTreeMap<TableId, Arc<Table>>,
        raises: &Raises,
    ) -> Self {
        let rows: BTreeMap<_, _> = overlay.rows().collect();
        // After a restart there are no temporary tables.
        let temporary: BTreeSet<IndexId> = tables
            .values()
            .filter(|table| table.temporary)
            .flat_map(|table| table.indexes.iter().copied())
            .collect();
        Self {
            format,
            entries: overlay
                .entries()
                .filter(|(key, _)| temporary.is_empty() || !temporary.contains(&keys::index_of(key)))
                .map(|(key, change)| (&**key, change.as_deref()))
                .collect(),
            tables: tables
                .iter()
                .filter(|(_, table)| !table.temporary)
                .map(|(id, _)| (*id, rows.get(id).copied().unwrap_or(0)))
                .collect(),
            raises: raises
                .iter()
                .filter(|((index, _), _)| !temporary.contains(index))
                .map(|(&(index, position), &next)| (index, position as u8, next))
                .collect(),
        }
    }

    /// Its bytes, with the name of the attempt that prepares it behind it.
    pub(crate) fn encode(&self, attempt: CommitId) -> Result<Vec<u8>, StoreError> {
        postcard::to_allocvec(&(self, attempt)).map_err(|error| StoreError::Invalid {
            reason: format!("a prepared transaction's record cannot be encoded: {error}"),
        })
    }

    /// The record, and the attempt that has prepared it; records from before that was
    /// kept have none.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<(Self, Option<CommitId>), StoreError> {
        let corrupt = |error| StoreError::Corruption {
            reason: format!("a prepared transaction's record cannot be read: {error}"),
        };
        let (record, rest) = postcard::take_from_bytes(bytes).map_err(corrupt)?;
        let attempt = match rest {
            [] => None,
            rest => Some(postcard::from_bytes(rest).map_err(corrupt)?),
        };
        Ok((record, attempt))
    }

    /// The changes as they were when the transaction was prepared, with exclusive
    /// locks on all keys that they touch. Nobody else has locks yet.
    pub(super) fn restore(
        &self,
        engine: &Engine,
        catalogue: &Catalogue,
        locks: &Arc<LockTable>,
    ) -> Result<Changes, StoreError> {
        let mut overlay = Overlay::default();
        let mut owner = locks.owner(Introduction::default());
        for &(key, value) in &self.entries {
            let key = FullKey::from(key);
            let adds = value.is_some() && engine.data.get(&key, &engine.newest)?.is_none();
            lock(&mut owner, &key, adds)?;
            overlay.set(&key, Change::from(value.map(Box::from)));
            overlay.settle();
        }
        let mut tables = BTreeMap::new();
        for &(id, rows) in &self.tables {
            tables.insert(id, catalogue.with_id(id)?);
            overlay.add_rows(id, rows);
        }
        let mut raises = Raises::new();
        for &(primary, position, next) in &self.raises {
            // What was given out before the restart is not given out again.
            catalogue
                .with_index(primary)?
                .raise(keys::counter_at(position.into()), next);
            raises.insert((primary, position.into()), next);
        }
        let mut changes = Changes::new(engine, &overlay, tables, &raises, owner);
        changes.pin_tables();
        Ok(changes)
    }
}

/// Takes a lock that is free, and notes the key if it is an addition.
fn lock(owner: &mut Owner, key: &FullKey, adds: bool) -> Result<(), StoreError> {
    let mut patience = Patience::new(Duration::ZERO);
    let taken = async {
        match adds {
            true => owner.acquire_addition(key, Adding::Locked, &mut patience).await,
            false => {
                let lock = owner.acquire(key, Mode::Exclusive, LockWait::Fail, &mut patience);
                lock.await.map(drop)
            }
        }
    };
    match pin!(taken).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(taken) => taken,
        Poll::Pending => Err(StoreError::LockNotAvailable),
    }
}

#[cfg(test)]
mod tests {
    // Tests may stop here.
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_is_read_with_its_attempt_and_without() {
        let overlay = Overlay::default();
        let record = Record::new(7, &overlay, &BTreeMap::new(), &Raises::new());
        let attempt = CommitId {
            session: [1; 16],
            number: 2,
        };
        let with = record.encode(attempt).unwrap();
        let without = postcard::to_allocvec(&record).unwrap();
        assert_eq!(Record::decode(&with).unwrap().1, Some(attempt));
        assert_eq!(Record::decode(&without).unwrap().1, None);
        let cut = Record::decode(&with[..with.len() - 1]);
        assert!(matches!(cut, Err(StoreError::Corruption { .. })));
    }
}
