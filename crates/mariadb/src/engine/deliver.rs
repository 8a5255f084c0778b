//! Rows and index entries, as the host sends them, put into record buffers.

use super::Error;
use super::handler::Handler;
use crate::codec::row;
use crate::codec::{entry, record};
use std::rc::Rc;
use vamos_guest::{Lock, Row};
use vamos_proto::IndexEntry;

impl Handler {
    /// Puts a row, as the host sent it, into `record`. Returns `false` for a row
    /// that no longer is what its entry said.
    pub(super) fn deliver(
        &mut self,
        row: Row<'_>,
        position: usize,
        fetched: bool,
        record: &mut [u8],
    ) -> Result<bool, Error> {
        let shape = Rc::clone(&self.shape);
        self.positions.leave_row();
        if self.lock.unlock {
            let key = if position == 0 { row.key } else { row.primary_key };
            self.locked_key.clear();
            self.locked_key.extend_from_slice(key);
        }
        if position != 0 && !fetched {
            self.unpack_entry(row, record)?;
            return Ok(true);
        }
        if shape.primary.is_none() {
            let key = if position == 0 { row.key } else { row.primary_key };
            self.row_key.clear();
            self.row_key.extend_from_slice(key);
        }
        let locked = fetched && self.lock.lock != Lock::None;
        // Whether the row still has its entry can be said of a whole row only.
        let plan = match &self.plan {
            Some(plan) if !locked => plan,
            _ => &self.whole,
        };
        let value = match shape.has_blobs {
            true => {
                self.value.clear();
                self.value.extend_from_slice(row.value);
                &self.value
            }
            false => row.value,
        };
        row::unpack(&shape, plan, value, record)?;
        if locked {
            return self.is_still_there(row, record);
        }
        Ok(true)
    }

    /// Whether the row still belongs to the entry by which it was found. While
    /// the row's lock was waited for, its owner may have changed it.
    fn is_still_there(&mut self, row: Row<'_>, record: &[u8]) -> Result<bool, Error> {
        let Some(key) = self.active else { return Ok(true) };
        let shape = Rc::clone(&self.shape);
        let parts = &shape.keys[key].parts[..shape.keys[key].own];
        if parts.iter().any(|part| !shape.columns[part.column].stored) {
            // The server computes virtual columns only when it has the row.
            return Ok(true);
        }
        // SAFETY: the record was just unpacked from `self.value`, which stays.
        let record = unsafe { record::Record::new(record) };
        self.buffer.clear();
        let mut buffer = std::mem::take(&mut self.buffer);
        let encoded = entry::put_entry(
            &shape,
            key,
            record,
            row.primary_key,
            &mut self.scratch,
            &mut buffer,
        );
        let same = encoded.map(|encoded| buffer.get(..encoded.key_end) == Some(row.key));
        self.buffer = buffer;
        Ok(same?)
    }

    /// Puts what an index entry holds into `record`.
    fn unpack_entry(&mut self, row: Row<'_>, record: &mut [u8]) -> Result<(), Error> {
        let key = self.active.ok_or(Error::WrongCommand)?;
        let truncated = |_| crate::codec::CodecError::Truncated;
        // The record will point into the value: it must stay.
        let value = match self.shape.has_blobs {
            true => {
                self.value.clear();
                self.value.extend_from_slice(row.value);
                &self.value
            }
            false => row.value,
        };
        let found = IndexEntry::decode(value).map_err(truncated)?;
        if self.shape.primary.is_none() {
            let primary = found.primary_key_of(row.key).map_err(truncated)?;
            self.row_key.clear();
            self.row_key.extend_from_slice(primary);
        }
        let plan = self.plan.as_ref().unwrap_or(&self.whole);
        entry::unpack_entry(&self.shape, key, plan, row.key, &found, record)?;
        Ok(())
    }
}
