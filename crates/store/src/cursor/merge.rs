//! Stored keys and a transaction's own changes, as one sequence.

use crate::StoreError;
use crate::keys::FullKey;
use crate::overlay::Change;
use crate::transaction::{Found, OwnRows};
use std::cmp::Ordering;
use std::collections::btree_map::Range;
use std::iter::{Peekable, Rev};
use vamos_proto::Direction;

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
    stored: &'m mut vamos_rocks::Cursor,
    own: Peekable<Own<'m>>,
    direction: Direction,
    /// In a secondary index: the rows that the transaction itself has changed.
    rows: Option<OwnRows<'m>>,
}

impl<'m> Merge<'m> {
    pub(super) fn new(
        stored: &'m mut vamos_rocks::Cursor,
        own: Own<'m>,
        direction: Direction,
        rows: Option<OwnRows<'m>>,
    ) -> Self {
        Self {
            stored,
            own: own.peekable(),
            direction,
            rows,
        }
    }

    /// Shows the next entry (key and value) and passes it; `None` at the end.
    pub(super) fn next<T>(
        &mut self,
        mut show: impl FnOnce(&[u8], &[u8]) -> T,
    ) -> Result<Option<T>, StoreError> {
        loop {
            match self.compare()? {
                None => return Ok(None),
                Some(Ordering::Less) => {
                    let Some(key) = self.stored.key() else {
                        return Ok(None);
                    };
                    let shown = match self.entry_now(key)? {
                        Some(value) => Ok(show(key, &value)),
                        None => Err(show),
                    };
                    self.step();
                    match shown {
                        Ok(shown) => return Ok(Some(shown)),
                        Err(not_shown) => show = not_shown,
                    }
                }
                Some(order) => {
                    if order == Ordering::Equal {
                        self.step();
                    }
                    if let Some((key, Some(value))) = self.own.next() {
                        return Ok(Some(show(key, value)));
                    }
                }
            }
        }
    }

    /// The stored entry's value, if the transaction still sees it.
    fn entry_now(&self, key: &[u8]) -> Result<Option<Found<'_>>, StoreError> {
        match (self.stored.value(), &self.rows) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(Found::Own(value))),
            (Some(value), Some(rows)) => rows.entry_now(key, value),
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
        match self.direction {
            Direction::Forward => self.stored.step_forward(),
            Direction::Backward => self.stored.step_back(),
        }
    }
}
