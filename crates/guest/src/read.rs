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
        let found = self.read(&Request::Get(*get), get.lock, rows)?;
        Ok(found > 0)
    }

    /// Reads many keys in one request. Returns how many rows were found.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn multi_get(&mut self, get: MultiGet<'_>, rows: &mut Rows) -> Result<usize, Error> {
        let lock = get.lock;
        self.read(&Request::MultiGet(get), lock, rows)
    }

    fn read(&mut self, request: &Request<'_>, lock: Lock, rows: &mut Rows) -> Result<usize, Error> {
        self.open_on_host()?;
        if lock != Lock::None {
            self.transaction.set_locked();
        }
        let result = self.exchange(request, |response| match response {
            Response::LastRows(block) | Response::Rows(block) => rows.fill(block),
            other => Err(refusal(other, "a read")),
        });
        self.checked(result)
    }
}
