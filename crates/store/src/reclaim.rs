//! Removing the entries of dropped indexes, in the background.

use crate::catalogue::Catalogue;
use crate::engine::Engine;
use crate::{StoreError, keys};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use vamos_proto::IndexId;
use vamos_rocks::{ReadOptions, WriteBatch, WriteMode};

/// Up to so many entries are removed one by one: a range tombstone costs every
/// later read something until it is compacted away.
const FEW: usize = 1000;

/// From so many bytes on disk on, whole files are deleted, and the range is
/// compacted however few entries it seems to have.
const COMPACT_BYTES: u64 = 4 << 20;

/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct State {
    dropped: VecDeque<IndexId>,
    stopped: bool,
}

/// Removes the entries of dropped indexes.
#[derive(Debug)]
pub(crate) struct Reclaimer {
    engine: Arc<Engine>,
    catalogue: Arc<Catalogue>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Reclaimer {
    pub(crate) fn new(engine: Arc<Engine>, catalogue: Arc<Catalogue>, dropped: Vec<IndexId>) -> Self {
        Self {
            engine,
            catalogue,
            state: Mutex::new(State {
                dropped: dropped.into(),
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn add(&self, indexes: Vec<IndexId>) {
        self.state.lock().dropped.extend(indexes);
        self.changed.notify_one();
    }

    /// How many indexes are still to be done.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().dropped.len()
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_one();
        self.engine.db.end_manual_compactions();
    }

    /// Removes what is dropped, until stopped: the work of one thread.
    pub(crate) fn run(&self) {
        while let Some(index) = self.next() {
            let result = self.reclaim(index);
            let mut state = self.state.lock();
            match result {
                // It is first in the line still: others only add.
                Ok(()) => drop(state.dropped.pop_front()),
                Err(error) => {
                    tracing::warn!(index = index.0, %error, "a dropped index could not be removed yet");
                    self.changed.wait_for(&mut state, RETRY);
                }
            }
        }
    }

    fn next(&self) -> Option<IndexId> {
        let mut state = self.state.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(&index) = state.dropped.front() {
                return Some(index);
            }
            self.changed.wait(&mut state);
        }
    }

    fn reclaim(&self, index: IndexId) -> Result<(), StoreError> {
        let (low, high) = keys::index_bounds(index);
        let data = &self.engine.data;
        let on_disk = data.approximate_sizes(&[&low[..]..&high[..]])?;
        let large = on_disk.first().is_some_and(|&bytes| bytes >= COMPACT_BYTES);
        if large {
            data.delete_files_in_range(&low..&high)?;
        }
        let mut batch = WriteBatch::new();
        let few = self.delete_few(&mut batch, &low, &high)?;
        if !few {
            batch.clear();
            batch.delete_range(data, &low, &high);
        }
        self.engine.write(&mut batch, WriteMode::Buffered)?;
        // Few entries in many bytes: what an interrupted attempt has left.
        if large || !few {
            data.compact_range(&low..&high);
        }
        if self.state.lock().stopped {
            return Ok(()); // the compaction may have been cut short: again at the next opening
        }
        self.catalogue.forget_dropped(index)
    }

    /// Deletes a range's entries one by one, if they are few.
    fn delete_few(&self, batch: &mut WriteBatch, low: &[u8], high: &[u8]) -> Result<bool, StoreError> {
        let bounds = ReadOptions::new()
            .bounds(low.to_vec(), high.to_vec())
            .fill_cache(false);
        let mut cursor = self.engine.data.cursor(bounds);
        cursor.seek_to_first();
        for _ in 0..FEW {
            let Some(key) = cursor.key() else {
                cursor.status()?;
                return Ok(true);
            };
            batch.delete(&self.engine.data, key);
            cursor.step_forward();
        }
        Ok(false)
    }
}
