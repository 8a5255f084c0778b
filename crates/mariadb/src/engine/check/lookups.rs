//! Looking up each entry's row and each row's entry.

use super::Check;
use super::fingerprint::Fingerprint;
use super::rows::hex;
use crate::engine::Error;
use std::collections::HashMap;
use vamos_guest::{IndexId, Lock, MultiGet, Row, Rows};
use vamos_proto::IndexEntry;

/// Looked up in one request.
const CHUNK: usize = 64;

/// Something that is stored: key and value.
type Stored = (Vec<u8>, Vec<u8>);

impl Check<'_> {
    /// Finds out which rows and entries of a secondary index do not fit.
    pub(super) fn look_up(
        &mut self,
        key: usize,
        there: Fingerprint,
        expected: Fingerprint,
    ) -> Result<(), Error> {
        let before = self.findings;
        self.rows_of_entries(key)?;
        self.next_subject();
        self.entries_of_rows(key)?;
        if self.findings == before && there != expected {
            // Damage that reads differently each time it is read.
            let name = self.index_name(self.shape.index_of(key));
            let text = format!(
                "{name} has {} entries where {} are expected, or others; no single one was found to be wrong",
                there.entries(),
                expected.entries()
            );
            self.found(&text);
        }
        Ok(())
    }

    /// Large values are looked up one by one, so that an answer stays small.
    fn chunk(&self) -> usize {
        if self.shape.has_blobs { 1 } else { CHUNK }
    }

    /// Each entry leads to a row which has that entry.
    fn rows_of_entries(&mut self, key: usize) -> Result<(), Error> {
        let position = self.shape.index_of(key);
        let mut cursor = self.connection.session.scan(&self.whole(position))?;
        loop {
            let mut entries: Vec<Stored> = Vec::new();
            while entries.len() < self.chunk() && self.connection.session.next(&mut cursor)? {
                entries.push((cursor.row().key.to_vec(), cursor.row().value.to_vec()));
                self.advance()?;
            }
            if entries.is_empty() || self.has_told_enough() {
                break;
            }
            self.check_entries(key, &entries)?;
        }
        self.connection.session.close(cursor);
        Ok(())
    }

    fn check_entries(&mut self, key: usize, entries: &[Stored]) -> Result<(), Error> {
        let name = self.index_name(self.shape.index_of(key));
        let mut known = Vec::new();
        for (entry_key, value) in entries {
            let primary = IndexEntry::decode(value).ok();
            match primary.and_then(|entry| entry.primary_key_of(entry_key).ok().map(<[u8]>::to_vec)) {
                Some(primary) => known.push((entry_key, value, primary)),
                None => {
                    let text = format!("{name}: the entry {} cannot be decoded", hex(entry_key));
                    self.found(&text);
                }
            }
        }
        let keys: Vec<&[u8]> = known.iter().map(|(.., primary)| &primary[..]).collect();
        let rows = self.stored(self.ids.index(0), keys)?;
        for (entry_key, value, primary) in known {
            let Some(row) = rows.get(&primary) else {
                let text = format!(
                    "{name}: the entry {} leads to the row with the key {}, which does not exist",
                    hex(entry_key),
                    hex(&primary)
                );
                self.found(&text);
                continue;
            };
            self.check_entry(key, &name, (entry_key, value), (&primary, row))?;
        }
        Ok(())
    }

    /// A row has the entry that led to it.
    fn check_entry(
        &mut self,
        key: usize,
        name: &str,
        (entry_key, value): (&[u8], &[u8]),
        (primary_key, row): (&[u8], &[u8]),
    ) -> Result<(), Error> {
        let unpacked = self.unpack(Row {
            key: primary_key,
            primary_key: &[],
            value: row,
        });
        if !unpacked {
            return Ok(());
        }
        let own = self.entry_of(key, primary_key)?;
        if own.0 != entry_key || own.1 != value {
            let row = self.row_name(primary_key);
            let text = format!(
                "{name}: the entry {} leads to {row}, whose columns give the entry {}{}",
                hex(entry_key),
                hex(&own.0),
                if own.0 == entry_key {
                    " with another value"
                } else {
                    ""
                }
            );
            self.found(&text);
        }
        Ok(())
    }

    /// Each row has its entry.
    fn entries_of_rows(&mut self, key: usize) -> Result<(), Error> {
        let index = self.ids.index(self.shape.index_of(key));
        let name = self.index_name(self.shape.index_of(key));
        let most = self.chunk();
        let mut chunk = Vec::new();
        let read = self.each_row(|this, row| {
            if this.unpack(row) {
                let (entry_key, value) = this.entry_of(key, row.key)?;
                chunk.push((entry_key, value, this.row_name(row.key)));
            }
            if chunk.len() >= most {
                this.check_chunk(index, &name, std::mem::take(&mut chunk))?;
            }
            Ok(!this.has_told_enough())
        });
        if let Err(error) = read {
            return self.damage("a row", error);
        }
        self.check_chunk(index, &name, chunk)
    }

    fn check_chunk(
        &mut self,
        index: IndexId,
        name: &str,
        chunk: Vec<(Vec<u8>, Vec<u8>, String)>,
    ) -> Result<(), Error> {
        let keys = chunk.iter().map(|(key, ..)| &key[..]).collect();
        let entries = self.stored(index, keys)?;
        for (key, value, row) in chunk {
            let what = match entries.get(&key) {
                Some(there) if *there == value => continue,
                Some(_) => "has an entry that belongs to another row, or has other columns",
                None => "has no entry",
            };
            let text = format!("{name}: {row} {what} ({})", hex(&key));
            self.found(&text);
        }
        Ok(())
    }

    /// What is stored of these keys of an index.
    fn stored(&mut self, index: IndexId, keys: Vec<&[u8]>) -> Result<HashMap<Vec<u8>, Vec<u8>>, Error> {
        let mut stored = HashMap::new();
        let mut rows = Rows::default();
        let mut get = MultiGet {
            index,
            keys,
            lock: Lock::None,
        };
        while !get.keys.is_empty() {
            let read = self.connection.session.multi_get(&get, &mut rows)?;
            get.keys.drain(..read);
            stored.extend(rows.iter().map(|row| (row.key.to_vec(), row.value.to_vec())));
        }
        Ok(stored)
    }
}
