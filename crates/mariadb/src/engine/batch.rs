//! Changes on their way to the host, gathered in one buffer.

use super::share::Ids;
use std::ops::Range;
use std::sync::Arc;
use vamos_guest::{Counter, CounterRaise, IndexId, TableId, Write, WriteOp};

/// What a change does; see [`WriteOp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Insert,
    Put,
    PutUnlocked,
    Delete,
    DeleteUnlocked,
}

#[derive(Debug)]
struct Op {
    change: Change,
    index: IndexId,
    key: Range<usize>,
    value: Range<usize>,
}

/// Changes to one table.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The table's numbers.
    ids: Option<Arc<Ids>>,
    bytes: Vec<u8>,
    ops: Vec<Op>,
    row_delta: i64,
    auto_increment: u64,
    row_id: u64,
    /// An insert may find its key taken, so the answer must be waited for.
    may_duplicate: bool,
}

impl Batch {
    /// Whether it is time to send it: two batches fit the ring of requests at
    /// once, so that one is made while the other is carried out.
    pub(crate) fn is_full(&self) -> bool {
        const SEND_BYTES: usize = 28 * 1024;
        const SEND_OPS: usize = 2048;
        self.bytes.len() >= SEND_BYTES || self.ops.len() >= SEND_OPS
    }

    /// Adds the changes of another batch, which are for the same table.
    pub(crate) fn append_batch(&mut self, other: &Self) {
        let shift = self.bytes.len();
        let moved = |place: &Range<usize>| place.start + shift..place.end + shift;
        self.bytes.extend_from_slice(&other.bytes);
        self.ops.extend(other.ops.iter().map(|op| Op {
            change: op.change,
            index: op.index,
            key: moved(&op.key),
            value: moved(&op.value),
        }));
        self.ids.clone_from(&other.ids);
        self.row_delta += other.row_delta;
        self.raise_auto_increment(other.auto_increment);
        self.raise_row_id(other.row_id);
        self.may_duplicate |= other.may_duplicate;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.ops.len()
    }

    /// The table that the changes belong to.
    pub(crate) fn table(&self) -> TableId {
        self.ids.as_ref().map_or(TableId(0), |ids| ids.table)
    }

    /// The numbers of the table that the changes belong to.
    pub(crate) fn ids(&self) -> Option<Arc<Ids>> {
        self.ids.clone()
    }

    /// Says for which table the changes to come are.
    pub(crate) fn set_table(&mut self, ids: &Arc<Ids>) {
        self.ids = Some(Arc::clone(ids));
    }

    /// How many bytes it has gathered.
    pub(crate) fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn may_duplicate(&self) -> bool {
        self.may_duplicate
    }

    /// Where encoders append keys and values.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends bytes and returns where they are.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// The bytes at a place.
    pub(crate) fn at(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    /// Adds a change of what lies at these places.
    pub(crate) fn push(&mut self, change: Change, index: IndexId, key: Range<usize>, value: Range<usize>) {
        self.may_duplicate |= change == Change::Insert;
        self.ops.push(Op {
            change,
            index,
            key,
            value,
        });
    }

    /// Forgets the changes after the first so many: a row that could not be encoded.
    pub(crate) fn truncate(&mut self, ops: usize, bytes: usize) {
        self.ops.truncate(ops);
        self.bytes.truncate(bytes);
    }

    pub(crate) fn count_rows(&mut self, delta: i64) {
        self.row_delta += delta;
    }

    pub(crate) fn raise_auto_increment(&mut self, next: u64) {
        self.auto_increment = self.auto_increment.max(next);
    }

    pub(crate) fn raise_row_id(&mut self, next: u64) {
        self.row_id = self.row_id.max(next);
    }

    /// How the table's number of rows changes.
    pub(crate) fn row_delta(&self) -> i64 {
        self.row_delta
    }

    /// The index of the change at this position.
    pub(crate) fn index_at(&self, op: usize) -> Option<IndexId> {
        self.ops.get(op).map(|op| op.index)
    }

    /// The value of the newest change of this index up to this position: with
    /// the primary index, the row to which the change belongs.
    pub(crate) fn value_before(&self, op: usize, index: IndexId) -> Option<&[u8]> {
        let upto = self.ops.get(..=op)?;
        let row = upto.iter().rev().find(|op| op.index == index)?;
        Some(self.at(&row.value))
    }

    /// The request.
    pub(crate) fn as_write(&self) -> Write<'_> {
        let raise = [
            (Counter::AutoIncrement, self.auto_increment),
            (Counter::RowId, self.row_id),
        ];
        Write {
            ops: self.ops.iter().map(|op| self.as_op(op)).collect(),
            raise: raise
                .into_iter()
                .filter(|&(_, next)| next > 0)
                .map(|(counter, next)| CounterRaise {
                    table: self.table(),
                    counter,
                    next,
                })
                .collect(),
            row_delta: self.row_delta,
            answer: true,
            table: self.table(),
        }
    }

    fn as_op(&self, op: &Op) -> WriteOp<'_> {
        let (index, key, value) = (op.index, self.at(&op.key), self.at(&op.value));
        match op.change {
            Change::Insert => WriteOp::Insert { index, key, value },
            Change::Put => WriteOp::Put { index, key, value },
            Change::PutUnlocked => WriteOp::PutUnlocked { index, key, value },
            Change::Delete => WriteOp::Delete { index, key },
            Change::DeleteUnlocked => WriteOp::DeleteUnlocked { index, key },
        }
    }

    /// Empties it and keeps its memory, unless a large row has blown it up.
    pub(crate) fn clear(&mut self) {
        const KEPT: usize = 1 << 20;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ops.clear();
        self.row_delta = 0;
        self.auto_increment = 0;
        self.row_id = 0;
        self.may_duplicate = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_of_a_change_is_the_newest_of_the_primary_index() {
        let mut batch = Batch::default();
        for row in [b"one", b"two"] {
            let key = batch.append(row);
            let value = batch.append(row);
            batch.push(Change::Insert, IndexId(1), key.clone(), value);
            batch.push(Change::Insert, IndexId(2), key, 0..0);
        }
        assert_eq!(batch.value_before(1, IndexId(1)), Some(&b"one"[..]));
        assert_eq!(batch.value_before(3, IndexId(1)), Some(&b"two"[..]));
        assert_eq!(batch.value_before(4, IndexId(1)), None);
        assert!(batch.may_duplicate());
        batch.clear();
        assert!(batch.is_empty() && !batch.may_duplicate());
    }

    #[test]
    fn counters_are_raised_only_where_used() {
        let mut batch = Batch::default();
        assert!(batch.as_write().raise.is_empty());
        batch.raise_auto_increment(7);
        batch.raise_auto_increment(5);
        assert_eq!(batch.as_write().raise[0].next, 7);
    }
}
