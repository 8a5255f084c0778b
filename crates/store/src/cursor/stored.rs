//! The stored keys of a scan: those of one state of the store, or, for a
//! transaction with overtaken rows, of two.

use crate::StoreError;
use crate::transaction::{Overtaken, primary_key};
use std::cmp::Ordering;
use vamos_proto::{Direction, IndexId};
use vamos_rocks::Cursor;

/// Stands on a stored key, or behind the last one.
#[derive(Debug)]
pub(super) struct Stored {
    shown: Cursor,
    beside: Option<Beside>,
}

/// The entries that are committed now, of which those of overtaken rows count;
/// of the others those that the snapshot shows.
#[derive(Debug)]
struct Beside {
    newest: Cursor,
    overtaken: Overtaken,
    primary: IndexId,
    direction: Direction,
    /// The key that counts is the newest one's.
    on_newest: bool,
}

impl Stored {
    /// The keys that a cursor shows.
    pub(super) fn new(shown: Cursor) -> Self {
        Self { shown, beside: None }
    }

    /// The entries that `shown` shows, but those of overtaken rows as they are in
    /// `newest`. Both cursors stand at the same place.
    pub(super) fn corrected(
        shown: Cursor,
        newest: Cursor,
        overtaken: Overtaken,
        primary: IndexId,
        direction: Direction,
    ) -> Self {
        let mut stored = Self {
            shown,
            beside: Some(Beside {
                newest,
                overtaken,
                primary,
                direction,
                on_newest: false,
            }),
        };
        stored.settle();
        stored
    }

    fn current(&self) -> &Cursor {
        match &self.beside {
            Some(beside) if beside.on_newest => &beside.newest,
            _ => &self.shown,
        }
    }

    pub(super) fn key(&self) -> Option<&[u8]> {
        self.current().key()
    }

    pub(super) fn value(&self) -> Option<&[u8]> {
        self.current().value()
    }

    pub(super) fn status(&self) -> Result<(), StoreError> {
        self.shown.status()?;
        if let Some(beside) = &self.beside {
            beside.newest.status()?;
        }
        Ok(())
    }

    /// Goes on to the next key in this direction.
    pub(super) fn step(&mut self, direction: Direction) {
        match &mut self.beside {
            Some(beside) if beside.on_newest => step(&mut beside.newest, direction),
            _ => step(&mut self.shown, direction),
        }
        self.settle();
    }

    /// Goes on to the next key that counts.
    fn settle(&mut self) {
        let Some(beside) = &mut self.beside else {
            return;
        };
        loop {
            let order = match (self.shown.key(), beside.newest.key()) {
                (None, None) => {
                    beside.on_newest = false;
                    return;
                }
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(shown), Some(newest)) => match beside.direction {
                    Direction::Forward => shown.cmp(newest),
                    Direction::Backward => newest.cmp(shown),
                },
            };
            // The snapshot's entry counts unless its row was overtaken. Both may have
            // one under the same key, of two rows: the other is looked at afterwards.
            beside.on_newest = order == Ordering::Greater;
            let cursor = if beside.on_newest {
                &mut beside.newest
            } else {
                &mut self.shown
            };
            let (Some(key), Some(value)) = (cursor.key(), cursor.value()) else {
                return;
            };
            // An entry that makes no sense is told by whoever reads it.
            let row = primary_key(beside.primary, key, value);
            if row.is_ok_and(|row| beside.overtaken.contains(&row)) == beside.on_newest {
                return;
            }
            step(cursor, beside.direction);
        }
    }
}

fn step(cursor: &mut Cursor, direction: Direction) {
    match direction {
        Direction::Forward => cursor.step_forward(),
        Direction::Backward => cursor.step_back(),
    }
}
