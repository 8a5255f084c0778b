//! Batches of consistent scans: nothing in them waits.

use super::merge::Next;
use super::{Cursor, LOOKS, Room};
use crate::StoreError;
use crate::engine::Engine;
use crate::keys::{self, FullKey};
use crate::overlay::Overlay;
use crate::transaction::{lookup_many, missing_row, primary_key};
use crate::view::View;
use std::sync::Arc;
use vamos_proto::{IndexId, Row, RowBlockBuilder};

/// How many rows are fetched at once, at most; and while their size is unknown.
const MAX_CHUNK: usize = 128;
const FIRST_CHUNK: usize = 16;

/// An entry's key, and the primary key that it tells.
type FoundEntry = (Vec<u8>, FullKey);

impl Cursor {
    /// Appends entries as they are.
    pub(super) fn fill(
        &mut self,
        overlay: &Overlay,
        engine: &Engine,
        rows: &mut RowBlockBuilder,
        room: &mut Room,
    ) -> Result<bool, StoreError> {
        let mut remaining = self.remaining;
        let mut last = Vec::new();
        let sieve = std::mem::take(&mut self.sieve);
        let mut merge = self.merge(overlay, engine);
        let finished = loop {
            if (remaining == 0 || room.left(rows) == 0) && !merge.is_at(&last) {
                break Ok(remaining == 0);
            }
            let mut bytes = 0;
            let shown = merge.next(|key, value| {
                bytes = value.len();
                last.clear();
                last.extend_from_slice(key);
                let key = keys::client_key(key);
                let wanted = sieve.passes_entry(key, value) && sieve.passes_row(key, value);
                if wanted {
                    rows.push(&Row {
                        key,
                        primary_key: &[],
                        value,
                    });
                }
                wanted
            });
            room.looked(bytes);
            match shown {
                Ok(Next::Entry(wanted)) => remaining = remaining.saturating_sub(wanted.into()),
                Ok(Next::Deleted(key)) => last = key.to_vec(),
                Ok(Next::Unseen) => {}
                Ok(Next::End) => break Ok(true),
                Err(error) => break Err(error),
            }
        };
        self.sieve = sieve;
        self.remaining = remaining;
        if !last.is_empty() {
            self.passed = Some(last);
        }
        finished
    }

    /// Appends the rows of entries.
    pub(super) fn fill_fetched(
        &mut self,
        overlay: &Overlay,
        engine: &Engine,
        primary: IndexId,
        rows: &mut RowBlockBuilder,
        room: &mut Room,
    ) -> Result<bool, StoreError> {
        loop {
            if self.remaining == 0 {
                return Ok(true);
            }
            let left = room.left(rows);
            if left == 0 {
                return Ok(false);
            }
            let chunk = self.chunk(left, room.max_bytes.saturating_sub(rows.len()));
            let (entries, finished) = self.entries(overlay, engine, primary, chunk, room)?;
            let before = (rows.rows(), rows.len());
            // Each row that comes to be read was wanted: these count anew.
            let looks = std::mem::replace(&mut room.looks, LOOKS);
            let given = self.push_rows(overlay, engine, primary, &entries, rows, room)?;
            room.looks = looks.min(room.looks);
            let pushed = rows.rows() - before.0;
            if let Some(row_bytes) = (rows.len() - before.1).checked_div(pushed) {
                self.row_bytes = row_bytes;
            }
            self.remaining = self.remaining.saturating_sub(pushed as u64);
            if given < entries.len() {
                self.go_back_behind(entries.get(..given).and_then(<[_]>::last));
                return Ok(false);
            }
            if finished {
                return Ok(true);
            }
        }
    }

    /// How many rows to fetch at once, so that a batch is not much too large.
    fn chunk(&self, rows: usize, bytes: usize) -> usize {
        let fitting = match self.row_bytes {
            0 => FIRST_CHUNK,
            row_bytes => (bytes / row_bytes).clamp(1, MAX_CHUNK),
        };
        let remaining = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        fitting.min(rows).min(remaining)
    }

    /// The next wanted entries, with the primary keys that they tell, and
    /// whether there are no more; passes them.
    fn entries(
        &mut self,
        overlay: &Overlay,
        engine: &Engine,
        primary: IndexId,
        count: usize,
        room: &mut Room,
    ) -> Result<(Vec<FoundEntry>, bool), StoreError> {
        let mut entries = Vec::with_capacity(count);
        let mut last = Vec::new();
        let sieve = std::mem::take(&mut self.sieve);
        let mut merge = self.merge(overlay, engine);
        let finished = loop {
            if (entries.len() >= count || room.looks == 0) && !merge.is_at(&last) {
                break Ok(false);
            }
            room.looked(0);
            let shown = merge.next(|key, value| {
                last.clear();
                last.extend_from_slice(key);
                let wanted = sieve.passes_entry(keys::client_key(key), value);
                wanted
                    .then(|| primary_key(primary, key, value).map(|primary_key| (key.to_vec(), primary_key)))
            });
            match shown {
                Ok(Next::Entry(Some(Ok(entry)))) => entries.push(entry),
                Ok(Next::Deleted(key)) => last = key.to_vec(),
                Ok(Next::Entry(None) | Next::Unseen) => {}
                Ok(Next::End) => break Ok(true),
                Ok(Next::Entry(Some(Err(error)))) | Err(error) => break Err(error),
            }
        };
        self.sieve = sieve;
        let finished = finished?;
        if !last.is_empty() {
            self.pass(&last);
        }
        Ok((entries, finished))
    }

    /// Appends the rows of entries until the batch is full. Returns of how many.
    fn push_rows(
        &self,
        overlay: &Overlay,
        engine: &Engine,
        primary: IndexId,
        entries: &[FoundEntry],
        rows: &mut RowBlockBuilder,
        room: &mut Room,
    ) -> Result<usize, StoreError> {
        let Some(view) = self.view.as_deref() else {
            return Ok(entries.len());
        };
        let primary_keys: Vec<_> = entries.iter().map(|(_, key)| Arc::clone(key)).collect();
        let View { options, .. } = view;
        let values = lookup_many(overlay, engine, &primary_keys, options)?;
        let mut before: Option<&[u8]> = None;
        for (at, ((key, primary_key), value)) in entries.iter().zip(&values).enumerate() {
            let full = room.is_heavy(rows) || room.looks == 0;
            if full && at > 0 && before != Some(key) {
                return Ok(at);
            }
            before = Some(key);
            let value = value.as_ref().ok_or_else(|| missing_row(primary))?;
            room.looked(value.len());
            let primary_key = keys::client_key(primary_key);
            if self.sieve.passes_row(primary_key, value) {
                rows.push(&Row {
                    key: keys::client_key(key),
                    primary_key,
                    value,
                });
            }
        }
        Ok(entries.len())
    }

    /// Makes the entries behind this one come once more.
    fn go_back_behind(&mut self, entry: Option<&FoundEntry>) {
        if let Some((key, _)) = entry {
            self.pass(key);
            self.stored = None;
        }
    }
}
