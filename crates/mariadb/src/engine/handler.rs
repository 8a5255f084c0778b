//! A handler: one table, open in one of the server's table instances.

use super::ahead::Ahead;
use super::batch::Batch;
use super::foreign::Link;
use super::positions::Positions;
use super::pushdown::Pushdown;
use super::range_cache::Range;
use super::scan::Scan;
use super::share::ANALYZED;
use super::statistics::Statistics;
use super::{Connection, Error, Share};
use crate::codec::row::Plan;
use crate::codec::{Shape, key};
use std::rc::Rc;
use std::sync::Arc;
use vamos_guest::{Lock, Rows};

/// The locks that a statement's reads take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockUse {
    pub(crate) lock: Lock,
    /// Rows that a scan may lock ahead of its reader.
    pub(crate) ahead: u32,
    /// The lock of a row that the server does not want is given back.
    pub(crate) unlock: bool,
}

/// How good statistics must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// What is known without asking.
    Known,
    /// Not much older than the last large change.
    Recent,
    /// The number of rows is asked for.
    Fresh,
    /// Everything is counted anew.
    Analyzed,
}

/// A table's rows, and the bytes that one has on average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) rows: u64,
    pub(crate) entry_bytes: f64,
    /// In all secondary indexes together.
    pub(crate) secondary_bytes: f64,
}

/// An open table.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(super) share: Arc<Share>,
    pub(crate) shape: Rc<Shape>,
    /// The locks of the present statement.
    pub(crate) lock: LockUse,
    /// How many rows the server will probably read in each scan; 0: all.
    pub(crate) first_rows: u32,
    /// The conditions of the present statement.
    pub(crate) pushdown: Pushdown,
    /// The columns that the present statement wants; made at its first read.
    pub(crate) plan: Option<Plan>,
    /// Every column.
    pub(super) whole: Plan,
    /// The key that an index scan uses; `None`: the primary index.
    pub(super) active: Option<usize>,
    pub(super) scan: Option<Scan>,
    pub(super) ahead: Option<Ahead>,
    pub(super) positions: Positions,
    /// A table scan was begun, and nothing read yet.
    pub(super) table_scan_begun: bool,
    /// The key, in the scanned index, of the row read last.
    pub(super) entry_key: Vec<u8>,
    pub(super) on_row: bool,
    /// The key of the row read last in a table whose primary key is hidden.
    pub(super) row_key: Vec<u8>,
    /// The primary key of the row read last, if its lock can be given back.
    pub(super) locked_key: Vec<u8>,
    /// The row read last, where the record points into it (blobs).
    pub(super) value: Vec<u8>,
    pub(super) rows: Rows,
    pub(super) batch: Batch,
    /// The statement updates or deletes rows that it alone has read: the changes
    /// may be sent later, many together.
    pub(crate) gathers: bool,
    pub(super) scratch: Vec<u8>,
    pub(super) buffer: Vec<u8>,
    /// Ranges whose sizes the optimizer will ask for.
    pub(super) expected: Vec<Range>,
    /// To what its rows refer, and what refers to them.
    pub(super) parents: Vec<Link>,
    pub(super) children: Vec<Link>,
}

impl Handler {
    /// # Errors
    /// [`Error::OldDefinition`] if the table's columns are not those that its
    /// rows have.
    pub(crate) fn new(share: Arc<Share>, shape: Shape) -> Result<Self, Error> {
        let shape = share.definition().shape(shape)?;
        Ok(Self {
            share,
            whole: Plan::new(&shape, |_| true),
            shape: Rc::new(shape),
            lock: LockUse {
                lock: Lock::None,
                ahead: 1,
                unlock: false,
            },
            first_rows: 0,
            pushdown: Pushdown::default(),
            plan: None,
            active: None,
            scan: None,
            ahead: None,
            positions: Positions::default(),
            table_scan_begun: false,
            entry_key: Vec::new(),
            on_row: false,
            row_key: Vec::new(),
            locked_key: Vec::new(),
            value: Vec::new(),
            rows: Rows::default(),
            batch: Batch::default(),
            gathers: false,
            scratch: Vec::new(),
            buffer: Vec::new(),
            expected: Vec::new(),
            parents: Vec::new(),
            children: Vec::new(),
        })
    }

