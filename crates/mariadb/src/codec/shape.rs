//! What a table looks like to the codec.

use super::Collation;
use super::condition::Meaning;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// A table's columns and keys, and how they lie in MariaDB's buffers.
#[derive(Debug)]
pub struct Shape {
    /// The columns in the server's order.
    pub columns: Vec<Column>,
    /// What follows each other in a row.
    pub slots: Vec<Slot>,
    /// How many slots each row has at least.
    pub fewest_slots: usize,
    /// The keys in the server's order.
    pub keys: Vec<Key>,
    /// Which of the keys is the primary one; `None`: a hidden row id.
    pub primary: Option<usize>,
    /// Bytes of a record buffer.
    pub record_length: usize,
    /// The record with every column's default: what lies in the place of NULLs.
    pub defaults: Vec<u8>,
    /// Whether a column lives outside the record buffer.
    pub has_blobs: bool,
}

/// A place in a row. Rows that were written before a slot was added end before
/// it; a slot whose column was dropped stays, as NULL in new rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slot {
    /// A column's value.
    Column {
        /// The column, which is stored.
        column: usize,
        /// What the column has in rows that end before the slot.
        missing: Missing,
    },
    /// A dropped column's value.
    Dropped(Skip),
}

/// What a column has in rows that were written before it was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// There are none such: the column is as old as the table.
    Never,
    /// NULL.
    Null,
    /// A value, packed as in rows: the column's default when it was added.
    Value(Box<[u8]>),
}

/// How to get past a value in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Skip {
    /// It has so many bytes.
    Bytes(usize),
    /// It has its length before it.
    ByLength,
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Where it begins in the record buffer.
    pub offset: usize,
    /// Its length there (for [`Storage::Var`]: of the longest value).
    pub length: usize,
    /// The byte and the bit that say NULL; `None`: NOT NULL.
    pub null: Option<(usize, u8)>,
    /// How it lies there.
    pub storage: Storage,
    /// How it sorts.
    pub order: Order,
    /// What its values mean to the host.
    pub meaning: Meaning,
    /// Whether it is in the row; virtual columns are not.
    pub stored: bool,
}

/// How a column lies in the record buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As bytes of its length.
    Fixed,
    /// As bytes of its length, filled up with a pattern of so many bytes.
    Padded([u8; 4], u8),
    /// So many bytes of length, then the value.
    Var(u8),
    /// So many bytes of length, then a pointer to the value.
    Blob(u8),
    /// Some bits among the NULL bits, then bytes.
    Bit(Option<Bits>),
}

/// Bits that a BIT column keeps among the NULL bits; they may lie in two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The first byte.
    pub offset: usize,
    /// The lowest bit in it.
    pub shift: u8,
    /// How many.
    pub count: u8,
}

/// How a column's value becomes bytes that sort.
#[derive(Debug)]
pub enum Order {
    /// A little-endian integer.
    Unsigned,
    /// A little-endian integer in two's complement.
    Signed,
    /// As it is.
    Bytes,
    /// By its collation.
    Text(Collation),
    /// By the server.
    Server(Box<dyn Sorter>),
}

/// Makes a value of one column into bytes that sort.
pub trait Sorter: Debug + Send {
    /// Appends the sort key of the value, which lies as in a record.
    fn sort_key(&self, value: &[u8], out: &mut Vec<u8>);
    /// The length of each sort key.
    fn length(&self) -> usize;
}

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its own parts, and then those of the primary key that the server counts
    /// to it.
    pub parts: Vec<KeyPart>,
    /// How many are its own.
    pub own: usize,
    /// Whether its columns are unique (unless one is NULL).
    pub unique: bool,
    /// Parts of the primary key (by their position there) that follow the own
    /// parts in an entry that they make unique.
    pub suffix: Vec<usize>,
    /// Whether the suffix is the whole primary key, as it is encoded there.
    pub whole_suffix: bool,
    /// Columns that a covering read finds in the entry's extra bytes, in order.
    pub extra: Vec<usize>,
}

/// A part of a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyPart {
    /// The column.
    pub column: usize,
    /// How many bytes of the value count.
    pub length: usize,
    /// Whether there is a byte for NULL.
    pub nullable: bool,
    /// Whether key images carry two bytes of length.
    pub variable: bool,
    /// Whether it sorts descending.
    pub reverse: bool,
    /// Whether only the value's beginning counts.
    pub prefix: bool,
}

