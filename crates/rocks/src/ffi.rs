//! Declarations from `rocksdb/c.h`: just what this crate calls.
//!
//! Each has the same signature in RocksDB 7.8 (Debian 12) and 11.8 (the feature
//! `bundled`).

use std::ffi::{c_char, c_double, c_int, c_uint, c_void};

/// Declares C's opaque types: never made or moved by Rust.
macro_rules! opaque {
    ($($name:ident),* $(,)?) => { $(
        #[repr(C)]
        pub(crate) struct $name {
            _private: [u8; 0],
            _not_send: std::marker::PhantomData<(*mut u8, std::marker::PhantomPinned)>,
        }
    )* };
}

opaque!(
    rocksdb_t,
    rocksdb_options_t,
    rocksdb_block_based_table_options_t,
    rocksdb_cache_t,
    rocksdb_checkpoint_t,
    rocksdb_column_family_handle_t,
    rocksdb_compactoptions_t,
    rocksdb_filterpolicy_t,
    rocksdb_flushoptions_t,
    rocksdb_iterator_t,
    rocksdb_livefiles_t,
    rocksdb_mergeoperator_t,
    rocksdb_perfcontext_t,
    rocksdb_pinnableslice_t,
    rocksdb_readoptions_t,
    rocksdb_snapshot_t,
    rocksdb_writebatch_t,
    rocksdb_writeoptions_t,
);

/// `rocksdb_lz4_compression`.
pub(crate) const LZ4: c_int = 4;
/// `rocksdb_no_compression`.
pub(crate) const NO_COMPRESSION: c_int = 0;
/// `rocksdb_point_in_time_recovery`.
pub(crate) const POINT_IN_TIME_RECOVERY: c_int = 2;
/// `InfoLogLevel::ERROR_LEVEL`.
pub(crate) const INFO_LOG_ERRORS: c_int = 3;
/// `ReadTier::kBlockCacheTier`.
pub(crate) const BLOCK_CACHE_TIER: c_int = 1;

pub(crate) type FullMerge = unsafe extern "C" fn(
    state: *mut c_void,
    key: *const c_char,
    key_length: usize,
    existing: *const c_char,
    existing_length: usize,
    operands: *const *const c_char,
    operand_lengths: *const usize,
    operand_count: c_int,
    success: *mut u8,
    new_length: *mut usize,
) -> *mut c_char;

pub(crate) type PartialMerge = unsafe extern "C" fn(
    state: *mut c_void,
    key: *const c_char,
    key_length: usize,
    operands: *const *const c_char,
    operand_lengths: *const usize,
    operand_count: c_int,
    success: *mut u8,
    new_length: *mut usize,
) -> *mut c_char;

type Errptr = *mut *mut c_char;