    /// Called between statements: forgets what belonged to the last one, and
    /// gives back the memory that a large row took.
    pub(crate) fn reset(&mut self) {
        self.plan = None;
        self.positions.forget();
        self.gathers = false;
        self.pushdown.reset();
        if self.value.capacity() > KEPT {
            self.value = Vec::new();
            self.rows = Rows::default();
        }
    }

    /// How many rows have the same first parts of a key, by what is known.
    pub(crate) fn rows_per_value(&self, key: usize, parts: usize, rows: u64) -> f64 {
        match self.share.known_statistics() {
            Some(statistics) => statistics.rows_per_value(&self.shape, key, parts, rows),
            None => Statistics::default().rows_per_value(&self.shape, key, parts, rows),
        }
    }

    /// What the optimizer is told of the table's size and distribution.
    pub(crate) fn table_sizes(&self, connection: &mut Connection, wish: Wish) -> Result<Sizes, Error> {
        let statistics = match wish {
            Wish::Known => self.share.known_statistics().unwrap_or_default(),
            Wish::Recent | Wish::Fresh => self.share.statistics(connection, &self.shape)?,
            Wish::Analyzed => self.share.survey(connection, &self.shape, ANALYZED)?,
        };
        let rows = match wish {
            Wish::Known => statistics.rows,
            Wish::Analyzed | Wish::Fresh => self.share.stats(connection, true)?.rows,
            Wish::Recent => self.share.stats(connection, false)?.rows,
        };
        Ok(Sizes {
            rows,
            entry_bytes: statistics.entry_bytes(0),
            secondary_bytes: statistics.secondary_entry_bytes(),
        })
    }

    /// The row read last does not match: under READ COMMITTED it need not stay
    /// locked.
    pub(crate) fn unlock_row(&mut self, connection: &mut Connection) -> Result<(), Error> {
        self.positions.reject_row();
        if !self.lock.unlock || self.locked_key.is_empty() {
            return Ok(());
        }
        let index = self.share.ids().index(0);
        connection.unlock(index, std::mem::take(&mut self.locked_key))
    }

    pub(crate) fn share(&self) -> &Share {
        &self.share
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(crate) fn record_length(&self) -> usize {
        self.shape.record_length
    }

    /// Bytes of a row's position, as the server keeps it: the primary key as in
    /// key images, or the hidden row id.
    pub(crate) fn position_length(&self) -> usize {
        match self.shape.primary {
            Some(primary) => {
                let key = &self.shape.keys[primary];
                key.parts[..key.own].iter().map(|part| part.image_length()).sum()
            }
            None => ROW_ID,
        }
    }

    /// The hidden row id of the row read last.
    pub(crate) fn row_id(&self) -> [u8; ROW_ID] {
        let mut id = [0; ROW_ID];
        if self.row_key.len() == ROW_ID {
            id.copy_from_slice(&self.row_key);
        }
        id
    }

    /// Encodes a key image of the server's.
    pub(super) fn encode_image(&mut self, key: usize, image: &[u8]) -> Result<(Vec<u8>, usize, bool), Error> {
        let mut out = Vec::with_capacity(image.len() + 16);
        let (parts, has_null) = key::put_image(&self.shape, key, image, &mut self.scratch, &mut out)?;
        Ok((out, parts, has_null))
    }
}

/// How large a row's buffer may stay between statements.
const KEPT: usize = 256 * 1024;

/// Bytes of a hidden row id, big-endian.
pub(super) const ROW_ID: usize = 8;
