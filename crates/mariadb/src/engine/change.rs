//! Changing rows: one row becomes changes to the primary index and to each
//! secondary one, made by the host together or not at all.

use super::batch::{Batch, Change};
use super::handler::{Handler, ROW_ID};
use super::share::Ids;
use super::{Connection, Error};
use crate::codec::record::Record;
use crate::codec::row;
use crate::codec::{Shape, entry};
use std::ops::Range;
use std::rc::Rc;

/// An entry of a secondary index, encoded into a batch's buffer.
struct Entry {
    key: Range<usize>,
    value: Range<usize>,
    unique: bool,
}

/// How a row is inserted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    /// The table's AUTO_INCREMENT counter after the row, or 0.
    pub(crate) auto_increment_next: u64,
    /// It may only be put with others to be sent later; a duplicate then comes up
    /// later.
    pub(crate) gather: bool,
    /// A duplicate raises the counter as well.
    pub(crate) duplicate_uses_value: bool,
}

impl Handler {
    /// Inserts a row.
    pub(crate) fn write_row(
        &mut self,
        connection: &mut Connection,
        record: Record<'_>,
        how: Write,
    ) -> Result<(), Error> {
        let ids = self.share.ids();
        let auto_increment_next = how.auto_increment_next;
        if connection.pending().table() != ids.table || !how.gather {
            connection.flush()?;
        }
        connection.count_write();
        if how.gather {
            self.share.auto_increment.raise(auto_increment_next);
            let batch = connection.pending();
            batch.set_table(&ids);
            self.add_row(batch, &ids, record, auto_increment_next)?;
            self.share.count_rows(1);
            return connection.flush_if_full();
        }
        let result = self.change(connection, |this, batch| {
            this.add_row(batch, &ids, record, auto_increment_next)
        });
        let uses_value = match &result {
            Ok(()) => true,
            Err(Error::Duplicate { .. }) => how.duplicate_uses_value,
            Err(_) => false,
        };
        if uses_value {
            self.share.auto_increment.raise(auto_increment_next);
        }
        result
    }

