//! Building indexes of a table that others go on using: the client's part of
//! what `vamos_store::Build` describes.

use super::alter::{Alteration, Buffers, Show};
use super::batch::Change;
use super::copy::send;
use super::{Connection, Error};
use crate::codec::record::Record;
use crate::codec::row::{self, Plan};
use crate::codec::{Shape, entry};
use std::time::Duration;
use vamos_guest::{BuildStep, Durability, Isolation, Session};

/// How much is written between two commits.
const COMMIT_EVERY: usize = 16 << 20;

/// Rounds made while others write; they end earlier when one has few rows.
const ROUNDS: u32 = 20;
const FEW: u64 = 200;

/// Rounds made while nobody writes: the second finds nothing.
const LAST_ROUNDS: u32 = 10;

/// Which entries of changed rows are to be seen to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// All rows are new.
    Fill,
    /// Those that rows no longer have: all of them before any is added, so that
    /// a value that moved from row to row is free when its new row comes.
    Remove,
    /// Those that rows have now.
    Add,
}

/// An entry in a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    key_end: usize,
    unique: bool,
}

impl Alteration {
    /// Fills the new indexes, and follows the changes that come meanwhile until
    /// they are few.
    pub(crate) fn build(&mut self, connection: &mut Connection, show: Show<'_>) -> Result<(), Error> {
        if self.new_keys.is_empty() {
            return Ok(());
        }
        let thd = connection.thd();
        let mut done = 0;
        let mut progress = |rows: usize, expected: u64| {
            done += rows as u64;
            thd.progress(done.min(expected), expected.max(1));
        };
        let session = connection.builder();
        self.each(session, BuildStep::Scan, Pass::Fill, show, &mut progress)?;
        for _ in 0..ROUNDS {
            if self.round(session, show)? <= FEW {
                break;
            }
        }
        Ok(())
    }

    /// Follows the last changes; nobody makes more.
    pub(super) fn catch_up(&mut self, connection: &mut Connection, show: Show<'_>) -> Result<(), Error> {
        if self.new_keys.is_empty() {
            return Ok(());
        }
        let session = connection.builder();
        for _ in 0..LAST_ROUNDS {
            if self.round(session, show)? == 0 {
                return Ok(());
            }
        }
        let what = "the table is changed again and again while it is locked".into();
        Err(vamos_guest::Error::Protocol { what }.into())
    }

    fn round(&mut self, session: &mut Session, show: Show<'_>) -> Result<u64, Error> {
        let changed = session.build_round(self.ids.table)?;
        if changed > 0 {
            for pass in [Pass::Remove, Pass::Add] {
                self.each(session, BuildStep::Changes, pass, show, &mut |_, _| {})?;
            }
        }
        Ok(changed)
    }

    /// Does something with each row of a scan or round.
    fn each(
        &mut self,
        session: &mut Session,
        step: BuildStep,
        pass: Pass,
        show: Show<'_>,
        progress: &mut dyn FnMut(usize, u64),
    ) -> Result<(), Error> {
        let plan = self.plan();
        loop {
            // Each request is over sooner than a wait asks for it.
            if session.is_interrupted() {
                return Err(vamos_guest::Error::Interrupted.into());
            }
            let last = self.fetch(session, step)?;
            self.gather(&plan, pass)?;
            progress(self.state.rows.iter().count(), self.expected_rows);
            self.write(session, pass, show)?;
            if last {
                return Ok(());
            }
        }
    }

    /// The columns of which the new keys' entries are made.
    fn plan(&self) -> Plan {
        let primary = self.shape.primary.into_iter();
        let keys: Vec<_> = self.new_keys.iter().copied().chain(primary).collect();
        Plan::new(&self.shape, |column| {
            let parts = keys.iter().flat_map(|&key| &self.shape.keys[key].parts);
            parts.into_iter().any(|part| part.column == column)
        })
    }

    /// Makes changes to the new indexes of the rows that were fetched.
    fn gather(&mut self, plan: &Plan, pass: Pass) -> Result<(), Error> {
        let mut state = std::mem::take(&mut self.state);
        state.batch.clear();
        state.batch.set_table(&self.ids);
        state.origins.clear();
        let rows = std::mem::take(&mut state.rows);
        let mut result = Ok(());
        for (origin, row) in rows.iter().enumerate() {
            let (old, new) = match pass {
                Pass::Fill => (&[][..], row.value),
                Pass::Remove | Pass::Add => (row.primary_key, row.value),
            };
            for &key in &self.new_keys {
                result = result.and_then(|()| self.compare(&mut state, plan, key, row.key, old, new, pass));
            }
            state.origins.resize(state.batch.len(), origin);
        }
        state.rows = rows;
        self.state = state;
        result
    }

