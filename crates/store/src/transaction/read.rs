//! Point reads.

use super::{Transaction, lookup_entry};
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::{Acquired, Gap, Mode, Patience};
use crate::overlay::Overlay;
use crate::{StoreError, keys};
use std::ops::Deref;
use std::sync::Arc;
use vamos_proto::{IndexEntry, IndexId, Lock, LockWait, Row, RowBlockBuilder};
use vamos_rocks::{Pinned, ReadOptions};

/// How many keys are read at once: each pins its block meanwhile.
const CHUNK: usize = 128;

/// A value where it was found.
pub(crate) enum Found<'a> {
    Own(&'a [u8]),
    Stored(Pinned<'a>),
}

impl Deref for Found<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(value) => value,
            Self::Stored(value) => value,
        }
    }
}

/// Reads a key as a transaction sees it: its own change, or what is stored.
pub(crate) fn lookup<'a>(
    overlay: &'a Overlay,
    engine: &'a Engine,
    key: &[u8],
    options: &ReadOptions,
) -> Result<Option<Found<'a>>, StoreError> {
    match overlay.get(key) {
        Some(change) => Ok(change.as_deref().map(Found::Own)),
        None => Ok(engine.data.get(key, options)?.map(Found::Stored)),
    }
}

/// What a read's lock asks of the lock table.
pub(crate) fn lock_request(lock: Lock) -> Option<(Mode, LockWait)> {
    match lock {
        Lock::None => None,
        Lock::Shared(wait) => Some((Mode::Shared, wait)),
        Lock::Exclusive(wait) => Some((Mode::Exclusive, wait)),
    }
}

/// What a locking read through a secondary index found.
pub(crate) enum Fetched {
    /// The entry is there; its row is locked.
    Row(FullKey),
    /// The entry is not there any more.
    Gone,
    /// The row is locked by another transaction and to be skipped.
    Skipped,
}

/// The primary key (a full one) that an entry tells.
pub(crate) fn primary_key(primary: IndexId, entry_key: &[u8], value: &[u8]) -> Result<FullKey, StoreError> {
    let damaged = |error| StoreError::Corruption {
        reason: format!("an index entry does not tell its primary key: {error}"),
    };
    let entry = IndexEntry::decode(value).map_err(damaged)?;
    let key = entry
        .primary_key_of(keys::client_key(entry_key))
        .map_err(damaged)?;
    keys::full(primary, key)
}

pub(crate) fn missing_row(index: IndexId) -> StoreError {
    StoreError::Corruption {
        reason: format!(
            "an entry of a secondary index has no row in primary index {}",
            index.0
        ),
    }
}

impl Transaction {
    /// Reads one key and appends the row, if there is one, to `rows`; says
    /// whether there is one. With `fetch`, `index` is a secondary index and the
    /// row comes from that primary index. The lock is taken also if there is no
    /// such row.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Invalid`], and those of locks.
    pub async fn get(
        &mut self,
        index: IndexId,
        key: &[u8],
        lock: Lock,
        fetch: Option<IndexId>,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        let result = self.get_any(index, key, lock, fetch, rows).await;
        self.after(result)
    }

    async fn get_any(
        &mut self,
        index: IndexId,
        key: &[u8],
        lock: Lock,
        fetch: Option<IndexId>,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        self.check_open()?;
        self.check_readable(index, lock)?;
        let full = keys::full(index, key)?;
        if let Some(primary) = fetch {
            self.check_readable(primary, lock)?;
        }
        match (lock_request(lock), fetch) {
            (None, None) => self.push_corrected(index, &full, rows),
            (None, Some(primary)) => self.push_fetched(&full, primary, rows),
            (Some((mode, wait)), fetch) => self.get_locked(&full, fetch, mode, wait, rows).await,
        }
    }

