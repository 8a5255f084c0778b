//! Column families: key spaces with settings of their own that share one log.

use crate::db::Shared;
use crate::ffi;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::Arc;

/// A column family of an open database; keeps it open.
#[derive(Clone, Debug)]
pub struct ColumnFamily {
    shared: Arc<Shared>,
    raw: NonNull<ffi::rocksdb_column_family_handle_t>,
}

// SAFETY: RocksDB's handles are made for many threads, and live as long as
// `shared`, which owns them.
unsafe impl Send for ColumnFamily {}
// SAFETY: as above.
unsafe impl Sync for ColumnFamily {}

impl ColumnFamily {
    pub(crate) fn new(shared: Arc<Shared>, raw: NonNull<ffi::rocksdb_column_family_handle_t>) -> Self {
        Self { shared, raw }
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::rocksdb_column_family_handle_t {
        self.raw.as_ptr()
    }

    pub(crate) fn db(&self) -> *mut ffi::rocksdb_t {
        self.shared.db()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A property with a number (see `DB::Properties` in `rocksdb/db.h`).
    pub fn property(&self, name: &CStr) -> Option<u64> {
        let mut value = 0;
        // SAFETY: database and family are alive; name and value are for the call.
        let result =
            unsafe { ffi::rocksdb_property_int_cf(self.db(), self.as_ptr(), name.as_ptr(), &mut value) };
        (result == 0).then_some(value)
    }
}
