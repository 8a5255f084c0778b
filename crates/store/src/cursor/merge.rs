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

/// Where a step of the merge led. There may be much in a row that is not shown: a
/// batch counts it as looked at.
#[derive(Debug)]
pub(super) enum Next<'m, T> {
    /// To an entry: what was made of it.
    Entry(T),
    /// Past an own deletion; the key.
    Deleted(&'m [u8]),
    /// Past a stored entry that the transaction does not see.
    Unseen,
    End,
}

/// Stored keys and own changes together; an own change hides the stored value.
#[derive(Debug)]
pub(super) struct Merge<'m> {
    stored: &'m mut Stored,
    own: Peekable<Own<'m>>,
    direction: Direction,
    others: Option<Others<'m>>,
    /// The next own change has been shown, before a stored entry with its key.
    own_shown: bool,
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

    /// How the rows of two entries under one key are ordered, by their primary keys.
    fn order(&self, key: &[u8], value: &[u8], other: &[u8]) -> Ordering {
        let row = |value| primary_key(self.primary, key, value).ok();
        row(value).cmp(&row(other))
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
            own_shown: false,
        }
    }

    /// Shows the next entry (key and value) and passes it, or something before it.
    pub(super) fn next<T>(
        &mut self,
        show: impl FnOnce(&[u8], &[u8]) -> T,
    ) -> Result<Next<'m, T>, StoreError> {
        let mut order = self.compare()?;
        // A key has two stored entries at most, so that this ends soon.
        while order == Some(Ordering::Equal) && !self.is_anothers() {
            self.step();
            order = self.compare()?;
        }
        match order {
            None => Ok(Next::End),
            Some(Ordering::Less) if !self.stored.counts() => {
                self.step();
                Ok(Next::Unseen)
            }
            Some(Ordering::Less) => self.show_stored(show),
            Some(Ordering::Equal) => match self.own_before_anothers() {
                Some((key, value)) => {
                    self.own_shown = true;
                    Ok(Next::Entry(show(key, value)))
                }
                None => self.show_stored(show),
            },
            Some(Ordering::Greater) => {
                let shown = std::mem::take(&mut self.own_shown);
                Ok(match self.own.next() {
                    Some((key, Some(value))) if !shown => Next::Entry(show(key, value)),
                    Some((key, _)) => Next::Deleted(key),
                    None => Next::End,
                })
            }
        }
    }

    /// The own entry, if it comes before the stored one that has its key and is
    /// another row's.
    fn own_before_anothers(&mut self) -> Option<(&'m [u8], &'m [u8])> {
        if self.own_shown {
            return None;
        }
        let (key, value) = *self.own.peek()?;
        let value = value.as_deref()?;
        let order = self.others?.order(key, value, self.stored.value()?);
        let before = match self.direction {
            Direction::Forward => Ordering::Less,
            Direction::Backward => Ordering::Greater,
        };
        (order == before).then_some((key, value))
    }

    /// Whether the next entry has this key, too. A batch must not end before it, since
    /// the next one begins behind the key. Passes what an own deletion hides there.
    pub(super) fn is_at(&mut self, key: &[u8]) -> bool {
        let own = self.own.peek().filter(|(own, _)| &***own == key);
        let hides = match own {
            Some((_, Some(_))) if !self.own_shown => return true,
            own => own.is_some(),
        };
        while self.stored.key() == Some(key) {
            if self.stored.counts() && !hides || self.is_anothers() {
                return true;
            }
            self.step();
        }
        false
    }

    fn show_stored<T>(&mut self, show: impl FnOnce(&[u8], &[u8]) -> T) -> Result<Next<'m, T>, StoreError> {
        let shown = match (self.stored.key(), self.stored.value()) {
            (Some(key), Some(value)) => show(key, value),
            _ => return Ok(Next::End),
        };
        self.step();
        Ok(Next::Entry(shown))
    }

    /// Whether the stored entry stays beside an own change of its key.
    fn is_anothers(&self) -> bool {
        match (self.others, self.stored.key(), self.stored.value()) {
            (Some(others), Some(key), Some(value)) => self.stored.counts() && others.have(key, value),
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
