//! A transaction's own writes, and how to undo them.

use crate::StoreError;
use crate::keys::FullKey;
use std::collections::BTreeMap;
use std::collections::btree_map::{Entry, Range};
use std::ops::Bound;
use vamos_proto::{SavepointId, TableId};

/// What a transaction made of a key: a value, or nothing.
pub(crate) type Change = Option<Box<[u8]>>;

/// Memory that an entry takes beside its key and value, about.
const OVERHEAD: u64 = 96;

/// They are searched one by one.
const MAX_SAVEPOINTS: usize = 16 * 1024;

#[derive(Debug)]
enum Undo {
    /// The key had this change before, or none.
    Entry(FullKey, Option<Change>),
    /// The table's row count was changed by so much.
    Rows(TableId, i64),
}

/// A transaction's own writes, in the order of their keys, with savepoints.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    entries: BTreeMap<FullKey, Change>,
    rows: BTreeMap<TableId, i64>,
    undo: Vec<Undo>,
    savepoints: Vec<Savepoint>,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Savepoint {
    id: SavepointId,
    mark: Mark,
    additions: usize,
}

/// A place to undo to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(usize);

impl Overlay {
    /// The change that a key has, if it has one.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Change> {
        // Most reads come before all writes.
        if self.entries.is_empty() {
            return None;
        }
        self.entries.get(key)
    }

    /// The changes between two bounds.
    pub(crate) fn range(&self, low: Bound<&[u8]>, high: Bound<&[u8]>) -> Range<'_, FullKey, Change> {
        // An empty range may have its bounds crossed, which `range` forbids.
        let crossed = match (low, high) {
            (Bound::Included(a), Bound::Included(b)) => a > b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a >= b,
            _ => false,
        };
        let (low, high) = if crossed {
            (Bound::Included(&b""[..]), Bound::Excluded(&b""[..]))
        } else {
            (low, high)
        };
        self.entries.range::<[u8], _>((low, high))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&FullKey, &Change)> {
        self.entries.iter()
    }

    /// The changes of row counts that are not zero.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (TableId, i64)> {
        self.rows
            .iter()
            .map(|(&table, &delta)| (table, delta))
            .filter(|(_, delta)| *delta != 0)
    }

    /// How many entries it changes.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rows().next().is_none()
    }

    /// The memory that it takes, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes a key.
    pub(crate) fn set(&mut self, key: &FullKey, change: Change) {
        self.bytes += cost(key, &change);
        let before = match self.entries.entry(FullKey::clone(key)) {
            Entry::Occupied(mut entry) => Some(entry.insert(change)),
            Entry::Vacant(entry) => {
                entry.insert(change);
                None
            }
        };
        self.undo.push(Undo::Entry(FullKey::clone(key), before));
    }

    /// Changes a table's row count.
    pub(crate) fn add_rows(&mut self, table: TableId, delta: i64) {
        if delta != 0 {
            self.bytes += OVERHEAD;
            let rows = self.rows.entry(table).or_default();
            *rows = rows.wrapping_add(delta);
            self.undo.push(Undo::Rows(table, delta));
        }
    }

    /// A place to undo to.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Undoes all that came after a mark.
    pub(crate) fn undo_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            match self.undo.pop() {
                Some(Undo::Entry(key, before)) => self.undo_entry(key, before),
                Some(Undo::Rows(table, delta)) => {
                    self.bytes -= OVERHEAD;
                    let rows = self.rows.entry(table).or_default();
                    *rows = rows.wrapping_sub(delta);
                }
                None => break,
            }
        }
    }

    fn undo_entry(&mut self, key: FullKey, before: Option<Change>) {
        let undone = match before {
            Some(before) => self.entries.insert(FullKey::clone(&key), before),
            None => self.entries.remove(&key),
        };
        if let Some(undone) = undone {
            self.bytes -= cost(&key, &undone);
        }
    }

    /// Forgets how to undo where no savepoint asks for it: after a request that
    /// succeeded.
    pub(crate) fn settle(&mut self) {
        if self.savepoints.is_empty() {
            for undo in self.undo.drain(..) {
                self.bytes -= match &undo {
                    Undo::Entry(key, Some(before)) => cost(key, before),
                    Undo::Entry(_, None) => 0,
                    Undo::Rows(..) => OVERHEAD,
                };
            }
        }
    }

    /// Sets a savepoint; one with the same id moves. `additions` is for the caller.
    pub(crate) fn set_savepoint(&mut self, id: SavepointId, additions: usize) -> Result<(), StoreError> {
        if let Some(place) = self.place(id) {
            self.savepoints.remove(place);
        } else if self.savepoints.len() < MAX_SAVEPOINTS {
            self.bytes += OVERHEAD;
        } else {
            return Err(StoreError::Invalid {
                reason: format!("a transaction has at most {MAX_SAVEPOINTS} savepoints"),
            });
        }
        let mark = self.mark();
        self.savepoints.push(Savepoint { id, mark, additions });
        Ok(())
    }

    fn place(&self, id: SavepointId) -> Option<usize> {
        // The one asked for is nearly always among the last.
        self.savepoints.iter().rposition(|savepoint| savepoint.id == id)
    }

    fn truncate_savepoints(&mut self, length: usize) {
        self.bytes -= OVERHEAD * self.savepoints.len().saturating_sub(length) as u64;
        self.savepoints.truncate(length);
    }

    /// Undoes all since a savepoint, which stays; returns the `additions` with which it
    /// was set.
    pub(crate) fn rollback_to(&mut self, id: SavepointId) -> Result<usize, StoreError> {
        let place = self.place(id).ok_or(StoreError::NoSuchSavepoint { id })?;
        let Savepoint { mark, additions, .. } = self.savepoints[place];
        self.truncate_savepoints(place + 1);
        self.undo_to(mark);
        Ok(additions)
    }

    /// Forgets a savepoint; those set after it stay.
    pub(crate) fn release(&mut self, id: SavepointId) -> Result<(), StoreError> {
        let place = self.place(id).ok_or(StoreError::NoSuchSavepoint { id })?;
        self.savepoints.remove(place);
        self.bytes -= OVERHEAD;
        self.settle();
        Ok(())
    }
}

