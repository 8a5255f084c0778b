//! Stored keys and a transaction's own changes, as one sequence.

use super::stored::Stored;
use crate::StoreError;
use crate::keys::FullKey;
use crate::overlay::Change;
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
    stored: &'m mut Stored,
    own: Peekable<Own<'m>>,
    direction: Direction,
}

impl<'m> Merge<'m> {
    pub(super) fn new(stored: &'m mut Stored, own: Own<'m>, direction: Direction) -> Self {
        Self {
            stored,
            own: own.peekable(),
            direction,
        }
    }

    /// Shows the next entry (key and value) and passes it; `None` at the end.
    pub(super) fn next<T>(&mut self, show: impl FnOnce(&[u8], &[u8]) -> T) -> Result<Option<T>, StoreError> {
        loop {
            match self.compare()? {
                None => return Ok(None),
                Some(Ordering::Less) => {
                    let shown = match (self.stored.key(), self.stored.value()) {
                        (Some(key), Some(value)) => show(key, value),
                        _ => return Ok(None),
                    };
                    self.step();
                    return Ok(Some(shown));
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