    /// What becomes of one row's entry in one index.
    #[expect(clippy::too_many_arguments)]
    fn compare(
        &self,
        state: &mut Buffers,
        plan: &Plan,
        key: usize,
        primary_key: &[u8],
        old: &[u8],
        new: &[u8],
        pass: Pass,
    ) -> Result<(), Error> {
        let Buffers {
            batch,
            record,
            scratch,
            first,
            second,
            ..
        } = state;
        let was = entry_of(&self.shape, plan, key, old, primary_key, record, scratch, first)?;
        let is = entry_of(&self.shape, plan, key, new, primary_key, record, scratch, second)?;
        let index = self.ids.index(self.shape.index_of(key));
        let same_key = match (was, is) {
            (Some(was), Some(is)) => {
                was.unique == is.unique && first.get(..was.key_end) == second.get(..is.key_end)
            }
            _ => false,
        };
        if let (Some(was), Pass::Remove, false) = (was, pass, same_key) {
            let place = batch.append(first.get(..was.key_end).unwrap_or_default());
            let change = if was.unique {
                Change::Delete
            } else {
                Change::DeleteUnlocked
            };
            batch.push(change, index, place, 0..0);
        }
        if let (Some(is), Pass::Fill | Pass::Add) = (is, pass)
            && !(same_key && first == second)
        {
            let (entry_key, value) = second.split_at(is.key_end.min(second.len()));
            let (entry_key, value) = (batch.append(entry_key), batch.append(value));
            let change = match (is.unique, same_key) {
                (true, false) => Change::Insert,
                (true, true) => Change::Put,
                (false, _) => Change::PutUnlocked,
            };
            batch.push(change, index, entry_key, value);
        }
        Ok(())
    }

    /// Sends the changes; commits now and then.
    fn write(&mut self, session: &mut Session, _pass: Pass, show: Show<'_>) -> Result<(), Error> {
        if self.state.batch.is_empty() {
            return Ok(());
        }
        if self.state.written > COMMIT_EVERY {
            session.commit(Durability::Never)?;
            self.state.written = 0;
        }
        // No lock is ever waited for: the indexes are this session's alone.
        session.begin(Isolation::ReadCommitted, Duration::from_secs(1));
        self.state.written += self.state.batch.byte_count();
        match send(session, &self.state.batch) {
            Err(Error::DuplicateInBatch { op }) => Err(self.duplicate(op, show)?),
            sent => sent,
        }
    }

    /// The error for a duplicate, whose row is shown.
    fn duplicate(&self, op: usize, show: Show<'_>) -> Result<Error, Error> {
        let origin = self.state.origins.get(op).copied().unwrap_or_default();
        if let Some(row) = self.state.rows.iter().nth(origin) {
            show(self, row.value)?;
        }
        let index = self.state.batch.index_at(op);
        let position = self.ids.indexes.iter().position(|id| Some(*id) == index);
        let key = position.and_then(|position| self.shape.key_of(position));
        Ok(Error::Duplicate {
            key: key.map_or(u32::MAX, |key| key as u32),
        })
    }

    /// Unpacks a whole row of the altered table.
    pub(crate) fn unpack(&self, row: &[u8], record: &mut [u8]) -> Result<(), Error> {
        Ok(row::unpack(&self.shape, &self.whole(), row, record)?)
    }

    /// Bytes of a record of the altered table.
    pub(crate) fn record_length(&self) -> usize {
        self.shape.record_length
    }
}

/// Encodes a row's entry into `out`, if there is a row.
#[expect(clippy::too_many_arguments)]
fn entry_of(
    shape: &Shape,
    plan: &Plan,
    key: usize,
    row: &[u8],
    primary_key: &[u8],
    record: &mut [u8],
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<Option<Entry>, Error> {
    out.clear();
    if row.is_empty() {
        return Ok(None);
    }
    row::unpack(shape, plan, row, record)?;
    // SAFETY: the columns that the entry is made of were just unpacked from the
    // row, which stays until the entry is made.
    let record = unsafe { Record::new(record) };
    let encoded = entry::put_entry(shape, key, record, primary_key, scratch, out)?;
    Ok(Some(Entry {
        key_end: encoded.key_end,
        unique: encoded.unique,
    }))
}
