//! The stored keys of a scan: those of one state of the store, or, for a
//! transaction with overtaken rows, of two.

use crate::StoreError;
use crate::keys::FullKey;
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
    /// The key stood on is the newest one's.
    on_newest: bool,
    /// The key stood on is one that counts.
    counts: bool,
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
        let mut beside = Beside {
            newest,
            overtaken,
            primary,
            direction,
            on_newest: false,
            counts: false,
        };
        beside.choose(&shown);
        Self {
            shown,
            beside: Some(beside),
        }
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

    /// Whether the entry stood on is one that the transaction sees. There may be any
    /// number of others in a row, which is why nobody but the caller passes them.
    pub(super) fn counts(&self) -> bool {
        self.beside.as_ref().is_none_or(|beside| beside.counts)
    }

    pub(super) fn status(&self) -> Result<(), StoreError> {
        self.shown.status()?;
        if let Some(beside) = &self.beside {
            beside.newest.status()?;
        }
        Ok(())
    }

    /// Goes on to the next key in this direction, which may be one that does not
    /// count.
    pub(super) fn step(&mut self, direction: Direction) {
        match &mut self.beside {
            None => step(&mut self.shown, direction),
            Some(beside) => {
                match beside.on_newest {
                    true => step(&mut beside.newest, direction),
                    false => step(&mut self.shown, direction),
                }
                beside.choose(&self.shown);
            }
        }
    }
}

impl Beside {
    /// Chooses the key that comes next. Both cursors may have an entry under it, of
    /// two rows: that of the lesser primary key comes first, which is InnoDB's order;
    /// the other is looked at afterwards.
    fn choose(&mut self, shown: &Cursor) {
        let mut order = match (shown.key(), self.newest.key()) {
            (_, None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(shown), Some(newest)) => self.along(shown.cmp(newest)),
        };
        if order == Ordering::Equal && self.has(shown, false) && self.has(&self.newest, true) {
            order = self.along(self.row_of(shown).cmp(&self.row_of(&self.newest)));
        }
        self.on_newest = order == Ordering::Greater;
        self.counts = match self.on_newest {
            true => self.has(&self.newest, true),
            false => self.has(shown, false),
        };
    }

    /// An order of keys as the scan meets them.
    fn along(&self, order: Ordering) -> Ordering {
        match self.direction {
            Direction::Forward => order,
            Direction::Backward => order.reverse(),
        }
    }

    /// Whether the entry that one of the cursors stands on counts: the snapshot's
    /// unless its row was overtaken, the newest only then. One that makes no sense
    /// is told by whoever reads it.
    fn has(&self, cursor: &Cursor, newest: bool) -> bool {
        let overtaken = self
            .row_of(cursor)
            .is_some_and(|row| self.overtaken.contains(&row));
        overtaken == newest
    }

    fn row_of(&self, cursor: &Cursor) -> Option<FullKey> {
        primary_key(self.primary, cursor.key()?, cursor.value()?).ok()
    }
}

fn step(cursor: &mut Cursor, direction: Direction) {
    match direction {
        Direction::Forward => cursor.step_forward(),
        Direction::Backward => cursor.step_back(),
    }
}
