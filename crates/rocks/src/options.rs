//! Settings, as plain values; turned into RocksDB's objects when it opens.

use crate::{MergeOperator, ffi};
use std::ptr::NonNull;

/// Settings of a database.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// Make the database, or column families of it, if they do not exist.
    pub create: bool,
    /// The size of the block cache that all column families share, in bytes.
    pub cache_bytes: usize,
    /// Threads for flushes and compactions.
    pub background_jobs: u16,
    /// How many files stay open.
    pub open_files: u32,
    /// Above this many bytes of log, the column family that holds the oldest
    /// part is flushed.
    pub log_bytes: u64,
    /// Count cache hits and the like ([`Db::tickers`](crate::Db::tickers)).
    pub statistics: bool,
    /// Read and write table files past the operating system's page cache (`O_DIRECT`).
    /// The log and the manifest are written through it all the same. Where the file
    /// system cannot, opening fails with [`ErrorKind::NoDirectIo`](crate::ErrorKind).
    pub direct_io: bool,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            create: true,
            cache_bytes: 64 << 20,
            background_jobs: 2,
            open_files: 1024,
            log_bytes: 256 << 20,
            statistics: true,
            direct_io: false,
        }
    }
}

/// Nobody reads ahead for a compaction that goes past the page cache; this much is what
/// `rocksdb/options.h` advises (`compaction_readahead_size`).
const DIRECT_COMPACTION_READAHEAD: usize = 2 << 20;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// By LZ4.
    #[default]
    Lz4,
}

/// Settings of a column family.
#[derive(Clone, Debug)]
pub struct ColumnFamilyOptions {
    /// Its name; every database has one named `default`.
    pub name: String,
    /// Bytes of changes gathered in memory before they become a file.
    pub write_buffer_bytes: usize,
    /// Bytes of a block before compression: the unit of reading and caching.
    pub block_bytes: usize,
    /// Bits a key in the Bloom filters; 0: no filters.
    pub bloom_bits: f64,
    /// How blocks are compressed.
    pub compression: Compression,
    /// What merges in this family mean.
    pub merge: Option<MergeOperator>,
}

impl ColumnFamilyOptions {
    /// The defaults under this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            write_buffer_bytes: 64 << 20,
            block_bytes: 8 << 10,
            bloom_bits: 10.0,
            compression: Compression::default(),
            merge: None,
        }
    }
}

/// An owned `rocksdb_options_t`.
#[derive(Debug)]
pub(crate) struct RawOptions(NonNull<ffi::rocksdb_options_t>);

// SAFETY: the object is only read after it was made, and RocksDB's statistics
// behind it are made for many threads.
unsafe impl Send for RawOptions {}
// SAFETY: as above.
unsafe impl Sync for RawOptions {}