unsafe extern "C" {
    pub(crate) fn rocksdb_perfcontext_create() -> *mut rocksdb_perfcontext_t;
    pub(crate) fn rocksdb_perfcontext_metric(context: *mut rocksdb_perfcontext_t, metric: c_int) -> u64;
    pub(crate) fn rocksdb_perfcontext_destroy(context: *mut rocksdb_perfcontext_t);

    pub(crate) fn rocksdb_free(pointer: *mut c_void);

    // The database.
    pub(crate) fn rocksdb_open_column_families(
        options: *const rocksdb_options_t,
        name: *const c_char,
        count: c_int,
        names: *const *const c_char,
        family_options: *const *const rocksdb_options_t,
        handles: *mut *mut rocksdb_column_family_handle_t,
        error: Errptr,
    ) -> *mut rocksdb_t;
    pub(crate) fn rocksdb_close(db: *mut rocksdb_t);
    pub(crate) fn rocksdb_column_family_handle_destroy(handle: *mut rocksdb_column_family_handle_t);
    pub(crate) fn rocksdb_cancel_all_background_work(db: *mut rocksdb_t, wait: u8);
    pub(crate) fn rocksdb_disable_manual_compaction(db: *mut rocksdb_t);
    pub(crate) fn rocksdb_write(
        db: *mut rocksdb_t,
        options: *const rocksdb_writeoptions_t,
        batch: *mut rocksdb_writebatch_t,
        error: Errptr,
    );
    pub(crate) fn rocksdb_flush_wal(db: *mut rocksdb_t, sync: u8, error: Errptr);
    pub(crate) fn rocksdb_property_value(db: *mut rocksdb_t, name: *const c_char) -> *mut c_char;
    pub(crate) fn rocksdb_property_int(db: *mut rocksdb_t, name: *const c_char, out: *mut u64) -> c_int;
    pub(crate) fn rocksdb_property_int_cf(
        db: *mut rocksdb_t,
        family: *mut rocksdb_column_family_handle_t,
        name: *const c_char,
        out: *mut u64,
    ) -> c_int;
    pub(crate) fn rocksdb_create_snapshot(db: *mut rocksdb_t) -> *const rocksdb_snapshot_t;
    pub(crate) fn rocksdb_release_snapshot(db: *mut rocksdb_t, snapshot: *const rocksdb_snapshot_t);

    // Reads.
    pub(crate) fn rocksdb_get_pinned_cf(
        db: *mut rocksdb_t,
        options: *const rocksdb_readoptions_t,
        family: *mut rocksdb_column_family_handle_t,
        key: *const c_char,
        key_length: usize,
        error: Errptr,
    ) -> *mut rocksdb_pinnableslice_t;
    pub(crate) fn rocksdb_batched_multi_get_cf(
        db: *mut rocksdb_t,
        options: *const rocksdb_readoptions_t,
        family: *mut rocksdb_column_family_handle_t,
        count: usize,
        keys: *const *const c_char,
        key_lengths: *const usize,
        values: *mut *mut rocksdb_pinnableslice_t,
        errors: *mut *mut c_char,
        sorted: bool,
    );
    pub(crate) fn rocksdb_pinnableslice_destroy(slice: *mut rocksdb_pinnableslice_t);
    pub(crate) fn rocksdb_pinnableslice_value(
        slice: *const rocksdb_pinnableslice_t,
        length: *mut usize,
    ) -> *const c_char;
    pub(crate) fn rocksdb_readoptions_create() -> *mut rocksdb_readoptions_t;
    pub(crate) fn rocksdb_readoptions_destroy(options: *mut rocksdb_readoptions_t);
    pub(crate) fn rocksdb_readoptions_set_fill_cache(options: *mut rocksdb_readoptions_t, on: u8);
    pub(crate) fn rocksdb_readoptions_set_snapshot(
        options: *mut rocksdb_readoptions_t,
        snapshot: *const rocksdb_snapshot_t,
    );
    pub(crate) fn rocksdb_readoptions_set_iterate_upper_bound(
        options: *mut rocksdb_readoptions_t,
        key: *const c_char,
        length: usize,
    );
    pub(crate) fn rocksdb_readoptions_set_iterate_lower_bound(
        options: *mut rocksdb_readoptions_t,
        key: *const c_char,
        length: usize,
    );
    pub(crate) fn rocksdb_readoptions_set_read_tier(options: *mut rocksdb_readoptions_t, tier: c_int);

    // Iterators.
    pub(crate) fn rocksdb_create_iterator_cf(
        db: *mut rocksdb_t,
        options: *const rocksdb_readoptions_t,
        family: *mut rocksdb_column_family_handle_t,
    ) -> *mut rocksdb_iterator_t;
    pub(crate) fn rocksdb_iter_destroy(iterator: *mut rocksdb_iterator_t);
    pub(crate) fn rocksdb_iter_valid(iterator: *const rocksdb_iterator_t) -> u8;
    pub(crate) fn rocksdb_iter_seek_to_first(iterator: *mut rocksdb_iterator_t);
    pub(crate) fn rocksdb_iter_seek_to_last(iterator: *mut rocksdb_iterator_t);
    pub(crate) fn rocksdb_iter_seek(iterator: *mut rocksdb_iterator_t, key: *const c_char, length: usize);
    pub(crate) fn rocksdb_iter_seek_for_prev(
        iterator: *mut rocksdb_iterator_t,
        key: *const c_char,
        length: usize,
    );
    pub(crate) fn rocksdb_iter_next(iterator: *mut rocksdb_iterator_t);
    pub(crate) fn rocksdb_iter_prev(iterator: *mut rocksdb_iterator_t);
    pub(crate) fn rocksdb_iter_key(iterator: *const rocksdb_iterator_t, length: *mut usize) -> *const c_char;
    pub(crate) fn rocksdb_iter_value(
        iterator: *const rocksdb_iterator_t,
        length: *mut usize,
    ) -> *const c_char;
    pub(crate) fn rocksdb_iter_get_error(iterator: *const rocksdb_iterator_t, error: Errptr);

    // Write batches.
    pub(crate) fn rocksdb_writebatch_create() -> *mut rocksdb_writebatch_t;
    pub(crate) fn rocksdb_writebatch_create_from(
        bytes: *const c_char,
        length: usize,
    ) -> *mut rocksdb_writebatch_t;
    pub(crate) fn rocksdb_writebatch_destroy(batch: *mut rocksdb_writebatch_t);
    pub(crate) fn rocksdb_writebatch_clear(batch: *mut rocksdb_writebatch_t);
    pub(crate) fn rocksdb_writebatch_count(batch: *mut rocksdb_writebatch_t) -> c_int;
    pub(crate) fn rocksdb_writebatch_data(
        batch: *mut rocksdb_writebatch_t,
        length: *mut usize,
    ) -> *const c_char;
    pub(crate) fn rocksdb_writebatch_put_cf(
        batch: *mut rocksdb_writebatch_t,
        family: *mut rocksdb_column_family_handle_t,
        key: *const c_char,
        key_length: usize,
        value: *const c_char,
        value_length: usize,
    );
    pub(crate) fn rocksdb_writebatch_merge_cf(
        batch: *mut rocksdb_writebatch_t,
        family: *mut rocksdb_column_family_handle_t,
        key: *const c_char,
        key_length: usize,
        value: *const c_char,
        value_length: usize,
    );
    pub(crate) fn rocksdb_writebatch_delete_cf(
        batch: *mut rocksdb_writebatch_t,
        family: *mut rocksdb_column_family_handle_t,
        key: *const c_char,
        key_length: usize,
    );
    pub(crate) fn rocksdb_writebatch_delete_range_cf(
        batch: *mut rocksdb_writebatch_t,
        family: *mut rocksdb_column_family_handle_t,
        start: *const c_char,
        start_length: usize,
        end: *const c_char,
        end_length: usize,
    );
    pub(crate) fn rocksdb_writeoptions_create() -> *mut rocksdb_writeoptions_t;
    pub(crate) fn rocksdb_writeoptions_destroy(options: *mut rocksdb_writeoptions_t);
    pub(crate) fn rocksdb_writeoptions_set_sync(options: *mut rocksdb_writeoptions_t, on: u8);

    // Maintenance.
    pub(crate) fn rocksdb_approximate_sizes_cf(
        db: *mut rocksdb_t,
        family: *mut rocksdb_column_family_handle_t,
        count: c_int,
        starts: *const *const c_char,
        start_lengths: *const usize,
        ends: *const *const c_char,
        end_lengths: *const usize,
        sizes: *mut u64,
        error: Errptr,
    );
    pub(crate) fn rocksdb_delete_file_in_range_cf(
        db: *mut rocksdb_t,
        family: *mut rocksdb_column_family_handle_t,
        start: *const c_char,
        start_length: usize,
        end: *const c_char,
        end_length: usize,
        error: Errptr,
    );
    pub(crate) fn rocksdb_compact_range_cf_opt(
        db: *mut rocksdb_t,
        family: *mut rocksdb_column_family_handle_t,
        options: *mut rocksdb_compactoptions_t,
        start: *const c_char,
        start_length: usize,
        end: *const c_char,
        end_length: usize,
    );
    pub(crate) fn rocksdb_compactoptions_create() -> *mut rocksdb_compactoptions_t;
    pub(crate) fn rocksdb_compactoptions_destroy(options: *mut rocksdb_compactoptions_t);
    pub(crate) fn rocksdb_compactoptions_set_exclusive_manual_compaction(
        options: *mut rocksdb_compactoptions_t,
        on: u8,
    );
    pub(crate) fn rocksdb_flush_cf(
        db: *mut rocksdb_t,
        options: *const rocksdb_flushoptions_t,
        family: *mut rocksdb_column_family_handle_t,
        error: Errptr,
    );
    pub(crate) fn rocksdb_flushoptions_create() -> *mut rocksdb_flushoptions_t;
    pub(crate) fn rocksdb_flushoptions_destroy(options: *mut rocksdb_flushoptions_t);
    pub(crate) fn rocksdb_flushoptions_set_wait(options: *mut rocksdb_flushoptions_t, on: u8);
    pub(crate) fn rocksdb_checkpoint_object_create(
        db: *mut rocksdb_t,
        error: Errptr,
    ) -> *mut rocksdb_checkpoint_t;
    pub(crate) fn rocksdb_checkpoint_create(
        checkpoint: *mut rocksdb_checkpoint_t,
        directory: *const c_char,
        log_size_for_flush: u64,
        error: Errptr,
    );
    pub(crate) fn rocksdb_checkpoint_object_destroy(checkpoint: *mut rocksdb_checkpoint_t);

    // Options.
    pub(crate) fn rocksdb_options_create() -> *mut rocksdb_options_t;
    pub(crate) fn rocksdb_options_destroy(options: *mut rocksdb_options_t);
    pub(crate) fn rocksdb_options_set_create_if_missing(options: *mut rocksdb_options_t, on: u8);
    pub(crate) fn rocksdb_options_set_create_missing_column_families(options: *mut rocksdb_options_t, on: u8);
    pub(crate) fn rocksdb_options_set_paranoid_checks(options: *mut rocksdb_options_t, on: u8);
    pub(crate) fn rocksdb_options_set_info_log_level(options: *mut rocksdb_options_t, level: c_int);
    pub(crate) fn rocksdb_options_set_keep_log_file_num(options: *mut rocksdb_options_t, count: usize);
    pub(crate) fn rocksdb_options_set_max_log_file_size(options: *mut rocksdb_options_t, bytes: usize);
    pub(crate) fn rocksdb_options_set_stats_dump_period_sec(options: *mut rocksdb_options_t, seconds: c_uint);
    pub(crate) fn rocksdb_options_set_max_open_files(options: *mut rocksdb_options_t, count: c_int);
    pub(crate) fn rocksdb_options_set_max_total_wal_size(options: *mut rocksdb_options_t, bytes: u64);
    pub(crate) fn rocksdb_options_set_max_background_jobs(options: *mut rocksdb_options_t, count: c_int);
    pub(crate) fn rocksdb_options_set_use_direct_reads(options: *mut rocksdb_options_t, on: u8);
    pub(crate) fn rocksdb_options_set_use_direct_io_for_flush_and_compaction(
        options: *mut rocksdb_options_t,
        on: u8,
    );
    pub(crate) fn rocksdb_options_compaction_readahead_size(options: *mut rocksdb_options_t, bytes: usize);
    pub(crate) fn rocksdb_options_set_bytes_per_sync(options: *mut rocksdb_options_t, bytes: u64);
    pub(crate) fn rocksdb_options_set_wal_recovery_mode(options: *mut rocksdb_options_t, mode: c_int);
    pub(crate) fn rocksdb_options_enable_statistics(options: *mut rocksdb_options_t);
    pub(crate) fn rocksdb_options_statistics_get_string(options: *mut rocksdb_options_t) -> *mut c_char;
    pub(crate) fn rocksdb_options_set_write_buffer_size(options: *mut rocksdb_options_t, bytes: usize);
    pub(crate) fn rocksdb_options_set_max_write_buffer_number(options: *mut rocksdb_options_t, count: c_int);
    pub(crate) fn rocksdb_options_set_target_file_size_base(options: *mut rocksdb_options_t, bytes: u64);
    pub(crate) fn rocksdb_options_set_max_bytes_for_level_base(options: *mut rocksdb_options_t, bytes: u64);
    pub(crate) fn rocksdb_options_set_level_compaction_dynamic_level_bytes(
        options: *mut rocksdb_options_t,
        on: u8,
    );
    pub(crate) fn rocksdb_options_set_memtable_prefix_bloom_size_ratio(
        options: *mut rocksdb_options_t,
        ratio: c_double,
    );
    pub(crate) fn rocksdb_options_set_memtable_whole_key_filtering(options: *mut rocksdb_options_t, on: u8);
    pub(crate) fn rocksdb_options_set_compression(options: *mut rocksdb_options_t, kind: c_int);
    pub(crate) fn rocksdb_options_set_merge_operator(
        options: *mut rocksdb_options_t,
        operator: *mut rocksdb_mergeoperator_t,
    );
    pub(crate) fn rocksdb_options_set_block_based_table_factory(
        options: *mut rocksdb_options_t,
        table: *mut rocksdb_block_based_table_options_t,
    );
    pub(crate) fn rocksdb_block_based_options_create() -> *mut rocksdb_block_based_table_options_t;
    pub(crate) fn rocksdb_block_based_options_destroy(table: *mut rocksdb_block_based_table_options_t);
    pub(crate) fn rocksdb_block_based_options_set_block_size(
        table: *mut rocksdb_block_based_table_options_t,
        bytes: usize,
    );
    pub(crate) fn rocksdb_block_based_options_set_format_version(
        table: *mut rocksdb_block_based_table_options_t,
        version: c_int,
    );
    pub(crate) fn rocksdb_block_based_options_set_filter_policy(
        table: *mut rocksdb_block_based_table_options_t,
        policy: *mut rocksdb_filterpolicy_t,
    );
    pub(crate) fn rocksdb_block_based_options_set_block_cache(
        table: *mut rocksdb_block_based_table_options_t,
        cache: *mut rocksdb_cache_t,
    );
    pub(crate) fn rocksdb_block_based_options_set_cache_index_and_filter_blocks(
        table: *mut rocksdb_block_based_table_options_t,
        on: u8,
    );
    pub(crate) fn rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(
        table: *mut rocksdb_block_based_table_options_t,
        on: u8,
    );
    pub(crate) fn rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(
        table: *mut rocksdb_block_based_table_options_t,
        on: u8,
    );
    pub(crate) fn rocksdb_filterpolicy_create_bloom_full(
        bits_per_key: c_double,
    ) -> *mut rocksdb_filterpolicy_t;
    pub(crate) fn rocksdb_cache_create_lru(bytes: usize) -> *mut rocksdb_cache_t;
    pub(crate) fn rocksdb_cache_destroy(cache: *mut rocksdb_cache_t);
    pub(crate) fn rocksdb_cache_get_capacity(cache: *mut rocksdb_cache_t) -> usize;
    pub(crate) fn rocksdb_cache_get_usage(cache: *mut rocksdb_cache_t) -> usize;
    pub(crate) fn rocksdb_mergeoperator_create(
        state: *mut c_void,
        destructor: unsafe extern "C" fn(*mut c_void),
        full_merge: FullMerge,
        partial_merge: PartialMerge,
        delete_value: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
        name: unsafe extern "C" fn(*mut c_void) -> *const c_char,
    ) -> *mut rocksdb_mergeoperator_t;

    pub(crate) fn rocksdb_livefiles(db: *mut rocksdb_t) -> *const rocksdb_livefiles_t;
    pub(crate) fn rocksdb_livefiles_destroy(files: *const rocksdb_livefiles_t);
    pub(crate) fn rocksdb_livefiles_count(files: *const rocksdb_livefiles_t) -> c_int;
    pub(crate) fn rocksdb_livefiles_column_family_name(
        files: *const rocksdb_livefiles_t,
        index: c_int,
    ) -> *const c_char;
    pub(crate) fn rocksdb_livefiles_name(files: *const rocksdb_livefiles_t, index: c_int) -> *const c_char;
    pub(crate) fn rocksdb_livefiles_level(files: *const rocksdb_livefiles_t, index: c_int) -> c_int;
    pub(crate) fn rocksdb_livefiles_size(files: *const rocksdb_livefiles_t, index: c_int) -> usize;
    pub(crate) fn rocksdb_livefiles_smallestkey(
        files: *const rocksdb_livefiles_t,
        index: c_int,
        size: *mut usize,
    ) -> *const c_char;
    pub(crate) fn rocksdb_livefiles_largestkey(
        files: *const rocksdb_livefiles_t,
        index: c_int,
        size: *mut usize,
    ) -> *const c_char;
    /// Ours (shim/verify.cc); the message is from malloc.
    pub(crate) fn vamos_rocks_verify_file(path: *const c_char) -> *mut c_char;
}