    /// Locking read. Where there is no such key, its place is locked against
    /// additions instead, if the isolation wants that.
    async fn get_locked(
        &mut self,
        key: &FullKey,
        fetch: Option<IndexId>,
        mode: Mode,
        wait: LockWait,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        let mut patience = self.patience();
        let mut behind = key.to_vec();
        behind.push(0);
        loop {
            let locks = self.locks.row_locks();
            let fetched = match fetch {
                None => Fetched::Gone,
                Some(primary) => self.lock_row_of(key, primary, mode, wait, &mut patience).await?,
            };
            match fetched {
                Fetched::Row(row) => return self.push_newest(key, &row, rows),
                Fetched::Skipped => return Ok(false),
                Fetched::Gone => {}
            }
            if self.acquire_within(key, mode, wait, &mut patience).await? == Acquired::Skipped {
                return Ok(false);
            }
            match fetch {
                // It came while this waited.
                Some(primary) if self.newest_primary_key(key, primary)?.is_some() => continue,
                None if self.push_newest(key, key, rows)? => return Ok(true),
                _ => {}
            }
            let gap = Gap {
                low: key,
                high: &behind,
                backward: false,
            };
            let added = match self.locks_ranges() {
                true => self.locks.cover(gap, wait, &mut patience).await?,
                false => None,
            };
            match self.locks_ranges() {
                // Its range is locked instead.
                true if self.locks.holds_more_than(locks) => self.locks.release_newest(key),
                true => {}
                // Nor is the row wanted whose entry went away.
                false => self.locks.release_since(locks),
            }
            if added.is_none() || wait == LockWait::Skip {
                return Ok(false);
            }
        }
    }

    /// Appends the row under `key` as found under `entry`.
    fn push(
        &mut self,
        entry: &FullKey,
        key: &FullKey,
        lock: Lock,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        let view = (lock == Lock::None).then(|| self.view());
        let engine = &self.store.engine;
        let options = view.as_ref().map_or(&engine.newest, |view| &view.options);
        let Some(value) = lookup(&self.overlay, engine, key, options)? else {
            return Ok(false);
        };
        let primary_key = if Arc::ptr_eq(entry, key) {
            &[]
        } else {
            keys::client_key(key)
        };
        rows.push(&Row {
            key: keys::client_key(entry),
            primary_key,
            value: &value,
        });
        Ok(true)
    }

    /// Consistent read of a key of any index.
    fn push_corrected(
        &mut self,
        index: IndexId,
        key: &FullKey,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        let Some(primary) = self.primary_beside(index)? else {
            return self.push(key, key, Lock::None, rows);
        };
        let view = self.view();
        let Self {
            overlay,
            overtaken,
            store,
            ..
        } = &*self;
        let Some(value) = lookup_entry(overlay, &store.engine, overtaken, primary, key, &view)? else {
            return Ok(false);
        };
        rows.push(&Row {
            key: keys::client_key(key),
            primary_key: &[],
            value: &value,
        });
        Ok(true)
    }

    /// Consistent read through a secondary index.
    fn push_fetched(
        &mut self,
        entry: &FullKey,
        primary: IndexId,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        let view = self.view();
        let Self {
            overlay,
            overtaken,
            store,
            ..
        } = &*self;
        let key = match lookup_entry(overlay, &store.engine, overtaken, primary, entry, &view)? {
            Some(value) => primary_key(primary, entry, &value)?,
            None => return Ok(false),
        };
        match self.push(entry, &key, Lock::None, rows)? {
            true => Ok(true),
            false => Err(missing_row(primary)),
        }
    }

    /// Appends a locked row, as committed last.
    pub(crate) fn push_newest(
        &mut self,
        entry: &FullKey,
        key: &FullKey,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        self.push(entry, key, Lock::Exclusive(LockWait::Wait), rows)
    }

    /// Locks the row of an entry: finds it, locks it, and looks whether the entry
    /// is still there and means the same row.
    pub(crate) async fn lock_row_of(
        &mut self,
        entry: &FullKey,
        primary: IndexId,
        mode: Mode,
        wait: LockWait,
        patience: &mut Patience,
    ) -> Result<Fetched, StoreError> {
        let mut locked: Option<FullKey> = None;
        loop {
            let Some(key) = self.newest_primary_key(entry, primary)? else {
                return Ok(Fetched::Gone);
            };
            if locked.as_ref() == Some(&key) {
                return Ok(Fetched::Row(key));
            }
            if self.acquire_within(&key, mode, wait, patience).await? == Acquired::Skipped {
                return Ok(Fetched::Skipped);
            }
            locked = Some(key);
        }
    }

    fn newest_primary_key(&self, entry: &FullKey, primary: IndexId) -> Result<Option<FullKey>, StoreError> {
        let engine = &self.store.engine;
        let value = lookup(&self.overlay, engine, entry, &engine.newest)?;
        value.map(|value| primary_key(primary, entry, &value)).transpose()
    }

