//! Whatever transactions do to each other's rows: by each index one of them sees the
//! rows that it sees in the table.

use crate::support::{Fixture, Row, commit, rows, scan, suffix_entry, value_entry, write};
use pollster::block_on;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use vamos_proto::{Direction, IndexId, Lock, LockWait, RowBlockBuilder, SavepointId, WriteOp, Written};
use vamos_store::Transaction;

const ROWS: u64 = 6;
const VALUES: u64 = 4;

/// Numbers that look random, the same ones each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// A row: its primary key, a value that is unique (0: NULL) and one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    id: u8,
    unique: u8,
    other: u8,
}

impl Seen {
    fn random(numbers: &mut Numbers) -> Self {
        Self {
            id: numbers.below(ROWS) as u8,
            unique: numbers.below(VALUES) as u8,
            other: numbers.below(VALUES) as u8,
        }
    }

    fn of(row: &Row) -> Self {
        let (key, primary_key, value) = row;
        let id = primary_key.first().unwrap_or(&key[0]);
        Self {
            id: *id,
            unique: value[0],
            other: value[1],
        }
    }

    /// The entries, each with the place of its index; the first one is the row.
    fn entries(self) -> Vec<(usize, Vec<u8>, Vec<u8>)> {
        let mut entries = vec![(0, vec![self.id], vec![self.unique, self.other])];
        if self.unique > 0 {
            entries.push((1, vec![self.unique], value_entry(&[self.id])));
        }
        entries.push((2, vec![self.other, self.id], suffix_entry(1)));
        entries
    }
}

type Entry = (usize, Vec<u8>, Vec<u8>);

fn delete(indexes: &[IndexId], entry: &Entry) -> WriteOp<'static> {
    let key: &'static [u8] = entry.1.clone().leak();
    match (indexes[entry.0], entry.0) {
        (index, 2) => WriteOp::DeleteUnlocked { index, key },
        (index, _) => WriteOp::Delete { index, key },
    }
}

fn insert(indexes: &[IndexId], entry: &Entry, there: bool) -> WriteOp<'static> {
    let (key, value): (&'static [u8], &'static [u8]) = (entry.1.clone().leak(), entry.2.clone().leak());
    match (indexes[entry.0], entry.0) {
        (index, 2) => WriteOp::PutUnlocked { index, key, value },
        (index, _) if there => WriteOp::Put { index, key, value },
        (index, _) => WriteOp::Insert { index, key, value },
    }
}

/// The changes that make one row of another, as the engine makes them.
fn changes(indexes: &[IndexId], old: Option<Seen>, new: Option<Seen>) -> Vec<WriteOp<'static>> {
    let (old, new) = (
        old.map_or_else(Vec::new, Seen::entries),
        new.map_or_else(Vec::new, Seen::entries),
    );
    let mut ops = Vec::new();
    for place in 0..3 {
        let of = |entries: &[Entry]| entries.iter().find(|entry| entry.0 == place).cloned();
        match (of(&old), of(&new)) {
            (Some(old), Some(new)) if old.1 == new.1 => {
                if old.2 != new.2 {
                    ops.push(insert(indexes, &new, true));
                }
            }
            (old, new) => {
                ops.extend(old.map(|old| delete(indexes, &old)));
                ops.extend(new.map(|new| insert(indexes, &new, false)));
            }
        }
    }
    ops
}

struct Client {
    transaction: Option<Transaction>,
    read_committed: bool,
}

/// Changes a row, as it is now, if its lock is free; `None` if it had to wait.
fn change(indexes: &[IndexId], transaction: &mut Transaction, numbers: &mut Numbers) -> Option<Written> {
    let mut context = Context::from_waker(Waker::noop());
    let new = Seen::random(numbers);
    let old_id = [numbers.below(ROWS) as u8];
    let mut found = RowBlockBuilder::new();
    let lock = Lock::Exclusive(LockWait::Wait);
    let ops = match numbers.below(4) {
        0 => changes(indexes, None, Some(new)),
        kind => {
            {
                let mut read = pin!(transaction.get(indexes[0], &old_id, lock, None, &mut found));
                match read.as_mut().poll(&mut context) {
                    Poll::Ready(read) => drop(read.unwrap()),
                    Poll::Pending => return None,
                }
            }
            let old = rows(&found).first().map(Seen::of)?;
            let same_id = Seen { id: old.id, ..new };
            match kind {
                1 => changes(indexes, Some(old), None),
                2 => changes(indexes, Some(old), Some(same_id)),
                _ => changes(indexes, Some(old), Some(new)),
            }
        }
    };
    let request = write(ops);
    let mut request = pin!(transaction.apply(&request));
    match request.as_mut().poll(&mut context) {
        Poll::Ready(written) => Some(written.unwrap()),
        Poll::Pending => None,
    }
}

/// What a scan of an index shows, by a cursor that fetches rows.
fn seen(
    fixture: &Fixture,
    indexes: &[IndexId],
    transaction: &mut Transaction,
    place: usize,
    lock: Lock,
) -> Option<Vec<Seen>> {
    let mut request = fixture.whole(indexes[place]);
    request.lock = lock;
    request.fetch = (place > 0).then_some(indexes[0]);
    let found = scan(transaction, &request, 2).ok()?;
    let mut all: Vec<_> = found.iter().map(Seen::of).collect();
    all.sort();
    if lock == Lock::None {
        request.direction = Direction::Backward;
        let mut backward: Vec<_> = scan(transaction, &request, 1)
            .ok()?
            .iter()
            .map(Seen::of)
            .collect();
        backward.sort();
        assert_eq!(backward, all);
        request.fetch = None;
        let covering = scan(transaction, &request, 3).ok()?;
        assert_eq!(covering.len(), all.len());
    }
    Some(all)
}

