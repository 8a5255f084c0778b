//! The structures of shim/boundary.h.

use std::ffi::{c_char, c_void};

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) null_offset: u32,
    pub(super) bit_offset: u32,
    pub(super) sort_length: u32,
    pub(super) null_mask: u8,
    pub(super) storage: u8,
    pub(super) order: u8,
    pub(super) length_bytes: u8,
    pub(super) bit_shift: u8,
    pub(super) bit_length: u8,
    pub(super) stored: u8,
    pub(super) meaning: u8,
    pub(super) precision: u8,
    pub(super) scale: u8,
    pub(super) pad_length: u8,
    pub(super) pad: [u8; 4],
    pub(super) collation: *const c_void,
    pub(super) field: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct KeyPart {
    pub(super) column: u32,
    pub(super) length: u32,
    pub(super) nullable: u8,
    pub(super) variable: u8,
    pub(super) reverse: u8,
    pub(super) prefix: u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) parts: *const KeyPart,
    pub(super) user_parts: u32,
    pub(super) all_parts: u32,
    pub(super) unique: u8,
}

#[repr(C)]
pub(super) struct Table {
    pub(super) columns: *const Column,
    pub(super) column_count: u32,
    pub(super) keys: *const Key,
    pub(super) key_count: u32,
    pub(super) primary_key: u32,
    pub(super) record_length: u32,
    pub(super) auto_increment: u32,
    pub(super) defaults: *const u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Write {
    auto_increment_next: u64,
    gather: u8,
    duplicate_uses_value: u8,
}

impl From<Write> for crate::engine::Write {
    fn from(write: Write) -> Self {
        Self {
            auto_increment_next: write.auto_increment_next,
            gather: write.gather != 0,
            duplicate_uses_value: write.duplicate_uses_value != 0,
        }
    }
}

#[repr(C)]
pub(super) struct Alter {
    pub(super) table: *const Table,
    pub(super) old_columns: *const u32,
    pub(super) old_keys: *const u32,
    pub(super) record: *const u8,
    pub(super) version: *const u8,
    pub(super) image: *const u8,
    pub(super) image_length: usize,
    pub(super) partition: u8,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Level {
    pub(super) flags: u32,
    pub(super) pad_space: u8,
    pub(super) pad_length: u8,
    pub(super) pad: [u8; 8],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Collation {
    pub(super) binary: u8,
    pub(super) trim: u8,
    pub(super) multi_byte: u8,
    pub(super) level_count: u8,
    pub(super) max_bytes: u32,
    pub(super) levels: [Level; 6],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) isolation: u8,
    pub(super) multi_statement: u8,
    pub(super) applies: u8,
    pub(super) lock_wait_seconds: u32,
    pub(super) writes_durably: u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct XidParts {
    pub(super) format: i64,
    pub(super) global_length: u32,
    pub(super) branch_length: u32,
    /// The two parts, one behind the other.
    pub(super) data: [u8; 128],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) lock: u8,
    pub(super) wait: u8,
    pub(super) unlock: u8,
    pub(super) lock_ahead: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Stats {
    pub(super) rows: u64,
    pub(super) entry_bytes: f64,
    pub(super) secondary_bytes: f64,
}

#[repr(C)]
pub(super) struct IndexSizes {
    pub(super) id: u64,
    pub(super) bytes: u64,
}

#[repr(C)]
pub(super) struct TableSizes {
    pub(super) name: *const c_char,
    pub(super) name_length: usize,
    pub(super) table: u64,
    pub(super) rows: u64,
    pub(super) auto_increment: u64,
    pub(super) row_id: u64,
    pub(super) indexes: *const IndexSizes,
    pub(super) index_count: u32,
}

#[repr(C)]
pub(super) struct Cell {
    pub(super) kind: u8,
    pub(super) number: u64,
    pub(super) text: *const c_char,
    pub(super) length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) min_key: *const u8,
    pub(super) max_key: *const u8,
    pub(super) min_length: u32,
    pub(super) min_find: u32,
    pub(super) max_length: u32,
    pub(super) max_find: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Settings {
    pub(super) endpoint: *const c_char,
    pub(super) window: *const c_char,
    pub(super) token_file: *const c_char,
    pub(super) poll_budget_us: u64,
}

#[repr(C)]
pub(super) struct Counters {
    pub(super) requests: u64,
    pub(super) responses: u64,
    pub(super) frames_sent: u64,
    pub(super) frames_received: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) doorbells_rung: u64,
    pub(super) doorbells_suppressed: u64,
    pub(super) doorbells_received: u64,
    pub(super) sleeps: u64,
    pub(super) poll_us: u64,
    pub(super) lanes_open: u64,
    pub(super) connects: u64,
    pub(super) rows_rejected: u64,
    pub(super) mode: [u8; 16],
    pub(super) endpoint: [u8; 256],
}

#[repr(C)]
pub(super) struct ForeignKey {
    pub(super) name: *const c_char,
    pub(super) child: *const c_char,
    pub(super) parent: *const c_char,
    pub(super) columns: *const *const c_char,
    pub(super) parent_columns: *const *const c_char,
    pub(super) column_count: u32,
    pub(super) on_delete: u8,
    pub(super) on_update: u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct LinkPart {
    pub(super) column: u32,
    pub(super) other_column: u32,
    pub(super) nullable: u8,
    pub(super) reverse: u8,
}

#[repr(C)]
pub(super) struct Link {
    pub(super) other: *const c_char,
    pub(super) to_child: u8,
    pub(super) unique: u8,
    pub(super) index: u32,
    pub(super) index_count: u32,
    pub(super) version: *const u8,
    pub(super) parts: *const LinkPart,
    pub(super) part_count: u32,
}
