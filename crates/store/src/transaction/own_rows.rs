//! Entries of rows that the transaction itself has changed.
//!
//! A change is made to the newest row, which may be newer than the snapshot that
//! the transaction reads. From then on the transaction sees the row as it made it;
//! so the row's entries in secondary indexes are those of now, and no more those of
//! the snapshot.

use super::read::{Found, primary_key};
use crate::StoreError;
use crate::engine::Engine;
use crate::overlay::Overlay;
use vamos_proto::IndexId;

/// Looks entries of a secondary index up for a transaction that has changed rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnRows<'a> {
    overlay: &'a Overlay,
    engine: &'a Engine,
    primary: IndexId,
}

impl<'a> OwnRows<'a> {
    /// `None` if there is nothing to look for: nothing was changed, or the index is
    /// the primary one.
    pub(crate) fn of(
        overlay: &'a Overlay,
        engine: &'a Engine,
        primary: IndexId,
        index: IndexId,
    ) -> Option<Self> {
        (primary != index && !overlay.is_empty()).then_some(Self::new(overlay, engine, primary))
    }

    /// For the secondary indexes of the table with this primary index.
    pub(crate) fn new(overlay: &'a Overlay, engine: &'a Engine, primary: IndexId) -> Self {
        Self {
            overlay,
            engine,
            primary,
        }
    }

    /// What became of an entry of the snapshot that is not itself changed: its
    /// value now, if it is there.
    pub(crate) fn entry_now<'v>(&self, key: &[u8], value: &'v [u8]) -> Result<Option<Found<'v>>, StoreError>
    where
        'a: 'v,
    {
        // A client may keep other things than entries in its indexes.
        let Ok(row) = primary_key(self.primary, key, value) else {
            return Ok(Some(Found::Own(value)));
        };
        if self.overlay.get(&row).is_none() {
            return Ok(Some(Found::Own(value)));
        }
        // The row is locked since it was changed: its entries are those committed
        // last, but for the transaction's own.
        let newest = self.engine.data.get(key, &self.engine.newest)?;
        let Some(newest) = newest else {
            return Ok(None);
        };
        let same_row = primary_key(self.primary, key, &newest).is_ok_and(|of| of == row);
        Ok(same_row.then_some(Found::Stored(newest)))
    }
}
