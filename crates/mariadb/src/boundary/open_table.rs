//! The table of a statement that looks after it, as the server has it open.

use super::server::Thd;
use std::ffi::{c_char, c_void};

unsafe extern "C" {
    fn vamos_server_thd(table: *mut c_void) -> *mut c_void;
    fn vamos_server_progress(table: *mut c_void, done: u64, total: u64);
    fn vamos_server_next_stage(table: *mut c_void);
    fn vamos_server_warn(table: *mut c_void, text: *const c_char, length: usize);
    fn vamos_server_virtual_columns(table: *mut c_void);
    fn vamos_server_key_name(table: *mut c_void, key: u32, place: *mut c_char, size: usize) -> usize;
    fn vamos_server_key_text(table: *mut c_void, key: u32, place: *mut c_char, size: usize) -> usize;
}

/// The longest text of a key that is asked for.
const LONGEST: usize = 512;

/// A table that the server has open, for one statement of its thread.
#[derive(Debug)]
pub(crate) struct OpenTable {
    table: *mut c_void,
    record: *mut u8,
    length: usize,
}

impl OpenTable {
    /// # Safety
    /// `table` must be open in the calling thread for as long as this lives, and
    /// `record` its first record buffer, of `length` bytes, which nobody else
    /// uses meanwhile.
    pub(super) unsafe fn new(table: *mut c_void, record: *mut u8, length: usize) -> Self {
        Self {
            table,
            record,
            length,
        }
    }

    /// The connection.
    pub(crate) fn thd(&self) -> Thd {
        // SAFETY: the table is open (see `new`), and its connection outlives it.
        unsafe { Thd::new(vamos_server_thd(self.table)) }
    }

    /// Its record buffer.
    pub(crate) fn record(&mut self) -> &mut [u8] {
        // SAFETY: see `new`; what the server writes to it, it writes between two
        // calls of this.
        unsafe { std::slice::from_raw_parts_mut(self.record, self.length) }
    }

    /// Tells the client how far the statement is.
    pub(crate) fn progress(&self, done: u64, total: u64) {
        // SAFETY: the table is open.
        unsafe { vamos_server_progress(self.table, done, total.max(done).max(1)) }
    }

    /// The next stage of the statement's progress begins.
    pub(crate) fn next_stage(&self) {
        // SAFETY: the table is open.
        unsafe { vamos_server_next_stage(self.table) }
    }

    /// Adds a warning to the statement.
    pub(crate) fn warn(&self, text: &str) {
        // SAFETY: the table is open; the text is for the call.
        unsafe { vamos_server_warn(self.table, text.as_ptr().cast(), text.len()) }
    }

    /// Computes the virtual columns of the row in the record.
    pub(crate) fn compute_virtual_columns(&mut self) {
        // SAFETY: the table is open, and its record filled.
        unsafe { vamos_server_virtual_columns(self.table) }
    }

    /// A key's name.
    pub(crate) fn key_name(&self, key: usize) -> String {
        self.text(key, vamos_server_key_name)
    }

    /// The values that a key's columns have in the record, as the server shows
    /// them in messages about duplicates.
    pub(crate) fn key_text(&self, key: usize) -> String {
        self.text(key, vamos_server_key_text)
    }

    fn text(
        &self,
        key: usize,
        get: unsafe extern "C" fn(*mut c_void, u32, *mut c_char, usize) -> usize,
    ) -> String {
        let mut place = [0_u8; LONGEST];
        // SAFETY: the table is open, and has as many keys as the shape; so many
        // bytes are there.
        let length = unsafe { get(self.table, key as u32, place.as_mut_ptr().cast(), place.len()) };
        String::from_utf8_lossy(&place[..length.min(LONGEST)]).into_owned()
    }
}
