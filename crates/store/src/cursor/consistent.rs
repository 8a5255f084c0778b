//! Batches of consistent scans: nothing in them waits.

use super::{Cursor, Room};
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

impl Cursor {
    /// Appends entries as they are.
    pub(super) fn fill(
        &mut self,
        overlay: &Overlay,
        engine: &Engine,
        rows: &mut RowBlockBuilder,
        room: &Room,
    ) -> Result<bool, StoreError> {
        let mut remaining = self.remaining;
        let mut last = Vec::new();
        let mut merge = self.merge(overlay, engine);
        let finished = loop {
            if remaining == 0 {
                break Ok(true);
            }
            if room.left(rows) == 0 {
                break Ok(false);
            }
            let shown = merge.next(|key, value| {
                rows.push(&Row {
                    key: keys::client_key(key),
                    primary_key: &[],
                    value,
                });
                last.clear();
                last.extend_from_slice(key);
            });
            match shown {
                Ok(Some(())) => remaining -= 1,
                Ok(None) => break Ok(true),
                Err(error) => break Err(error),
            }
        };
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
        room: &Room,
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
            let entries = self.entries(overlay, engine, primary, chunk)?;
            if entries.is_empty() {
                return Ok(true);
            }
            let before = rows.len();
            self.push_rows(overlay, engine, primary, &entries, rows)?;
            self.row_bytes = (rows.len() - before) / entries.len();
            self.remaining -= entries.len() as u64;
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

    /// The next entries, with the primary keys that they tell; passes them.
    fn entries(
        &mut self,
        overlay: &Overlay,
        engine: &Engine,
        primary: IndexId,
        count: usize,
    ) -> Result<Vec<(Vec<u8>, FullKey)>, StoreError> {
        let mut entries = Vec::with_capacity(count);
        let mut merge = self.merge(overlay, engine);
        while entries.len() < count {
            let shown = merge.next(|key, value| {
                primary_key(primary, key, value).map(|primary_key| (key.to_vec(), primary_key))
            })?;
            let Some(entry) = shown else {
                break;
            };
            entries.push(entry?);
        }
        if let Some((key, _)) = entries.last() {
            self.pass(key);
        }
        Ok(entries)
    }

    fn push_rows(
        &self,
        overlay: &Overlay,
        engine: &Engine,
        primary: IndexId,
        entries: &[(Vec<u8>, FullKey)],
        rows: &mut RowBlockBuilder,
    ) -> Result<(), StoreError> {
        let Some(view) = self.view.as_deref() else {
            return Ok(());
        };
        let primary_keys: Vec<_> = entries.iter().map(|(_, key)| Arc::clone(key)).collect();
        let View { options, .. } = view;
        let values = lookup_many(overlay, engine, &primary_keys, options)?;
        for ((key, primary_key), value) in entries.iter().zip(&values) {
            rows.push(&Row {
                key: keys::client_key(key),
                primary_key: keys::client_key(primary_key),
                value: value.as_ref().ok_or_else(|| missing_row(primary))?,
            });
        }
        Ok(())
    }
}
