//! Reads by key.

use crate::Error;
use crate::session::{Session, refusal};
use vamos_proto::{Get, Lock, MultiGet, Request, Response, Row, RowBlock};

/// The rows that a read found. Owned by the caller and used again and again.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    block: Vec<u8>,
}

impl Rows {
    /// The first row, if one was found.
    pub fn row(&self) -> Option<Row<'_>> {
        self.iter().next()
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        // The block was checked when it arrived.
        RowBlock::new(&self.block).into_iter().map_while(Result::ok)
    }

    /// The row that begins at a place, and where the next one does; the first one
    /// begins at 0.
    pub fn row_at(&self, at: usize) -> Option<(Row<'_>, usize)> {
        // The block was checked when it arrived.
        RowBlock::new(&self.block).row_at(at).ok().flatten()
    }

    /// The place behind the key of the last row, among keys in the rows' order.
    fn last_of(&self, keys: &[&[u8]]) -> usize {
        let mut behind = 0;
        for row in self.iter() {
            let rest = keys.get(behind..).unwrap_or_default();
            behind += rest.iter().position(|key| *key == row.key).map_or(0, |at| at + 1);
        }
        behind
    }

    /// Takes over the rows of a block, whose lengths it checks.
    pub(crate) fn fill(&mut self, block: RowBlock<'_>) -> Result<usize, Error> {
        let mut count = 0;
        for row in block.iter() {
            row?;
            count += 1;
        }
        self.block.clear();
        self.block.extend_from_slice(block.as_bytes());
        Ok(count)
    }
}

impl Session {
    /// Reads one key. Returns whether there is a row; it is in `rows` then.
    ///
    /// # Errors
    /// As every request; with a lock also those of waiting for it.
    pub fn get(&mut self, get: &Get<'_>, rows: &mut Rows) -> Result<bool, Error> {
        let read = self.read(&Request::Get(*get), get.lock, rows)?;
        Ok(read.found > 0)
    }

    /// Reads many keys in one request. Returns how many of them were read: where
    /// their rows are large those behind the last row that was found were not.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn multi_get(&mut self, keys: &MultiGet<'_>, rows: &mut Rows) -> Result<usize, Error> {
        let read = self.read(&Request::MultiGet(keys.clone()), keys.lock, rows)?;
        match read {
            Read { all: true, .. } => Ok(keys.keys.len()),
            Read { found: 0, .. } => Err(Error::Protocol {
                what: "an answer of a read has no rows, and not all".into(),
            }),
            _ => Ok(rows.last_of(&keys.keys)),
        }
    }

    fn read(&mut self, request: &Request<'_>, lock: Lock, rows: &mut Rows) -> Result<Read, Error> {
        self.open_on_host()?;
        if lock != Lock::None {
            self.transaction.set_locked();
        }
        let result = self.exchange(request, |response| {
            let (all, block) = match response {
                Response::LastRows(block) => (true, block),
                Response::Rows(block) => (false, block),
                other => return Err(refusal(other, "a read")),
            };
            let found = rows.fill(block)?;
            Ok(Read { found, all })
        });
        self.checked(result)
    }
}

/// An answer: how many rows were found, and whether these are all.
struct Read {
    found: usize,
    all: bool,
}
