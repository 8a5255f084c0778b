//! Stored keys and a transaction's own changes, as one sequence.

use super::stored::Stored;
use crate::StoreError;
use crate::keys::FullKey;
use crate::overlay::{Change, Overlay};
use crate::transaction::primary_key;
use std::cmp::Ordering;
use std::collections::btree_map::Range;
use std::iter::{Peekable, Rev};
use vamos_proto::{Direction, IndexId};

/// Own changes, in the scan's direction.
#[derive(Debug)]
pub(super) enum Own<'o> {
    Forward(Range<'o, FullKey, Change>),
    Backward(Rev<Range<'o, FullKey, Change>>),
}

impl<'o> Own<'o> {
    pub(super) fn forward(range: Range<'o, FullKey, Change>) -> Self {
        Self::Forward(range)
    }

    pub(super) fn backward(range: Range<'o, FullKey, Change>) -> Self {
        Self::Backward(range.rev())
    }
}

impl<'o> Iterator for Own<'o> {
    type Item = (&'o FullKey, &'o Change);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Forward(range) => range.next(),
            Self::Backward(range) => range.next(),
        }
    }
}

/// Stored keys and own changes together; an own change hides the stored value.
#[derive(Debug)]
pub(super) struct Merge<'m> {
    stored: &'m mut Stored,
    own: Peekable<Own<'m>>,
    direction: Direction,
    others: Option<Others<'m>>,
}

/// In a consistent scan of a secondary index: tells whether a stored entry is one of
/// a row that the transaction has not changed. Such an entry stays beside the
/// transaction's own change of the same key, which is unique: its row had lost it
/// after the snapshot, and the transaction has given it to another one, or changed
/// the one that had it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Others<'m> {
    pub(super) overlay: &'m Overlay,
    pub(super) primary: IndexId,
}

impl Others<'_> {
    fn have(&self, key: &[u8], value: &[u8]) -> bool {
        primary_key(self.primary, key, value).is_ok_and(|row| self.overlay.get(&row).is_none())
    }
}

impl<'m> Merge<'m> {
    pub(super) fn new(
        stored: &'m mut Stored,
        own: Own<'m>,
        direction: Direction,
        others: Option<Others<'m>>,
    ) -> Self {
        Self {
            stored,
            own: own.peekable(),
            direction,
            others,
        }
    }

    /// Shows the next entry (key and value) and passes it; `None` at the end.
    pub(super) fn next<T>(&mut self, show: impl FnOnce(&[u8], &[u8]) -> T) -> Result<Option<T>, StoreError> {
        loop {
            match self.compare()? {
                None => return Ok(None),
                Some(Ordering::Less) => return self.show_stored(show),
                Some(Ordering::Equal) if self.is_anothers() => return self.show_stored(show),
                Some(Ordering::Equal) => self.step(),
                Some(Ordering::Greater) => {
                    if let Some((key, Some(value))) = self.own.next() {
                        return Ok(Some(show(key, value)));
                    }
                }
            }
        }
    }

    /// Whether the next entry has this key, too. A batch must not end before it, since
    /// the next one begins behind the key. Passes what an own deletion hides there.
    pub(super) fn is_at(&mut self, key: &[u8]) -> bool {
        let own = self.own.peek().filter(|(own, _)| &***own == key);
        let deleted = match own {
            Some((_, Some(_))) => return true,
            own => own.is_some(),
        };
        while self.stored.key() == Some(key) {
            if !deleted || self.is_anothers() {
                return true;
            }
            self.step();
        }
        false
    }

    fn show_stored<T>(&mut self, show: impl FnOnce(&[u8], &[u8]) -> T) -> Result<Option<T>, StoreError> {
        let shown = match (self.stored.key(), self.stored.value()) {
            (Some(key), Some(value)) => show(key, value),
            _ => return Ok(None),
        };
        self.step();
        Ok(Some(shown))
    }

    /// Whether the own change does not concern the stored entry.
    fn is_anothers(&self) -> bool {
        match (self.others, self.stored.key(), self.stored.value()) {
            (Some(others), Some(key), Some(value)) => others.have(key, value),
            _ => false,
        }
    }

    /// Whether the stored entry (less), the own one (greater) or both come next.
    fn compare(&mut self) -> Result<Option<Ordering>, StoreError> {
        let Some(stored) = self.stored.key() else {
            self.stored.status()?;
            return Ok(self.own.peek().map(|_| Ordering::Greater));
        };
        let Some((own, _)) = self.own.peek() else {
            return Ok(Some(Ordering::Less));
        };
        let order = stored.cmp(own);
        Ok(Some(match self.direction {
            Direction::Forward => order,
            Direction::Backward => order.reverse(),
        }))
    }

    fn step(&mut self) {
        self.stored.step(self.direction);
    }
}