fn check(fixture: &Fixture, indexes: &[IndexId], transaction: &mut Transaction, lock: Lock) {
    let Some(table) = seen(fixture, indexes, transaction, 0, lock) else {
        return;
    };
    if let Some(by_other) = seen(fixture, indexes, transaction, 2, lock) {
        assert_eq!(by_other, table);
    }
    let Some(by_unique) = seen(fixture, indexes, transaction, 1, lock) else {
        return;
    };
    let with_value: Vec<_> = table.iter().copied().filter(|row| row.unique > 0).collect();
    assert_eq!(by_unique, with_value);
    for value in 1..VALUES as u8 {
        let mut found = RowBlockBuilder::new();
        let key = [value];
        let read = transaction.get(indexes[1], &key, lock, Some(indexes[0]), &mut found);
        let Ok(there) = block_on(read) else { continue };
        let first = with_value.iter().find(|row| row.unique == value);
        assert_eq!(there, first.is_some());
        assert_eq!(rows(&found).first().map(Seen::of).as_ref(), first);
    }
}

#[test]
fn each_index_shows_the_rows_of_the_table() {
    for seed in 1..=40 {
        let fixture = Fixture::new();
        let table = fixture.store().create_table("u", b"", 3, [1, 1]).unwrap();
        let indexes = &table.indexes[..];
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ seed);
        let mut clients: Vec<_> = (0..3)
            .map(|number| Client {
                transaction: None,
                read_committed: number == 2,
            })
            .collect();
        for _ in 0..150 {
            let place = numbers.below(3) as usize;
            let client = &mut clients[place];
            let begin = || match client.read_committed {
                true => fixture.begin_read_committed(),
                false => fixture.begin(),
            };
            let mut transaction = client.transaction.take().unwrap_or_else(begin);
            transaction.new_snapshot();
            match numbers.below(12) {
                0 | 1 => {
                    commit(transaction);
                    continue;
                }
                2 => continue,
                3 => transaction.set_savepoint(SavepointId(1)).unwrap(),
                4 => drop(transaction.rollback_to(SavepointId(1))),
                5 => check(&fixture, indexes, &mut transaction, Lock::Shared(LockWait::Fail)),
                _ => drop(change(indexes, &mut transaction, &mut numbers)),
            }
            check(&fixture, indexes, &mut transaction, Lock::None);
            clients[place].transaction = Some(transaction);
        }
    }
}

/// What a locking scan has found in a part of an index.
#[derive(Clone, Copy, Debug)]
struct Part {
    place: usize,
    low: [u8; 1],
    high: [u8; 1],
    direction: Direction,
    batch: usize,
}

impl Part {
    fn random(numbers: &mut Numbers) -> Self {
        Self {
            place: numbers.below(3) as usize,
            low: [numbers.below(ROWS) as u8],
            high: [numbers.below(ROWS) as u8 + 1],
            direction: match numbers.below(2) {
                0 => Direction::Forward,
                _ => Direction::Backward,
            },
            batch: numbers.below(3) as usize + 1,
        }
    }

    /// What is there; `None` if it cannot be locked at once.
    fn locked(
        &self,
        fixture: &Fixture,
        indexes: &[IndexId],
        transaction: &mut Transaction,
    ) -> Option<Vec<Row>> {
        let mut request = fixture.whole(indexes[self.place]);
        (request.range.low, request.range.high) = (&self.low, &self.high);
        request.direction = self.direction;
        request.lock = Lock::Shared(LockWait::Fail);
        request.fetch = (self.place > 0).then_some(indexes[0]);
        scan(transaction, &request, self.batch).ok()
    }
}

#[test]
fn what_was_read_with_locks_stays_until_the_reader_changes_it() {
    for seed in 1..=40 {
        let fixture = Fixture::new();
        let table = fixture.store().create_table("u", b"", 3, [1, 1]).unwrap();
        let indexes = &table.indexes[..];
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ seed);
        let begin = |_| (fixture.begin(), Vec::<(Part, Vec<Row>)>::new());
        let mut clients: Vec<_> = (0..3).map(begin).collect();
        for _ in 0..150 {
            let (transaction, found) = &mut clients[numbers.below(3) as usize];
            match numbers.below(8) {
                0 => {
                    commit(std::mem::replace(transaction, fixture.begin()));
                    found.clear();
                }
                1 => {
                    *transaction = fixture.begin();
                    found.clear();
                }
                2 => transaction.set_savepoint(SavepointId(1)).unwrap(),
                3 => {
                    drop(transaction.rollback_to(SavepointId(1)));
                    found.clear();
                }
                4 => {
                    change(indexes, transaction, &mut numbers);
                    found.clear();
                }
                _ => {
                    let part = Part::random(&mut numbers);
                    if let Some(rows) = part.locked(&fixture, indexes, transaction) {
                        found.push((part, rows));
                    }
                }
            }
            for (transaction, found) in &mut clients {
                for (part, rows) in found {
                    let again = part.locked(&fixture, indexes, transaction);
                    assert_eq!(again.as_ref(), Some(&*rows), "{part:?}");
                }
            }
        }
    }
}
