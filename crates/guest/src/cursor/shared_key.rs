//! Two rows with one key of a unique index.
//!
//! A transaction may see such: its snapshot's row, and one that it has changed
//! itself after others had freed the key. The host never parts them: they are in
//! one block. A scan that begins anew between them begins at their key once more
//! and passes over the row that it has returned.

use super::Cursor;
use vamos_proto::{IndexEntry, Lock, Row, RowBlock};

/// A row that was returned before the scan began anew at its key.
#[derive(Debug)]
pub(super) struct Returned {
    key: Vec<u8>,
    primary_key: Vec<u8>,
}

impl Cursor {
    /// Notes that the rows up to the current one need not come again, except that
    /// another one may have its key.
    pub(super) fn leave_row_before_restart(&mut self) {
        if !self.on_row || !(self.may_share_key() || self.next_shares_key()) {
            return self.leave_row();
        }
        self.on_row = false;
        let row = self.row();
        let returned = Returned {
            key: row.key.to_vec(),
            primary_key: primary_key(row).to_vec(),
        };
        self.leave_key(returned.key.clone(), true);
        self.returned_before = Some(returned);
        // It is counted when it comes once more.
        self.returned -= 1;
    }

    /// Whether another row may have been given the current one's key since.
    pub(super) fn may_share_key(&self) -> bool {
        self.spec.lock == Lock::None && self.spec.fetch.is_some()
    }

    /// Whether the block's next row has the current one's key.
    fn next_shares_key(&self) -> bool {
        let rows = self.block.get(self.start..).unwrap_or_default();
        let next = RowBlock::new(rows).row_at(self.at).ok().flatten();
        next.is_some_and(|(next, _)| next.key == self.row().key)
    }

    /// Whether the row that the cursor has moved to was returned before the scan
    /// began anew.
    pub(super) fn was_returned(&mut self) -> bool {
        let Some(returned) = self.returned_before.take() else {
            return false;
        };
        let row = self.row();
        let same_key = row.key == returned.key;
        if same_key && primary_key(row) == returned.primary_key {
            return true;
        }
        match same_key {
            true => self.returned_before = Some(returned),
            // It is gone, but it was returned.
            false => self.returned += 1,
        }
        false
    }
}

/// The primary key that a row or an entry of a secondary index tells.
fn primary_key(row: Row<'_>) -> &[u8] {
    if !row.primary_key.is_empty() {
        return row.primary_key;
    }
    let entry = IndexEntry::decode(row.value).ok();
    entry
        .and_then(|entry| entry.primary_key_of(row.key).ok())
        .unwrap_or_default()
}
