//! Reading rows by positions that were handed out before.
//!
//! The server notes positions while it scans and comes back for the rows later:
//! in the same order (an UPDATE that changes the key it uses), in the order of
//! the primary key (several keys of a table together), or in any other (a sort).
//! The positions are remembered, and when the first ones come back in one of
//! these orders, the rows of those behind them are fetched together.

use super::handler::Handler;
use super::{Connection, Error};
use vamos_guest::{MultiGet, Row, Rows};

/// Bytes of positions that a statement remembers.
const REMEMBERED: usize = 8 << 20;

/// Rows fetched together: at first, at most, and about how many bytes of them.
const FIRST: usize = 4;
const MOST: usize = 512;
const BYTES: usize = 512 << 10;

/// What a row has while that is not known.
const ROW_BYTES: usize = 1024;

/// So many positions must have come back in no order before all are fetched, if
/// they are few enough.
const PATIENCE: usize = 16;

/// In what order the positions come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    /// None has come back.
    #[default]
    Unknown,
    /// That of the list, in which this one is the next.
    Listed { next: usize },
    /// None that is known; so many have come back.
    None { seen: usize },
}

/// Positions handed out in a statement, and rows fetched for them.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    /// As the server has them, one behind the other.
    noted: Vec<u8>,
    length: usize,
    /// The last one is of the row read last.
    of_last_row: bool,
    full: bool,
    /// The keys, in the order in which they come back.
    keys: Vec<Vec<u8>>,
    order: Order,
    window: usize,
    rows: Rows,
    /// The place in `rows` of the next row, and up to which of `keys` they are.
    at: usize,
    fetched: usize,
    /// Fetched in no order: the keys' places in `rows`.
    all: Option<std::collections::HashMap<Vec<u8>, usize>>,
    /// The connection's count of writes that `rows` goes with.
    pub(super) writes: u64,
}

/// Where a row that is asked for is.
enum Found {
    /// At this place in the fetched rows.
    At(usize),
    /// There is none.
    Missing,
    /// It was not fetched.
    Unknown,
}

impl Positions {
    /// Notes a position that was handed out.
    pub(crate) fn note(&mut self, position: &[u8]) {
        self.length = position.len();
        self.full |= self.noted.len() + position.len() > REMEMBERED;
        if !self.full {
            self.noted.extend_from_slice(position);
            self.of_last_row = true;
        }
    }

    /// Another row was read.
    pub(super) fn leave_row(&mut self) {
        self.of_last_row = false;
    }

    /// The row read last does not match: its position does not come back. (A sort notes
    /// the positions of all rows before it looks at them.)
    pub(super) fn reject_row(&mut self) {
        if std::mem::take(&mut self.of_last_row) {
            self.noted.truncate(self.noted.len().saturating_sub(self.length));
        }
    }

    /// The statement is over.
    pub(crate) fn forget(&mut self) {
        if self.length > 0 {
            *self = Self::default();
        }
    }

    fn noted(&self) -> impl Iterator<Item = &[u8]> {
        self.noted.chunks_exact(self.length.max(1))
    }

    /// Forgets fetched rows: they may have changed.
    fn drop_rows(&mut self) {
        self.all = None;
        if let Order::Listed { next } = self.order {
            self.fetched = next;
        }
    }

    /// Looks for a row among those fetched.
    fn find(&mut self, key: &[u8]) -> Found {
        if let Some(all) = &self.all {
            return match all.get(key) {
                Some(&at) => Found::At(at),
                None => Found::Unknown,
            };
        }
        let Order::Listed { next } = self.order else {
            return Found::Unknown;
        };
        if next >= self.fetched || self.keys.get(next).is_none_or(|listed| listed != key) {
            return Found::Unknown;
        }
        self.order = Order::Listed { next: next + 1 };
        match self.rows.row_at(self.at) {
            Some((row, behind)) if row.key == key => {
                let at = std::mem::replace(&mut self.at, behind);
                Found::At(at)
            }
            _ => Found::Missing,
        }
    }

    /// A row was asked for that was not fetched: which ones to fetch, itself
    /// first. Empty: itself alone.
    fn choose(&mut self, key: &[u8], row_bytes: usize) -> &[Vec<u8>] {
        self.order = match self.order {
            Order::Unknown if self.keys.first().is_some_and(|first| first == key) => {
                Order::Listed { next: 0 }
            }
            Order::Unknown => {
                let mut sorted = self.keys.clone();
                sorted.sort();
                sorted.dedup();
                match sorted.first().is_some_and(|first| first == key) {
                    true => {
                        self.keys = sorted;
                        Order::Listed { next: 0 }
                    }
                    false => Order::None { seen: 1 },
                }
            }
            Order::Listed { next } if self.keys.get(next).is_some_and(|listed| listed == key) => {
                Order::Listed { next }
            }
            Order::Listed { .. } => Order::None { seen: 1 },
            Order::None { seen } => Order::None { seen: seen + 1 },
        };
        let fitting = (BYTES / row_bytes.max(1)).clamp(1, MOST);
        match self.order {
            Order::Listed { next } => {
                self.window = (self.window * 4).clamp(FIRST, MOST).min(fitting);
                let end = (next + self.window).min(self.keys.len());
                self.keys.get(next..end).unwrap_or_default()
            }
            Order::None { seen } if seen == PATIENCE && self.keys.len() <= 2 * fitting => &self.keys,
            _ => &[],
        }
    }

