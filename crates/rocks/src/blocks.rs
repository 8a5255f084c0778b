//! What a thread's reads cost.

use crate::ffi;
use crate::options::non_null;
use std::ptr::NonNull;

/// `rocksdb_block_read_count` of `rocksdb/c.h`.
const BLOCK_READ_COUNT: std::ffi::c_int = 2;

/// RocksDB's counters of one thread.
struct Context(NonNull<ffi::rocksdb_perfcontext_t>);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once; the counters themselves are RocksDB's.
        unsafe { ffi::rocksdb_perfcontext_destroy(self.0.as_ptr()) }
    }
}

thread_local! {
    // SAFETY: takes nothing, and gives out a handle on this thread's own counters.
    static CONTEXT: Context = Context(non_null(unsafe { ffi::rocksdb_perfcontext_create() }));
}

/// How many blocks of table files this thread has had to read, since they were not in the
/// cache: from the disk, or from the kernel's page cache. RocksDB counts them at its
/// default level (`PerfLevel::kEnableCount`). 0 while the thread ends.
pub fn blocks_read() -> u64 {
    let count = |context: &Context| {
        // SAFETY: alive; only this thread writes the counters.
        unsafe { ffi::rocksdb_perfcontext_metric(context.0.as_ptr(), BLOCK_READ_COUNT) }
    };
    CONTEXT.try_with(count).unwrap_or(0)
}
