//! Building indexes of a table that others go on using.
//!
//! A build knows the table's rows as they were at one snapshot; its client has
//! made entries of them all. Commits meanwhile note the keys of the rows that
//! they change ([`BuildLog`]). A round takes these keys and a new snapshot at
//! once, while no commit is being written; the client sees each such row as it
//! was at the old and as it is at the new snapshot, and corrects its entries.
//! When a round finds nothing changed, the new indexes can become the table's.
//!
//! The new indexes are listed as dropped from the beginning until they are the
//! table's, so that after a crash the next opening removes what is half made.

mod log;

pub(crate) use log::BuildLog;

use crate::keys::{self, FullKey};
use crate::view::View;
use crate::{Store, StoreError};
use std::sync::Arc;
use vamos_proto::{Building, IndexId, Row, RowBlockBuilder, TableId};
use vamos_rocks::ReadOptions;

/// How many changed rows are read at once.
const CHUNK: usize = 64;

/// A build of indexes; dropping it gives it up.
#[derive(Debug)]
pub struct Build {
    store: Arc<Store>,
    table: TableId,
    log: Arc<BuildLog>,
    /// The entries so far are those of the rows as seen here.
    from: Arc<View>,
    /// Where the scan goes on; `None`: it is done.
    scan_at: Option<Vec<u8>>,
    /// The round's snapshot, the rows that changed before it, and how many of
    /// them have been given.
    to: Option<Arc<View>>,
    changed: Vec<FullKey>,
    given: usize,
    finished: bool,
}

impl Store {
    /// Begins a build of `count` indexes. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`]; [`StoreError::Invalid`] if the table is
    /// being built upon already or would have too many indexes;
    /// [`StoreError::Storage`].
    pub fn begin_build(self: &Arc<Self>, table: TableId, count: u16) -> Result<Build, StoreError> {
        let (log, from) = self.catalogue.begin_build(table, count, |primary, indexes| {
            BuildLog::new(primary, indexes, Arc::clone(&self.build_bytes))
        })?;
        let (low, _) = keys::index_bounds(log.primary);
        Ok(Build {
            store: Arc::clone(self),
            table,
            log,
            from,
            scan_at: Some(low),
            to: None,
            changed: Vec::new(),
            given: 0,
            finished: false,
        })
    }
}

impl Build {
    /// The table.
    pub fn table(&self) -> TableId {
        self.table
    }

    /// The new indexes, and how large the table is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`] if the table is gone.
    pub fn info(&self) -> Result<Building, StoreError> {
        Ok(Building {
            indexes: self.log.indexes.clone(),
            rows: self.store.catalogue.with_id(self.table)?.rows(),
        })
    }

    pub(crate) fn indexes(&self) -> &[IndexId] {
        &self.log.indexes
    }

    pub(crate) fn log(&self) -> &Arc<BuildLog> {
        &self.log
    }

    /// Whether the entries are those of the rows as they are, if the client has
    /// done its part. Sure only while no commit is being written.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.scan_at.is_none() && self.to.is_some() && self.changed.is_empty() && self.log.is_empty()
    }

    pub(crate) fn set_finished(&mut self) {
        self.finished = true;
    }

    /// Appends the next rows of the table as it was at the beginning. Returns
    /// whether they were the last.
    ///
    /// # Errors
    /// [`StoreError::Storage`], [`StoreError::Corruption`].
    pub fn scan(
        &mut self,
        rows: &mut RowBlockBuilder,
        max_rows: usize,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        let Some(low) = self.scan_at.clone() else {
            return Ok(true);
        };
        let (_, high) = keys::index_bounds(self.log.primary);
        let options = ReadOptions::new()
            .snapshot(Arc::clone(&self.from.snapshot))
            .bounds(low, high)
            .fill_cache(false);
        let mut cursor = self.store.engine.data.cursor(options);
        cursor.seek_to_first();
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            if rows.rows() >= max_rows.max(1) || rows.len() >= max_bytes {
                self.scan_at = Some(key.to_vec());
                return Ok(false);
            }
            rows.push(&Row {
                key: keys::client_key(key),
                primary_key: &[],
                value,
            });
            cursor.step_forward();
        }
        cursor.status()?;
        self.scan_at = None;
        Ok(true)
    }

    /// Begins a round; returns how many rows have changed since the last one.
    ///
    /// # Errors
    /// [`StoreError::TableChanged`] if too many have.
    pub fn round(&mut self) -> Result<u64, StoreError> {
        let (changed, view) = self.store.catalogue.between_commits(|| {
            let changed = self.log.take();
            (changed, self.store.engine.newest_view())
        });
        let changed = changed.ok_or(StoreError::TableChanged {
            what: "so many rows changed while an index was built that the host cannot note more; \
                   try again when fewer are written",
        })?;
        if let Some(to) = self.to.replace(view) {
            self.from = to;
        }
        self.changed = changed;
        self.given = 0;
        Ok(self.changed.len() as u64)
    }

    /// Appends the next rows that changed between the last round and this one:
    /// as they were and as they are. Returns whether they were the last; after
    /// that the first come again.
    ///
    /// # Errors
    /// [`StoreError::Storage`], [`StoreError::Corruption`].
    pub fn changes(
        &mut self,
        rows: &mut RowBlockBuilder,
        max_rows: usize,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        let Some(to) = self.to.clone() else {
            return Ok(true);
        };
        let data = &self.store.engine.data;
        while let Some(rest) = self.changed.get(self.given..).filter(|rest| !rest.is_empty()) {
            let keys: Vec<_> = rest.iter().take(CHUNK).collect();
            let old = data.multi_get(&keys, &self.from.options)?;
            let new = data.multi_get(&keys, &to.options)?;
            let mut given = 0;
            for ((key, old), new) in keys.iter().zip(&old).zip(&new) {
                if rows.rows() >= max_rows.max(1) || rows.len() >= max_bytes {
                    break;
                }
                rows.push(&Row {
                    key: keys::client_key(key),
                    primary_key: old.as_deref().unwrap_or_default(),
                    value: new.as_deref().unwrap_or_default(),
                });
                given += 1;
            }
            let full = given < keys.len();
            self.given += given;
            if full {
                return Ok(false);
            }
        }
        self.given = 0;
        Ok(true)
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        if !self.finished {
            self.store.catalogue.abandon(self.table, &self.log);
            self.store.reclaimer.add(self.log.indexes.clone());
        }
    }
}