impl KeyPart {
    /// How many bytes it takes in a key image of the server's.
    pub fn image_length(&self) -> usize {
        usize::from(self.nullable) + if self.variable { 2 } else { 0 } + self.length
    }
}

impl Column {
    /// Whether its value can be read back from a key's bytes.
    pub fn key_is_value(&self) -> bool {
        matches!(self.order, Order::Unsigned | Order::Signed | Order::Bytes)
    }

    /// How to get past its value in a row.
    pub fn skip(&self) -> Skip {
        match self.storage {
            Storage::Fixed | Storage::Bit(None) => Skip::Bytes(self.length),
            Storage::Bit(Some(_)) => Skip::Bytes(self.length + 1),
            Storage::Padded(..) | Storage::Var(_) | Storage::Blob(_) => Skip::ByLength,
        }
    }

    /// How many bytes its sort key has, where that can be read back.
    pub fn key_length(&self) -> usize {
        match self.storage {
            Storage::Bit(Some(_)) => self.length + 1,
            _ => self.length,
        }
    }
}

/// The slots of a new table's rows.
fn each_stored(columns: &[Column]) -> Vec<Slot> {
    let stored = columns.iter().enumerate().filter(|(_, column)| column.stored);
    stored
        .map(|(column, _)| Slot::Column {
            column,
            missing: Missing::Never,
        })
        .collect()
}

impl Shape {
    /// Completes a shape: what follows from the columns and keys.
    pub fn new(
        columns: Vec<Column>,
        keys: Vec<Key>,
        primary: Option<usize>,
        record_length: usize,
        defaults: Vec<u8>,
    ) -> Self {
        let has_blobs = columns
            .iter()
            .any(|column| matches!(column.storage, Storage::Blob(_)));
        let slots = each_stored(&columns);
        let mut shape = Self {
            fewest_slots: slots.len(),
            slots,
            columns,
            keys,
            primary,
            record_length,
            defaults,
            has_blobs,
        };
        for key in 0..shape.keys.len() {
            if Some(key) != primary {
                shape.complete(key);
            }
        }
        shape
    }

    /// The same table with rows of these slots, each stored column in one of
    /// them; `None` if they do not fit.
    pub fn with_slots(mut self, slots: Vec<Slot>) -> Option<Self> {
        let mut unseen: Vec<bool> = self.columns.iter().map(|column| column.stored).collect();
        for slot in &slots {
            if let Slot::Column { column, .. } = slot
                && !std::mem::take(unseen.get_mut(*column)?)
            {
                return None;
            }
        }
        let oldest = |slot: &Slot| matches!(slot, Slot::Column { missing, .. } if *missing == Missing::Never);
        self.fewest_slots = slots.iter().rposition(oldest).map_or(0, |last| last + 1);
        self.slots = slots;
        (!unseen.contains(&true)).then_some(self)
    }

    fn complete(&mut self, number: usize) {
        let primary: Vec<KeyPart> = match self.primary {
            Some(primary) => {
                let key = &self.keys[primary];
                key.parts.iter().take(key.own).copied().collect()
            }
            None => Vec::new(),
        };
        let key = &self.keys[number];
        let own = &key.parts[..key.own];
        let has = |part: &KeyPart| own.iter().any(|own| own.column == part.column && !own.prefix);
        let suffix: Vec<usize> = (0..primary.len()).filter(|&part| !has(&primary[part])).collect();
        let mut extra = Vec::new();
        for part in own.iter().chain(&primary) {
            let column = &self.columns[part.column];
            if !part.prefix && !column.key_is_value() && !extra.contains(&part.column) {
                extra.push(part.column);
            }
        }
        let key = &mut self.keys[number];
        key.whole_suffix = suffix.len() == primary.len();
        key.suffix = suffix;
        key.extra = extra;
    }

    /// The position, among the host's indexes, of a key.
    pub fn index_of(&self, key: usize) -> usize {
        match self.primary {
            Some(primary) if key == primary => 0,
            Some(primary) if key > primary => key,
            _ => key + 1,
        }
    }

    /// The key that is the host's index at this position; `None`: the hidden one.
    pub fn key_of(&self, index: usize) -> Option<usize> {
        (0..self.keys.len()).find(|&key| self.index_of(key) == index)
    }
}