    pub(crate) async fn acquire(
        &mut self,
        key: &FullKey,
        mode: Mode,
        wait: LockWait,
    ) -> Result<Acquired, StoreError> {
        let mut patience = self.patience();
        self.acquire_within(key, mode, wait, &mut patience).await
    }

    /// How long its lock waits may last.
    pub(crate) fn patience(&self) -> Patience {
        Patience::new(self.options.lock_wait)
    }

    /// The same, with a patience that may have been used before.
    pub(crate) async fn acquire_within(
        &mut self,
        key: &FullKey,
        mode: Mode,
        wait: LockWait,
        patience: &mut Patience,
    ) -> Result<Acquired, StoreError> {
        let locks = self.locks.row_locks();
        let acquired = self.locks.acquire(key, mode, wait, patience).await?;
        if !self.locks_ranges() && acquired != Acquired::Skipped {
            let newly = self.locks.holds_more_than(locks);
            self.unlockable.note(key, newly);
        }
        Ok(acquired)
    }

    /// Reads many keys of one index and appends the rows found, in the order
    /// asked, to `rows`. Returns how many keys were read: not all if `rows` came to
    /// hold `max_bytes` bytes before.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn multi_get(
        &mut self,
        index: IndexId,
        keys: &[&[u8]],
        lock: Lock,
        rows: &mut RowBlockBuilder,
        max_bytes: usize,
    ) -> Result<usize, StoreError> {
        let result = match lock {
            Lock::None => self.multi_get_consistent(index, keys, rows, max_bytes),
            lock => self.multi_get_locked(index, keys, lock, rows, max_bytes).await,
        };
        self.after(result)
    }

    async fn multi_get_locked(
        &mut self,
        index: IndexId,
        keys: &[&[u8]],
        lock: Lock,
        rows: &mut RowBlockBuilder,
        max_bytes: usize,
    ) -> Result<usize, StoreError> {
        for (at, key) in keys.iter().enumerate() {
            if is_full(rows, max_bytes) {
                return Ok(at);
            }
            self.get_any(index, key, lock, None, rows).await?;
        }
        Ok(keys.len())
    }

    fn multi_get_consistent(
        &mut self,
        index: IndexId,
        keys: &[&[u8]],
        rows: &mut RowBlockBuilder,
        max_bytes: usize,
    ) -> Result<usize, StoreError> {
        self.check_open()?;
        self.check_readable(index, Lock::None)?;
        if !self.overlay.is_empty() && self.primary_beside(index)?.is_some() {
            for (at, key) in keys.iter().enumerate() {
                if is_full(rows, max_bytes) {
                    return Ok(at);
                }
                self.push_corrected(index, &keys::full(index, key)?, rows)?;
            }
            return Ok(keys.len());
        }
        let view = self.view();
        for (number, chunk) in keys.chunks(CHUNK).enumerate() {
            let full = chunk
                .iter()
                .map(|key| keys::full(index, key))
                .collect::<Result<Vec<_>, _>>()?;
            let values = lookup_many(&self.overlay, &self.store.engine, &full, &view.options)?;
            for (at, (key, value)) in chunk.iter().zip(&values).enumerate() {
                if is_full(rows, max_bytes) {
                    return Ok(number * CHUNK + at);
                }
                if let Some(value) = value {
                    rows.push(&Row {
                        key,
                        primary_key: &[],
                        value,
                    });
                }
            }
        }
        Ok(keys.len())
    }
}

/// Whether an answer takes no more rows.
fn is_full(rows: &RowBlockBuilder, max_bytes: usize) -> bool {
    !rows.is_empty() && rows.len() >= max_bytes
}

/// Reads many keys as a transaction sees them.
pub(crate) fn lookup_many<'a>(
    overlay: &'a Overlay,
    engine: &'a Engine,
    keys: &[FullKey],
    options: &ReadOptions,
) -> Result<Vec<Option<Found<'a>>>, StoreError> {
    let own: Vec<_> = keys.iter().map(|key| overlay.get(key)).collect();
    let asked: Vec<_> = keys
        .iter()
        .zip(&own)
        .filter(|(_, own)| own.is_none())
        .map(|(key, _)| key)
        .collect();
    let mut stored = engine
        .disk
        .reading(|| engine.data.multi_get(&asked, options))?
        .into_iter();
    let merged = own.into_iter().map(|own| match own {
        Some(change) => change.as_deref().map(Found::Own),
        None => stored.next().flatten().map(Found::Stored),
    });
    Ok(merged.collect())
}
