//! Batches of locking scans: each row is locked, then read as committed last.

use super::{Cursor, Room};
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::{Acquired, Mode};
use crate::overlay::Overlay;
use crate::transaction::{Fetched, lock_request, primary_key};
use crate::{StoreError, Transaction, keys};
use vamos_proto::{Direction, IndexId, LockWait, Row, RowBlockBuilder};

impl Transaction {
    pub(super) async fn fill_locked(
        &mut self,
        cursor: &mut Cursor,
        rows: &mut RowBlockBuilder,
        room: &Room,
    ) -> Result<bool, StoreError> {
        let Some((mode, wait)) = lock_request(cursor.lock) else {
            return Ok(true);
        };
        loop {
            if cursor.remaining == 0 {
                return Ok(true);
            }
            if room.left(rows) == 0 {
                return Ok(false);
            }
            cursor.renew_if_outdated(&self.store.engine);
            let Some(key) = cursor.next_key(&self.overlay, &self.store.engine)? else {
                return Ok(true);
            };
            if self.lock_and_push(cursor, &key, mode, wait, rows).await? {
                cursor.remaining -= 1;
            }
            cursor.pass_stored(&key);
        }
    }

    /// Locks the row of a key, and appends it if it is still there.
    async fn lock_and_push(
        &mut self,
        cursor: &mut Cursor,
        key: &FullKey,
        mode: Mode,
        wait: LockWait,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
        let row = match cursor.fetch {
            None => match self.acquire_within(key, mode, wait, &mut cursor.patience).await? {
                Acquired::Skipped => return Ok(false),
                _ => FullKey::clone(key),
            },
            Some(primary) => match self.lock_fetched(cursor, key, primary, mode, wait).await? {
                Fetched::Row(row) => row,
                Fetched::Gone | Fetched::Skipped => return Ok(false),
            },
        };
        if cursor.fetch.is_none()
            && let Some(value) = cursor.newest_value(&self.overlay, &self.store.engine, key)
        {
            rows.push(&Row {
                key: keys::client_key(key),
                primary_key: &[],
                value,
            });
            return Ok(true);
        }
        self.push_newest(key, &row, rows)
    }

    /// Locks the row of an entry that the cursor stands on, if the entry is still
    /// there.
    async fn lock_fetched(
        &mut self,
        cursor: &mut Cursor,
        entry: &FullKey,
        primary: IndexId,
        mode: Mode,
        wait: LockWait,
    ) -> Result<Fetched, StoreError> {
        let row = match cursor.newest_value(&self.overlay, &self.store.engine, entry) {
            Some(value) => primary_key(primary, entry, value)?,
            None => {
                let patience = &mut cursor.patience;
                return self.lock_row_of(entry, primary, mode, wait, patience).await;
            }
        };
        match self
            .acquire_within(&row, mode, wait, &mut cursor.patience)
            .await?
        {
            Acquired::Skipped => Ok(Fetched::Skipped),
            Acquired::AtOnce if cursor.is_newest(&self.store.engine) => Ok(Fetched::Row(row)),
            _ => {
                let patience = &mut cursor.patience;
                self.lock_row_of(entry, primary, mode, wait, patience).await
            }
        }
    }
}

impl Cursor {
    /// Whether nothing was written since the stored keys were opened.
    fn is_newest(&self, engine: &Engine) -> bool {
        self.version == engine.version()
    }

    /// The value of a stored key that the cursor stands on, if it is sure to be
    /// the one committed last: spares a look for it.
    fn newest_value(&self, overlay: &Overlay, engine: &Engine, key: &[u8]) -> Option<&[u8]> {
        let stored = self.stored.as_ref()?;
        if overlay.get(key).is_some() || !self.is_newest(engine) || stored.key() != Some(key) {
            return None;
        }
        stored.value()
    }

    /// Opens the stored keys anew if anything was written since: what another
    /// transaction has committed meanwhile, such as a row's new key, is ahead too.
    fn renew_if_outdated(&mut self, engine: &Engine) {
        if !self.is_newest(engine) {
            self.stored = None;
        }
    }

    /// The next key, stored or own, that the transaction has not deleted.
    fn next_key(&mut self, overlay: &Overlay, engine: &Engine) -> Result<Option<FullKey>, StoreError> {
        // Passing happens only once the row is locked: a wait may be dropped.
        let mut skipped: Option<FullKey> = None;
        loop {
            if let Some(key) = skipped.take() {
                self.pass_stored(&key);
            }
            let direction = self.direction;
            let own = self.own(overlay).next();
            let stored = self.stored(engine);
            let stored_key = stored.key();
            if stored_key.is_none() {
                stored.status()?;
            }
            let own_first = match (own, stored_key) {
                (None, None) => return Ok(None),
                (None, Some(_)) => false,
                (Some(_), None) => true,
                (Some((own, _)), Some(stored)) => match direction {
                    Direction::Forward => **own <= *stored,
                    Direction::Backward => **own >= *stored,
                },
            };
            match own {
                Some((key, None)) if own_first => skipped = Some(FullKey::clone(key)),
                Some((key, Some(_))) if own_first => return Ok(Some(FullKey::clone(key))),
                _ => return Ok(stored_key.map(FullKey::from)),
            }
        }
    }

    /// Passes a key, stored or not.
    fn pass_stored(&mut self, key: &[u8]) {
        self.pass(key);
        let direction = self.direction;
        if let Some(stored) = &mut self.stored
            && stored.key() == Some(key)
        {
            match direction {
                Direction::Forward => stored.step_forward(),
                Direction::Backward => stored.step_back(),
            }
        }
    }
}