fn cost(key: &FullKey, change: &Change) -> u64 {
    let value = change.as_ref().map_or(0, |value| value.len());
    OVERHEAD + (key.len() + value) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u8) -> FullKey {
        FullKey::from(&[n][..])
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set(u8, Option<u8>),
        Rows(i64),
        Savepoint(u8),
        RollbackTo(u8),
        Release(u8),
        Settle,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..8u8, any::<Option<u8>>()).prop_map(|(k, v)| Step::Set(k, v)),
            1 => (-3..4i64).prop_map(Step::Rows),
            2 => (0..4u8).prop_map(Step::Savepoint),
            1 => (0..4u8).prop_map(Step::RollbackTo),
            1 => (0..4u8).prop_map(Step::Release),
            1 => Just(Step::Settle),
        ]
    }

    type State = (BTreeMap<u8, Option<u8>>, i64);

    proptest! {
        /// Savepoints against a model that copies the whole state.
        #[test]
        fn savepoints_restore_what_was(steps in prop::collection::vec(step(), 0..80)) {
            let mut overlay = Overlay::default();
            let mut state: State = State::default();
            let mut saved: Vec<(u8, State)> = Vec::new();
            let id = |n: u8| SavepointId(n.into());
            for step in steps {
                match step {
                    Step::Set(k, v) => {
                        overlay.set(&key(k), v.map(|v| Box::from([v])));
                        state.0.insert(k, v);
                    }
                    Step::Rows(delta) => {
                        overlay.add_rows(TableId(1), delta);
                        state.1 += delta;
                    }
                    Step::Savepoint(n) => {
                        overlay.set_savepoint(id(n), 0).unwrap();
                        saved.retain(|(other, _)| *other != n);
                        saved.push((n, state.clone()));
                    }
                    Step::RollbackTo(n) => {
                        let place = saved.iter().position(|(other, _)| *other == n);
                        prop_assert_eq!(overlay.rollback_to(id(n)).is_ok(), place.is_some());
                        if let Some(place) = place {
                            saved.truncate(place + 1);
                            state = saved[place].1.clone();
                        }
                    }
                    Step::Release(n) => {
                        let place = saved.iter().position(|(other, _)| *other == n);
                        prop_assert_eq!(overlay.release(id(n)).is_ok(), place.is_some());
                        saved.retain(|(other, _)| *other != n);
                    }
                    Step::Settle => overlay.settle(),
                }
                let entries: BTreeMap<_, _> =
                    overlay.entries().map(|(k, v)| (k[0], v.as_ref().map(|v| v[0]))).collect();
                prop_assert_eq!(&entries, &state.0);
                prop_assert_eq!(overlay.rows().map(|(_, delta)| delta).sum::<i64>(), state.1);
            }
            overlay.savepoints.clear();
            overlay.undo_to(Mark(0));
        }
    }

    #[test]
    fn bytes_return_to_zero_when_all_is_undone() {
        let mut overlay = Overlay::default();
        let begin = overlay.mark();
        overlay.set_savepoint(SavepointId(1), 0).unwrap();
        overlay.set(&key(1), Some(vec![0; 100].into()));
        overlay.set(&key(1), Some(vec![0; 10].into()));
        overlay.set(&key(1), None);
        overlay.add_rows(TableId(1), 5);
        overlay.undo_to(begin);
        overlay.release(SavepointId(1)).unwrap();
        assert_eq!(overlay.bytes(), 0);
    }
}
