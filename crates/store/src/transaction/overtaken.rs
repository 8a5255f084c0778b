//! Rows that a transaction changed after others had changed them since its
//! snapshot was taken.
//!
//! Of such a row the transaction sees its own version, which stands on the one
//! committed last, while its snapshot of a secondary index still has the entries
//! of the older one. For these rows a consistent read takes the entries that are
//! committed now: the row is locked, so nobody but the transaction changes them.

use super::{Transaction, lookup, primary_key};
use crate::StoreError;
use crate::engine::Engine;
use crate::keys::FullKey;
use crate::overlay::Overlay;
use crate::transaction::Found;
use crate::view::View;
use std::collections::BTreeSet;
use std::sync::Arc;
use vamos_proto::{IndexId, WriteOp};

/// The primary keys (full ones) of such rows; a new set for each change.
pub(crate) type Overtaken = Arc<BTreeSet<FullKey>>;

impl Transaction {
    /// Notes the row of a change to come, whose key is locked, if it was overtaken.
    pub(super) fn note_overtaken(&mut self, op: &WriteOp<'_>, key: &FullKey) -> Result<(), StoreError> {
        let Some(view) = self.view.clone() else {
            return Ok(());
        };
        let unchanged = self.overlay.get(key).is_none();
        if view.version == self.store.engine.version() || !unchanged || !self.leads(op.index())? {
            return Ok(());
        }
        let engine = &self.store.engine;
        let shown = engine.data.get(key, &view.options)?;
        let newest = engine.data.get(key, &engine.newest)?;
        if shown.as_deref() != newest.as_deref() {
            Arc::make_mut(&mut self.overtaken).insert(FullKey::clone(key));
        }
        Ok(())
    }

    /// Whether it is the primary index of a table that has secondary ones.
    fn leads(&mut self, index: IndexId) -> Result<bool, StoreError> {
        let table = self.table_of(index)?;
        Ok(table.primary() == index && table.indexes.len() > 1)
    }

    /// Forgets the rows whose changes were undone.
    pub(super) fn forget_undone(&mut self) {
        let overlay = &self.overlay;
        if self.overtaken.iter().any(|key| overlay.get(key).is_none()) {
            Arc::make_mut(&mut self.overtaken).retain(|key| overlay.get(key).is_some());
        }
    }

    /// Forgets them all: a new snapshot shows what they were made from.
    pub(super) fn forget_overtaken(&mut self) {
        if !self.overtaken.is_empty() {
            self.overtaken = Overtaken::default();
        }
    }

    /// The primary index of an index's table, if the index is a secondary one.
    pub(crate) fn primary_beside(&mut self, index: IndexId) -> Result<Option<IndexId>, StoreError> {
        let primary = self.table_of(index)?.primary();
        Ok((primary != index).then_some(primary))
    }
}

/// Reads an entry of a secondary index as a transaction sees it. Where it sees two rows
/// with the key of a unique index, one of its snapshot and one that it has changed, that
/// with the lesser primary key, which is InnoDB's first.
pub(crate) fn lookup_entry<'a>(
    overlay: &'a Overlay,
    engine: &'a Engine,
    overtaken: &BTreeSet<FullKey>,
    primary: IndexId,
    entry: &[u8],
    view: &View,
) -> Result<Option<Found<'a>>, StoreError> {
    if overlay.is_empty() {
        return lookup(overlay, engine, entry, &view.options);
    }
    let row_of = |value: &[u8]| primary_key(primary, entry, value);
    let own = overlay.get(entry);
    // An own change concerns the entries of rows that the transaction has changed.
    let stays = |value: &[u8]| match row_of(value) {
        Ok(row) if own.is_some() => overlay.get(&row).is_none(),
        Ok(row) => !overtaken.contains(&row),
        Err(_) => own.is_none(),
    };
    let shown = engine.data.get(entry, &view.options)?;
    let shown = shown.filter(|value| stays(value)).map(Found::Stored);
    let changed = match own {
        Some(own) => own.as_deref().map(Found::Own),
        None if overtaken.is_empty() => None,
        None => engine
            .data
            .get(entry, &engine.newest)?
            .filter(|value| row_of(value).is_ok_and(|row| overtaken.contains(&row)))
            .map(Found::Stored),
    };
    Ok(match (shown, changed) {
        (Some(shown), Some(changed)) => Some(if row_of(&shown)? <= row_of(&changed)? {
            shown
        } else {
            changed
        }),
        (shown, changed) => shown.or(changed),
    })
}
