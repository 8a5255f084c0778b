//! Snapshots to read from, shared where they show the same.

use crate::disk::Disk;
use parking_lot::RwLock;
use std::sync::Arc;
use vamos_rocks::{Db, ReadOptions, Snapshot};

/// A snapshot, ready to be read from.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) options: ReadOptions,
    /// The store's version that it shows at least.
    pub(crate) version: u64,
}

impl View {
    fn new(db: &Db, disk: &Disk, version: u64) -> Arc<Self> {
        let snapshot = Arc::new(db.snapshot());
        Arc::new(Self {
            options: disk.announced_by(ReadOptions::new().snapshot(Arc::clone(&snapshot))),
            snapshot,
            version,
        })
    }
}

/// The last snapshot taken, with the version of the store that it shows at least;
/// for others to use until something is written. Taking a snapshot costs RocksDB's
/// mutex, for which readers would queue.
#[derive(Debug, Default)]
pub(crate) struct Views {
    last: RwLock<Option<(u64, Arc<View>)>>,
}

impl Views {
    /// A snapshot that shows this version at least, which is the newest.
    pub(crate) fn newest(&self, db: &Db, disk: &Disk, version: u64) -> Arc<View> {
        if let Some((of, view)) = &*self.last.read()
            && *of == version
        {
            return Arc::clone(view);
        }
        let view = View::new(db, disk, version);
        *self.last.write() = Some((version, Arc::clone(&view)));
        view
    }

    /// Forgets a snapshot that has grown old, so that it keeps nothing alive.
    pub(crate) fn forget(&self) {
        if self.last.read().is_some() {
            let old = self.last.write().take();
            drop(old); // the lock is free already: this takes RocksDB's mutex
        }
    }
}