impl RawOptions {
    fn new() -> Self {
        // SAFETY: takes nothing.
        Self(non_null(unsafe { ffi::rocksdb_options_create() }))
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::rocksdb_options_t {
        self.0.as_ptr()
    }

    pub(crate) fn of_db(options: &DbOptions) -> Self {
        let raw = Self::new();
        let o = raw.as_ptr();
        // SAFETY: `o` is a live options object of ours; all arguments are values.
        unsafe {
            ffi::rocksdb_options_set_create_if_missing(o, options.create.into());
            ffi::rocksdb_options_set_create_missing_column_families(o, options.create.into());
            ffi::rocksdb_options_set_paranoid_checks(o, 1);
            ffi::rocksdb_options_set_info_log_level(o, ffi::INFO_LOG_ERRORS);
            ffi::rocksdb_options_set_keep_log_file_num(o, 2);
            ffi::rocksdb_options_set_max_log_file_size(o, 4 << 20);
            ffi::rocksdb_options_set_stats_dump_period_sec(o, 0);
            ffi::rocksdb_options_set_max_open_files(o, i32::try_from(options.open_files).unwrap_or(i32::MAX));
            ffi::rocksdb_options_set_max_total_wal_size(o, options.log_bytes);
            ffi::rocksdb_options_set_max_background_jobs(o, options.background_jobs.max(1).into());
            ffi::rocksdb_options_set_bytes_per_sync(o, 1 << 20);
            ffi::rocksdb_options_set_wal_recovery_mode(o, ffi::POINT_IN_TIME_RECOVERY);
            if options.statistics {
                ffi::rocksdb_options_enable_statistics(o);
            }
            if options.direct_io {
                ffi::rocksdb_options_set_use_direct_reads(o, 1);
                ffi::rocksdb_options_set_use_direct_io_for_flush_and_compaction(o, 1);
                ffi::rocksdb_options_compaction_readahead_size(o, DIRECT_COMPACTION_READAHEAD);
            }
        }
        raw
    }

    pub(crate) fn of_family(options: &ColumnFamilyOptions, cache: &Cache) -> Self {
        let raw = Self::new();
        let o = raw.as_ptr();
        let compression = match options.compression {
            Compression::None => ffi::NO_COMPRESSION,
            Compression::Lz4 => ffi::LZ4,
        };
        let file_bytes = (options.write_buffer_bytes as u64).clamp(2 << 20, 64 << 20);
        // SAFETY: `o` is a live options object of ours; the merge operator passes
        // into its ownership.
        unsafe {
            ffi::rocksdb_options_set_write_buffer_size(o, options.write_buffer_bytes);
            ffi::rocksdb_options_set_max_write_buffer_number(o, 3);
            ffi::rocksdb_options_set_target_file_size_base(o, file_bytes);
            ffi::rocksdb_options_set_max_bytes_for_level_base(o, file_bytes * 4);
            ffi::rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
            ffi::rocksdb_options_set_compression(o, compression);
            if options.bloom_bits > 0.0 {
                // In memory, too, an absent key is known without a search.
                ffi::rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, 0.1);
                ffi::rocksdb_options_set_memtable_whole_key_filtering(o, 1);
            }
            if let Some(merge) = options.merge {
                ffi::rocksdb_options_set_merge_operator(o, merge.into_raw());
            }
        }
        raw.set_table(options, cache);
        raw
    }

    fn set_table(&self, options: &ColumnFamilyOptions, cache: &Cache) {
        // SAFETY: `table` lives until the end of the block, and the options copy
        // it; the filter policy passes into its ownership; the cache is shared.
        unsafe {
            let table = ffi::rocksdb_block_based_options_create();
            ffi::rocksdb_block_based_options_set_block_size(table, options.block_bytes);
            ffi::rocksdb_block_based_options_set_format_version(table, 5);
            ffi::rocksdb_block_based_options_set_block_cache(table, cache.as_ptr());
            ffi::rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
            ffi::rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
            ffi::rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
            if options.bloom_bits > 0.0 {
                let policy = ffi::rocksdb_filterpolicy_create_bloom_full(options.bloom_bits);
                ffi::rocksdb_block_based_options_set_filter_policy(table, policy);
            }
            ffi::rocksdb_options_set_block_based_table_factory(self.as_ptr(), table);
            ffi::rocksdb_block_based_options_destroy(table);
        }
    }
}

impl Drop for RawOptions {
    fn drop(&mut self) {
        // SAFETY: ours, and destroyed once.
        unsafe { ffi::rocksdb_options_destroy(self.as_ptr()) }
    }
}

/// An owned reference to a block cache.
#[derive(Debug)]
pub(crate) struct Cache(NonNull<ffi::rocksdb_cache_t>);

// SAFETY: RocksDB's cache is made for many threads.
unsafe impl Send for Cache {}
// SAFETY: as above.
unsafe impl Sync for Cache {}

impl Cache {
    pub(crate) fn new(bytes: usize) -> Self {
        // SAFETY: takes a value.
        Self(non_null(unsafe { ffi::rocksdb_cache_create_lru(bytes) }))
    }

    fn as_ptr(&self) -> *mut ffi::rocksdb_cache_t {
        self.0.as_ptr()
    }

    pub(crate) fn capacity(&self) -> usize {
        // SAFETY: alive as long as `self`.
        unsafe { ffi::rocksdb_cache_get_capacity(self.as_ptr()) }
    }

    pub(crate) fn usage(&self) -> usize {
        // SAFETY: alive as long as `self`.
        unsafe { ffi::rocksdb_cache_get_usage(self.as_ptr()) }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // SAFETY: drops our reference; the tables have theirs.
        unsafe { ffi::rocksdb_cache_destroy(self.as_ptr()) }
    }
}

/// What C++'s `new` gave: it throws (and so aborts) when memory is out, and never
/// returns null.
pub(crate) fn non_null<T>(pointer: *mut T) -> NonNull<T> {
    NonNull::new(pointer).unwrap_or_else(|| std::process::abort())
}