    /// Rows have been fetched for the first of what was chosen.
    fn take_rows(&mut self, rows: Rows, count: usize) {
        self.rows = rows;
        self.at = 0;
        match self.order {
            Order::Listed { next } => self.fetched = next + count,
            _ => {
                let mut places = std::collections::HashMap::with_capacity(count);
                let mut at = 0;
                while let Some((row, behind)) = self.rows.row_at(at) {
                    places.insert(row.key.to_vec(), at);
                    at = behind;
                }
                self.all = Some(places);
            }
        }
    }
}

impl Handler {
    /// The server was given this position of the row read last.
    pub(crate) fn note_position(&mut self, position: &[u8]) {
        self.positions.note(position);
    }

    /// Puts the row at a position into `record` if it was, or is to be, fetched
    /// with others. `None`: it is to be read alone.
    pub(super) fn read_noted(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        key: &[u8],
    ) -> Result<Option<bool>, Error> {
        if self.positions.length == 0 || self.positions.full {
            return Ok(None);
        }
        if self.positions.writes != connection.writes() {
            self.positions.drop_rows();
        }
        if let Some(found) = self.take_noted(record, key)? {
            return Ok(Some(found));
        }
        self.list_keys()?;
        let row_bytes = self.share.known_statistics().map_or(ROW_BYTES, |statistics| {
            statistics.entry_bytes(0).max(16.0) as usize
        });
        let mut rows = std::mem::take(&mut self.positions.rows);
        let chosen = self.positions.choose(key, row_bytes);
        let count = chosen.len();
        if count < 2 {
            self.positions.rows = rows;
            if let Order::Listed { next } = self.positions.order {
                self.positions.order = Order::Listed { next: next + 1 };
            }
            return Ok(None);
        }
        let ids = self.share.ids();
        connection.flush_table(ids.table)?;
        let get = MultiGet {
            index: ids.index(0),
            keys: chosen.iter().map(Vec::as_slice).collect(),
            lock: self.lock.lock,
        };
        let read = connection.reader(ids.table).multi_get(&get, &mut rows)?;
        self.positions.take_rows(rows, read);
        self.positions.writes = connection.writes();
        self.take_noted(record, key)
    }

    fn take_noted(&mut self, record: &mut [u8], key: &[u8]) -> Result<Option<bool>, Error> {
        let at = match self.positions.find(key) {
            Found::At(at) => at,
            Found::Missing => return Ok(Some(false)),
            Found::Unknown => return Ok(None),
        };
        let rows = std::mem::take(&mut self.positions.rows);
        let delivered = match rows.row_at(at) {
            Some((row, _)) => self.deliver_whole(row, record),
            None => Ok(false),
        };
        self.positions.rows = rows;
        delivered.map(Some)
    }

    fn deliver_whole(&mut self, row: Row<'_>, record: &mut [u8]) -> Result<bool, Error> {
        let delivered = self.deliver(row, 0, false, record);
        // It may be delivered once more without being read again.
        self.locked_key.clear();
        delivered
    }

    /// Makes keys of the positions, when the first one comes back.
    fn list_keys(&mut self) -> Result<(), Error> {
        if self.positions.order != Order::Unknown || !self.positions.keys.is_empty() {
            return Ok(());
        }
        let positions = std::mem::take(&mut self.positions);
        let mut keys = Vec::new();
        for position in positions.noted() {
            keys.push(self.key_of_position(position)?);
        }
        self.positions = Positions {
            keys,
            noted: Vec::new(),
            ..positions
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(keys: &[&[u8]]) -> Positions {
        Positions {
            keys: keys.iter().map(|key| key.to_vec()).collect(),
            ..Positions::default()
        }
    }

    #[test]
    fn rows_are_fetched_in_the_order_in_which_positions_were_handed_out() {
        let mut positions = listed(&[b"c", b"a", b"b", b"e", b"d"]);
        let chosen = positions.choose(b"c", 100).to_vec();
        assert_eq!(chosen, [b"c", b"a", b"b", b"e"]);
    }

    #[test]
    fn or_in_the_order_of_the_keys() {
        let mut positions = listed(&[b"c", b"a", b"b"]);
        assert_eq!(positions.choose(b"a", 100).to_vec(), [b"a", b"b", b"c"]);
    }

    #[test]
    fn rows_in_no_order_are_fetched_together_only_after_some() {
        let mut positions = listed(&[b"c", b"a", b"b", b"d"]);
        for _ in 1..PATIENCE {
            assert!(positions.choose(b"b", 100).is_empty());
        }
        assert_eq!(positions.choose(b"d", 100).len(), 4);
        // Large rows are not.
        let mut positions = listed(&[b"c", b"a", b"b", b"d"]);
        for _ in 0..2 * PATIENCE {
            assert!(positions.choose(b"b", BYTES).is_empty());
        }
    }

    #[test]
    fn a_statement_remembers_only_so_many() {
        let mut positions = Positions::default();
        for _ in 0..3 {
            positions.note(&vec![1; REMEMBERED / 2]);
        }
        assert!(positions.full && positions.noted.len() <= REMEMBERED);
        positions.forget();
        assert!(!positions.full);
    }
}
