//! Batches of locking scans: each row is locked, then read as committed last.

use super::{Cursor, Room};
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::{Acquired, Mode};
use crate::overlay::Overlay;
use crate::transaction::{Fetched, lock_request};
use crate::{StoreError, Transaction};
use vamos_proto::{Direction, LockWait, RowBlockBuilder};

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
        let (row, waited) = match cursor.fetch {
            None => match self.acquire(key, mode, wait).await? {
                Acquired::Skipped => (None, false),
                acquired => (Some(FullKey::clone(key)), acquired == Acquired::AfterWait),
            },
            Some(primary) => match self.lock_row_of(key, primary, mode, wait).await? {
                (Fetched::Row(row), waited) => (Some(row), waited),
                (Fetched::Gone | Fetched::Skipped, waited) => (None, waited),
            },
        };
        if waited {
            // What the other transaction committed is ahead, too.
            cursor.stored = None;
        }
        match row {
            Some(row) => self.push_newest(key, &row, rows),
            None => Ok(false),
        }
    }
}

impl Cursor {
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
