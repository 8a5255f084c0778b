//! Reading all rows: each can be decoded, has the key that its columns give, and
//! says which entries there must be.

use super::Check;
use super::fingerprint::Fingerprint;
use crate::codec::record::Record;
use crate::codec::{entry, row};
use crate::engine::Error;
use crate::engine::handler::ROW_ID;
use std::rc::Rc;
use vamos_guest::Row;

impl Check<'_> {
    /// Reads all rows; the fingerprint, for each of these keys, of the entries
    /// that they must have.
    pub(super) fn read_rows(&mut self, keys: &[usize], counted: u64) -> Result<Vec<Fingerprint>, Error> {
        let mut expected = vec![Fingerprint::default(); keys.len()];
        let mut rows = 0;
        let read = self.each_row(|this, row| {
            rows += 1;
            if !this.unpack(row) {
                return Ok(true);
            }
            this.check_primary_key(row.key)?;
            for (&key, expected) in keys.iter().zip(&mut expected) {
                let (entry_key, value) = this.entry_of(key, row.key)?;
                expected.add(&this.hasher, &entry_key, &value);
            }
            Ok(true)
        });
        match read {
            Ok(()) => {
                self.next_subject();
                self.compare_counts(0, rows, counted);
            }
            Err(error) => self.damage("a row", error)?,
        }
        Ok(expected)
    }

    /// Calls `visit` for each row as it is stored, until it says no more.
    pub(super) fn each_row(
        &mut self,
        mut visit: impl FnMut(&mut Self, Row<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut cursor = self.connection.session.scan(&self.whole(0))?;
        while self.connection.session.next(&mut cursor)? {
            self.advance()?;
            if !visit(self, cursor.row())? {
                break;
            }
        }
        self.connection.session.close(cursor);
        Ok(())
    }

    /// Puts a row into the server's record, virtual columns included. One that
    /// cannot be decoded is a finding.
    pub(super) fn unpack(&mut self, row: Row<'_>) -> bool {
        let shape = Rc::clone(&self.shape);
        let unpacked = row::unpack(&shape, &self.handler.whole, row.value, self.table.record());
        match unpacked {
            Ok(()) => {
                if shape.columns.iter().any(|column| !column.stored) {
                    self.table.compute_virtual_columns();
                }
                true
            }
            Err(error) => {
                let text = format!("the row with the key {} cannot be decoded: {error}", hex(row.key));
                self.found(&text);
                false
            }
        }
    }

    /// The unpacked row's columns give the key under which it is stored.
    fn check_primary_key(&mut self, key: &[u8]) -> Result<(), Error> {
        let shape = Rc::clone(&self.shape);
        let Some(primary) = shape.primary else {
            if key.len() != ROW_ID {
                let text = format!("a row has the hidden key {}, which is none", hex(key));
                self.found(&text);
            }
            return Ok(());
        };
        let mut own = Vec::new();
        // SAFETY: the record was just unpacked, and what it points to stays.
        let record = unsafe { Record::new(self.table.record()) };
        entry::put_primary(&shape, primary, record, &mut self.handler.scratch, &mut own)?;
        if own != key {
            let row = self.row_name(key);
            let text = format!(
                "{row} is stored under the key {}, its columns give {}",
                hex(key),
                hex(&own)
            );
            self.found(&text);
        }
        Ok(())
    }

    /// The key and the value of the entry that the unpacked row must have.
    pub(super) fn entry_of(&mut self, key: usize, primary_key: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut entry_key = Vec::new();
        // SAFETY: the record was unpacked by the caller, and what it points to
        // stays until the cursor moves on.
        let record = unsafe { Record::new(self.table.record()) };
        let encoded = entry::put_entry(
            &self.shape,
            key,
            record,
            primary_key,
            &mut self.handler.scratch,
            &mut entry_key,
        )?;
        let value = entry_key.split_off(encoded.key_end);
        Ok((entry_key, value))
    }

    /// The unpacked row, as a user knows it: by its primary key's values.
    pub(super) fn row_name(&self, key: &[u8]) -> String {
        match (self.shape.primary, <[u8; ROW_ID]>::try_from(key)) {
            (Some(primary), _) => format!("the row with primary key '{}'", self.table.key_text(primary)),
            (None, Ok(id)) => format!("the row with hidden row id {}", u64::from_be_bytes(id)),
            (None, Err(_)) => format!("the row with the key {}", hex(key)),
        }
    }
}

/// The first bytes of a key, to be found again in the store.
pub(super) fn hex(key: &[u8]) -> String {
    const SHOWN: usize = 40;
    let digits: String = key.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    match key.len() > SHOWN {
        true => format!("0x{digits}.. of {} bytes", key.len()),
        false => format!("0x{digits}"),
    }
}