    /// Fills the handler's batch and sends it.
    fn change(
        &mut self,
        connection: &mut Connection,
        fill: impl FnOnce(&mut Self, &mut Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        batch.set_table(&self.share.ids());
        let result = fill(self, &mut batch).and_then(|()| self.send_batch(connection, &batch));
        self.batch = batch;
        result
    }

    /// Changes the row read last: no row that was fetched for its position and has
    /// not been read is concerned.
    fn count_own_write(&mut self, connection: &mut Connection) {
        let known = self.positions.writes == connection.writes();
        connection.count_write();
        if known {
            self.positions.writes = connection.writes();
        }
    }

    /// Makes changes, which wait for others if they cannot be refused and the
    /// statement lets them.
    fn change_or_gather(
        &mut self,
        connection: &mut Connection,
        fill: impl FnOnce(&mut Self, &mut Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let ids = self.share.ids();
        let waiting = connection.pending().table();
        if !self.gathers || waiting != ids.table {
            connection.flush()?;
        }
        if !self.gathers {
            return self.change(connection, fill);
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        batch.set_table(&ids);
        let filled = fill(self, &mut batch);
        let gathered = match (&filled, batch.may_duplicate()) {
            (Ok(()), false) => {
                self.share.count_rows(batch.row_delta());
                connection.pending().append_batch(&batch);
                Some(connection.flush_if_full())
            }
            _ => None,
        };
        self.batch = batch;
        match (filled, gathered) {
            (Err(error), _) => Err(error),
            (_, Some(sent)) => sent,
            (Ok(()), None) => {
                connection.flush()?;
                let batch = std::mem::take(&mut self.batch);
                let sent = self.send_batch(connection, &batch);
                self.batch = batch;
                sent
            }
        }
    }

    fn send_batch(&mut self, connection: &mut Connection, batch: &Batch) -> Result<(), Error> {
        // What is under way comes first, and its refusal too.
        connection.finish_writes()?;
        match connection.send(batch) {
            Err(Error::DuplicateInBatch { op }) => Err(self.duplicate(batch, op)),
            Ok(()) => {
                self.share.count_rows(batch.row_delta());
                Ok(())
            }
            other => other,
        }
    }

    /// Which of the server's keys the change at this position was for.
    fn duplicate(&self, batch: &Batch, op: usize) -> Error {
        // Those that the batch was filled with: another partition's, maybe.
        let ids = batch.ids().unwrap_or_else(|| self.share.ids());
        let index = batch.index_at(op);
        let position = ids.indexes.iter().position(|id| Some(*id) == index);
        let key = position.and_then(|position| self.shape.key_of(position));
        Error::Duplicate {
            key: key.map_or(u32::MAX, |key| key as u32),
        }
    }

    /// A duplicate in a bulk insert belongs to a row that the server may have
    /// forgotten: puts that row into `record`, from which the server takes the
    /// value for its message.
    pub(crate) fn show_duplicate<'a>(
        &mut self,
        connection: &mut Connection,
        result: Result<(), Error>,
        record: impl FnOnce() -> &'a mut [u8],
    ) -> Result<(), Error> {
        let Err(Error::DuplicateInBatch { op }) = result else {
            return result;
        };
        let batch = connection.pending();
        let error = self.duplicate(batch, op);
        let ids = batch.ids().unwrap_or_else(|| self.share.ids());
        if let Some(value) = batch.value_before(op, ids.index(0)) {
            self.value.clear();
            self.value.extend_from_slice(value);
            row::unpack(&self.shape, &self.whole, &self.value, record())?;
        }
        batch.clear();
        Err(error)
    }

    /// Adds an insert.
    fn add_row(
        &mut self,
        batch: &mut Batch,
        ids: &Ids,
        record: Record<'_>,
        auto_increment_next: u64,
    ) -> Result<(), Error> {
        let (ops, bytes) = (batch.len(), batch.byte_count());
        let added = self.add_row_changes(batch, ids, record);
        if added.is_err() {
            batch.truncate(ops, bytes);
            return added;
        }
        batch.raise_auto_increment(auto_increment_next);
        batch.count_rows(1);
        Ok(())
    }

    fn add_row_changes(&mut self, batch: &mut Batch, ids: &Ids, record: Record<'_>) -> Result<(), Error> {
        let shape = Rc::clone(&self.shape);
        let (primary_key, change) = match shape.primary {
            Some(_) => (self.encode_primary(batch, record)?, Change::Insert),
            None => (self.new_row_key(batch), Change::Put),
        };
        let value = pack(&shape, batch, record);
        batch.push(change, ids.index(0), primary_key.clone(), value);
        for key in secondary_keys(&shape) {
            let entry = self.encode_entry(batch, key, record, &primary_key)?;
            let change = if entry.unique {
                Change::Insert
            } else {
                Change::PutUnlocked
            };
            batch.push(change, ids.index(shape.index_of(key)), entry.key, entry.value);
        }
        Ok(())
    }

    /// A row id for a row of a table without primary key.
    fn new_row_key(&mut self, batch: &mut Batch) -> Range<usize> {
        let id = self.share.new_row_id();
        batch.raise_row_id(id + 1);
        self.row_key.clear();
        self.row_key.extend_from_slice(&id.to_be_bytes());
        batch.append(&id.to_be_bytes())
    }

    fn encode_primary(&mut self, batch: &mut Batch, record: Record<'_>) -> Result<Range<usize>, Error> {
        let out = batch.buffer();
        let start = out.len();
        match self.shape.primary {
            Some(primary) => entry::put_primary(&self.shape, primary, record, &mut self.scratch, out)?,
            None => out.extend_from_slice(self.row_key.get(..ROW_ID).unwrap_or_default()),
        }
        Ok(start..out.len())
    }

    fn encode_entry(
        &mut self,
        batch: &mut Batch,
        key: usize,
        record: Record<'_>,
        primary_key: &Range<usize>,
    ) -> Result<Entry, Error> {
        self.buffer.clear();
        self.buffer.extend_from_slice(batch.at(primary_key));
        let out = batch.buffer();
        let start = out.len();
        let encoded = entry::put_entry(&self.shape, key, record, &self.buffer, &mut self.scratch, out)?;
        Ok(Entry {
            key: start..encoded.key_end,
            value: encoded.key_end..out.len(),
            unique: encoded.unique,
        })
    }

    /// Changes the row that was read last. [`Error::SameRow`] if it is so already:
    /// the server, which cannot always see that, does not count the row then.
    pub(crate) fn update_row(
        &mut self,
        connection: &mut Connection,
        old: Record<'_>,
        new: Record<'_>,
        auto_increment_next: u64,
    ) -> Result<(), Error> {
        self.count_own_write(connection);
        let ids = self.share.ids();
        self.share.auto_increment.raise(auto_increment_next);
        self.change_or_gather(connection, |this, batch| {
            batch.raise_auto_increment(auto_increment_next);
            this.add_update(batch, &ids, old, new)
        })
    }

    fn add_update(
        &mut self,
        batch: &mut Batch,
        ids: &Ids,
        old: Record<'_>,
        new: Record<'_>,
    ) -> Result<(), Error> {
        let shape = Rc::clone(&self.shape);
        let before = pack(&shape, batch, old);
        let value = pack(&shape, batch, new);
        if batch.at(&before) == batch.at(&value) {
            return Err(Error::SameRow);
        }
        let old_key = self.encode_primary(batch, old)?;
        let new_key = self.encode_primary(batch, new)?;
        if batch.at(&old_key) == batch.at(&new_key) {
            batch.push(Change::Put, ids.index(0), new_key.clone(), value);
        } else {
            batch.push(Change::Delete, ids.index(0), old_key.clone(), 0..0);
            batch.push(Change::Insert, ids.index(0), new_key.clone(), value);
        }
        for key in secondary_keys(&shape) {
            let index = ids.index(shape.index_of(key));
            let old = self.encode_entry(batch, key, old, &old_key)?;
            let new = self.encode_entry(batch, key, new, &new_key)?;
            add_entry_update(batch, index, old, new);
        }
        Ok(())
    }

    /// Deletes the row that was read last.
    pub(crate) fn delete_row(
        &mut self,
        connection: &mut Connection,
        record: Record<'_>,
    ) -> Result<(), Error> {
        self.count_own_write(connection);
        let ids = self.share.ids();
        self.change_or_gather(connection, |this, batch| this.add_delete(batch, &ids, record))
    }

    fn add_delete(&mut self, batch: &mut Batch, ids: &Ids, record: Record<'_>) -> Result<(), Error> {
        let shape = Rc::clone(&self.shape);
        let primary_key = self.encode_primary(batch, record)?;
        batch.push(Change::Delete, ids.index(0), primary_key.clone(), 0..0);
        for key in secondary_keys(&shape) {
            let entry = self.encode_entry(batch, key, record, &primary_key)?;
            let change = if entry.unique {
                Change::Delete
            } else {
                Change::DeleteUnlocked
            };
            batch.push(change, ids.index(shape.index_of(key)), entry.key, 0..0);
        }
        batch.count_rows(-1);
        Ok(())
    }
}

/// Replaces one entry by another, with as little as that takes.
fn add_entry_update(batch: &mut Batch, index: vamos_guest::IndexId, old: Entry, new: Entry) {
    let same_key = old.unique == new.unique && batch.at(&old.key) == batch.at(&new.key);
    if same_key {
        if batch.at(&old.value) != batch.at(&new.value) {
            let change = if new.unique {
                Change::Put
            } else {
                Change::PutUnlocked
            };
            batch.push(change, index, new.key, new.value);
        }
        return;
    }
    let delete = if old.unique {
        Change::Delete
    } else {
        Change::DeleteUnlocked
    };
    batch.push(delete, index, old.key, 0..0);
    let insert = if new.unique {
        Change::Insert
    } else {
        Change::PutUnlocked
    };
    batch.push(insert, index, new.key, new.value);
}

fn pack(shape: &Shape, batch: &mut Batch, record: Record<'_>) -> Range<usize> {
    let out = batch.buffer();
    let start = out.len();
    row::pack(shape, record, out);
    start..out.len()
}

fn secondary_keys(shape: &Shape) -> impl Iterator<Item = usize> + '_ {
    (0..shape.keys.len()).filter(|&key| Some(key) != shape.primary)
}
