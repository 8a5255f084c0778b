//! Batches of locking scans: each row is locked, then read as committed last.
//!
//! On its way to a row a scan waits for what others have added before it and not
//! committed. Above READ COMMITTED it then holds the way, so that nobody adds to it
//! later, and looks once more at what was committed in between.

use super::{Cursor, Room};
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::locks::{Acquired, Gap, Mode};
use crate::overlay::Overlay;
use crate::transaction::{Fetched, lock_request, primary_key};
use crate::{StoreError, Transaction, keys};
use vamos_proto::{Direction, IndexId, LockWait, Row, RowBlockBuilder, RowsEnd};

/// What a scan's next key turned out to be, when it was locked.
enum Locked {
    /// A row, whose key this is.
    Row(FullKey),
    /// Nothing any more.
    Gone,
    /// Another transaction's, and to be left out.
    Skipped,
}

impl Transaction {
    pub(super) async fn fill_locked(
        &mut self,
        cursor: &mut Cursor,
        rows: &mut RowBlockBuilder,
        room: &mut Room,
    ) -> Result<bool, StoreError> {
        let Some((mode, wait)) = lock_request(cursor.lock) else {
            return Ok(true);
        };
        let mut way = Way::default();
        if cursor.ahead {
            // What the transaction had deleted may be there again.
            cursor.stored = None;
            cursor.ahead = false;
        }
        loop {
            if cursor.remaining == 0 {
                return Ok(true);
            }
            if room.left(rows) == 0 {
                return Ok(false);
            }
            cursor.renew_if_outdated(&self.store.engine);
            let next = cursor.next_key(&self.overlay, &self.store.engine)?;
            if !self.pass_additions(cursor, &mut way, next.as_ref(), wait).await? {
                continue;
            }
            let locks = self.locks.row_locks();
            let locked = match &next {
                Some(key) => self.lock_next(cursor, key, mode, wait).await?,
                None => Locked::Gone,
            };
            if !matches!(locked, Locked::Skipped)
                && !self.cover_way(cursor, &mut way, next.as_ref(), wait).await?
            {
                continue;
            }
            let Some(key) = next else {
                return Ok(true);
            };
            room.looked(0);
            let end = rows.end();
            match locked {
                // What the sieve rejects stays locked where what is gone does.
                Locked::Row(row)
                    if self.push_locked(cursor, &key, &row, rows)? && cursor.keeps_row(rows, end, room) =>
                {
                    cursor.remaining -= 1;
                }
                _ if !self.locks_ranges() => self.locks.release_since(locks),
                _ => {}
            }
            cursor.pass_stored(&key);
        }
    }

    /// Waits for what others have added on the way to the next key and not
    /// committed; `false` if there was something, so that the scan has to look
    /// again.
    async fn pass_additions(
        &mut self,
        cursor: &mut Cursor,
        way: &mut Way,
        next: Option<&FullKey>,
        wait: LockWait,
    ) -> Result<bool, StoreError> {
        if cursor.has_covered(next) {
            return Ok(true);
        }
        way.lead(cursor, next, false);
        let patience = &mut cursor.patience;
        let added = self
            .locks
            .pass_additions(way.gap(cursor.direction), wait, patience)
            .await?;
        Ok(cursor.may_go_on(added, wait))
    }

    /// Locks the way to the next key, and its place, against additions, if the
    /// isolation wants that; `false` if the scan has to look again.
    async fn cover_way(
        &mut self,
        cursor: &mut Cursor,
        way: &mut Way,
        next: Option<&FullKey>,
        wait: LockWait,
    ) -> Result<bool, StoreError> {
        if !self.locks_ranges() || cursor.has_covered(next) {
            return Ok(true);
        }
        way.lead(cursor, next, true);
        let patience = &mut cursor.patience;
        let added = self
            .locks
            .cover(way.gap(cursor.direction), wait, patience)
            .await?;
        if !cursor.may_go_on(added, wait) {
            return Ok(false);
        }
        cursor.note_covered(next);
        // What was committed before the way was covered is not seen yet.
        Ok(cursor.is_newest(&self.store.engine))
    }

    /// Locks the row of the next key.
    async fn lock_next(
        &mut self,
        cursor: &mut Cursor,
        key: &FullKey,
        mode: Mode,
        wait: LockWait,
    ) -> Result<Locked, StoreError> {
        let Some(primary) = cursor.fetch else {
            return Ok(
                match self.acquire_within(key, mode, wait, &mut cursor.patience).await? {
                    Acquired::Skipped => Locked::Skipped,
                    _ => Locked::Row(FullKey::clone(key)),
                },
            );
        };
        Ok(match self.lock_fetched(cursor, key, primary, mode, wait).await? {
            Fetched::Row(row) => Locked::Row(row),
            Fetched::Gone => Locked::Gone,
            Fetched::Skipped => Locked::Skipped,
        })
    }

    /// Appends the locked row of a key, if it is still there.
    fn push_locked(
        &mut self,
        cursor: &Cursor,
        key: &FullKey,
        row: &FullKey,
        rows: &mut RowBlockBuilder,
    ) -> Result<bool, StoreError> {
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
        self.push_newest(key, row, rows)
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

/// The way from the key that was passed last to the next one.
#[derive(Debug, Default)]
struct Way {
    low: Vec<u8>,
    high: Vec<u8>,
}

impl Way {
    /// Leads from where the cursor is up to a key, or to the end of its range;
    /// with or without the key itself.
    fn lead(&mut self, cursor: &Cursor, next: Option<&FullKey>, with_next: bool) {
        let passed = cursor.passed.as_deref();
        let (low, high) = match cursor.direction {
            Direction::Forward => (
                passed.unwrap_or(&cursor.low),
                next.map_or(&cursor.high[..], |key| key),
            ),
            Direction::Backward => (
                next.map_or(&cursor.low[..], |key| key),
                passed.unwrap_or(&cursor.high),
            ),
        };
        copy(&mut self.low, low);
        copy(&mut self.high, high);
        // "Behind a key" is the key with a zero byte.
        match cursor.direction {
            Direction::Forward => {
                self.low.extend(passed.map(|_| 0));
                self.high.extend(next.filter(|_| with_next).map(|_| 0));
            }
            Direction::Backward => self.low.extend(next.filter(|_| !with_next).map(|_| 0)),
        }
    }

    fn gap(&self, direction: Direction) -> Gap<'_> {
        Gap {
            low: &self.low,
            high: &self.high,
            backward: direction == Direction::Backward,
        }
    }
}

fn copy(to: &mut Vec<u8>, from: &[u8]) {
    to.clear();
    to.extend_from_slice(from);
}

/// How far the transaction holds the range that a scan has come through.
#[derive(Debug, Default)]
pub(super) enum CoveredTo {
    /// Not beyond what was passed.
    #[default]
    Passed,
    /// To this key, which is covered too.
    Key(FullKey),
    /// To the end of the scan's range.
    End,
}

impl Cursor {
    /// Takes the row behind `end` back if it is not wanted. Says whether it is.
    fn keeps_row(&self, rows: &mut RowBlockBuilder, end: RowsEnd, room: &mut Room) -> bool {
        let wanted = rows.row_behind(end).is_none_or(|row| {
            room.looked(row.value.len());
            let primary_key = if self.fetch.is_some() {
                row.primary_key
            } else {
                row.key
            };
            self.sieve.passes_row(primary_key, row.value)
        });
        if !wanted {
            rows.truncate(end);
        }
        wanted
    }

    /// Whether the way to a key is covered already: the scan has looked again.
    fn has_covered(&self, next: Option<&FullKey>) -> bool {
        match (&self.covered, next) {
            (CoveredTo::Passed, _) | (CoveredTo::Key(_), None) => false,
            (CoveredTo::End, _) => true,
            (CoveredTo::Key(covered), Some(next)) => match self.direction {
                Direction::Forward => next <= covered,
                Direction::Backward => next >= covered,
            },
        }
    }

    fn note_covered(&mut self, next: Option<&FullKey>) {
        self.covered = match next {
            Some(key) => CoveredTo::Key(FullKey::clone(key)),
            None => CoveredTo::End,
        };
    }

    /// Whether nothing was in the way. An addition that is to be skipped is
    /// passed.
    fn may_go_on(&mut self, added: Option<FullKey>, wait: LockWait) -> bool {
        let Some(added) = added else {
            return true;
        };
        if wait == LockWait::Skip {
            self.pass_stored(&added);
        }
        false
    }

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

    /// The next key, stored or own, that the transaction has not deleted. What it
    /// has deleted is not passed: the way to the next key leads through it.
    fn next_key(&mut self, overlay: &Overlay, engine: &Engine) -> Result<Option<FullKey>, StoreError> {
        let direction = self.direction;
        let mut own = self.own(overlay);
        let mut next_own = own.next();
        loop {
            let stored = self.stored(engine);
            let stored_key = stored.key();
            if stored_key.is_none() {
                stored.status()?;
            }
            let own_first = match (next_own, stored_key) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some((own, _)), Some(stored)) => match direction {
                    Direction::Forward => **own <= *stored,
                    Direction::Backward => **own >= *stored,
                },
            };
            match next_own {
                Some((key, Some(_))) if own_first => return Ok(Some(FullKey::clone(key))),
                Some((key, None)) if own_first => {
                    if stored_key == Some(key) {
                        stored.step(direction);
                        self.ahead = true;
                    }
                    next_own = own.next();
                }
                _ => return Ok(stored_key.map(FullKey::from)),
            }
        }
    }

    /// Passes a key, stored or not.
    fn pass_stored(&mut self, key: &[u8]) {
        self.pass(key);
        self.ahead = false;
        if let Some(stored) = &mut self.stored
            && stored.key() == Some(key)
        {
            stored.step(self.direction);
        }
    }
}
