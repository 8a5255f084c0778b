//! What Rust calls of the server, by way of shim/server.cc.

use super::types;
use crate::codec::{Collation, Level, Sorter, Weights};
use std::ffi::c_void;
use std::time::Duration;

unsafe extern "C" {
    fn vamos_server_collation(collation: *const c_void, out: *mut types::Collation);
    fn vamos_server_weights(
        collation: *const c_void,
        flags: u32,
        text: *const u8,
        length: usize,
        weights: *mut u8,
        size: usize,
    ) -> usize;
    fn vamos_server_weights_bound(collation: *const c_void, length: usize) -> usize;
    fn vamos_server_trimmed(collation: *const c_void, text: *const u8, length: usize) -> usize;
    fn vamos_server_characters(
        collation: *const c_void,
        text: *const u8,
        length: usize,
        count: usize,
    ) -> usize;
    fn vamos_server_sort_string(field: *mut c_void, value: *const u8, out: *mut u8, length: u32);
    fn vamos_server_killed(thd: *const c_void) -> u8;
    fn vamos_server_is_stopping() -> u8;
    fn vamos_server_connection_number(thd: *const c_void) -> u64;
    fn vamos_server_lock_wait_seconds(thd: *mut c_void) -> u32;
    fn vamos_server_must_rollback(thd: *mut c_void);
    fn vamos_server_must_prepare(thd: *mut c_void);
    fn vamos_server_report_kill(thd: *mut c_void);
    fn vamos_server_alter_progress(thd: *mut c_void, done: u64, all: u64);
    fn vamos_server_report_wait_for(thd: *mut c_void, other: *mut c_void);
    fn vamos_server_checkpoint_reached(cookie: *mut c_void);
}

/// A collation of the server's. The server never frees one.
#[derive(Debug)]
struct ServerCollation(*const c_void);

// SAFETY: collations are constant once they are loaded, and used from all threads.
unsafe impl Send for ServerCollation {}

impl Weights for ServerCollation {
    fn put_weights(&self, flags: u32, text: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        // SAFETY: a plain computation on the collation.
        let size = unsafe { vamos_server_weights_bound(self.0, text.len()) };
        out.resize(start + size, 0);
        let place = &mut out[start..];
        // SAFETY: both ranges are valid and apart; the server writes at most `size` bytes.
        let written = unsafe {
            vamos_server_weights(
                self.0,
                flags,
                text.as_ptr(),
                text.len(),
                place.as_mut_ptr(),
                place.len(),
            )
        };
        out.truncate(start + written.min(size));
    }

    fn trimmed(&self, text: &[u8]) -> usize {
        // SAFETY: the range is valid.
        unsafe { vamos_server_trimmed(self.0, text.as_ptr(), text.len()) }.min(text.len())
    }

    fn characters(&self, text: &[u8], count: usize) -> usize {
        // SAFETY: the range is valid.
        unsafe { vamos_server_characters(self.0, text.as_ptr(), text.len(), count) }.min(text.len())
    }
}

/// Reads what a collation is like.
///
/// # Safety
/// `collation` must be a collation of the server's.
pub(super) unsafe fn collation(collation: *const c_void) -> Collation {
    let mut found = types::Collation::default();
    // SAFETY: the caller vouches for the pointer; `found` is valid for writing.
    unsafe { vamos_server_collation(collation, &raw mut found) };
    let levels = found.levels.iter().take(usize::from(found.level_count));
    Collation {
        levels: levels
            .map(|level| Level {
                flags: level.flags,
                space: (level.pad_space != 0 && level.pad_length != 0)
                    .then(|| level.pad[..usize::from(level.pad_length).min(8)].to_vec()),
            })
            .collect(),
        trim: found.trim != 0,
        max_bytes: found.max_bytes as usize,
        weights: Box::new(ServerCollation(collation)),
    }
}

/// A field of the table that a handler has open.
#[derive(Debug)]
struct ServerField {
    field: *mut c_void,
    length: u32,
}

// SAFETY: a field is used by the thread that runs its table's statement, and by
// no other at the same time; so is the handler that holds this.
unsafe impl Send for ServerField {}

impl Sorter for ServerField {
    fn sort_key(&self, value: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.length as usize, 0);
        // SAFETY: the field lives as long as the open table, whose handler holds
        // this; `value` has the field's length; `out` has room for `length` bytes.
        unsafe {
            vamos_server_sort_string(self.field, value.as_ptr(), out[start..].as_mut_ptr(), self.length);
        }
    }

    fn length(&self) -> usize {
        self.length as usize
    }
}

/// The sorter of a field.
///
/// # Safety
/// `field` must outlive what is returned, and write `length` bytes of sort key.
pub(super) unsafe fn sorter(field: *mut c_void, length: u32) -> Box<dyn Sorter> {
    Box::new(ServerField { field, length })
}

/// Tells the server that the checkpoint for which it gave this cookie is reached.
pub(crate) fn checkpoint_reached(cookie: usize) {
    // SAFETY: the cookie is the server's and is given back once.
    unsafe { vamos_server_checkpoint_reached(cookie as *mut c_void) }
}

/// A connection of the server's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thd(*mut c_void);

// SAFETY: the server passes a connection from thread to thread, and what is
// called on it here is made for that (a flag is read; or it is called from the
// thread that runs the connection's statement).
unsafe impl Send for Thd {}

impl Thd {
    /// # Safety
    /// `thd` must outlive what is made of it.
    pub(super) unsafe fn new(thd: *mut c_void) -> Self {
        Self(thd)
    }

    /// Whether the statement was killed.
    pub(crate) fn killed(self) -> bool {
        // SAFETY: the connection outlives this (see `new`).
        unsafe { vamos_server_killed(self.0) != 0 }
    }

    /// The connection's number, as `SHOW PROCESSLIST` and `KILL` have it.
    pub(crate) fn number(self) -> u64 {
        // SAFETY: the connection outlives this (see `new`).
        unsafe { vamos_server_connection_number(self.0) }
    }

    /// How long its statement may wait for a lock.
    pub(crate) fn lock_wait(self) -> Duration {
        // SAFETY: the connection outlives this, and its thread calls.
        Duration::from_secs(unsafe { vamos_server_lock_wait_seconds(self.0) }.into())
    }

    /// Tells the server how far a long statement has come.
    pub(crate) fn progress(self, done: u64, all: u64) {
        // SAFETY: the connection outlives this, and its thread calls.
        unsafe { vamos_server_alter_progress(self.0, done, all) }
    }

    /// Tells the server that this connection waits for a lock of another one. Both
    /// must be in their transactions, and stay in them during the call.
    pub(crate) fn report_wait_for(self, other: Self) {
        // SAFETY: neither is freed before its transaction has ended; the server
        // takes the locks that it needs.
        unsafe { vamos_server_report_wait_for(self.0, other.0) }
    }

    /// Tells the client that its statement was killed, unless it hears of an error already.
    pub(crate) fn report_kill(self) {
        // SAFETY: the connection outlives this, and its thread calls.
        unsafe { vamos_server_report_kill(self.0) }
    }

    /// Has the server ask whether the statement may end well before anything is committed
    /// for it, also elsewhere and though it has only read.
    pub(crate) fn must_prepare(self) {
        // SAFETY: the connection outlives this, and its thread calls.
        unsafe { vamos_server_must_prepare(self.0) }
    }

    /// Tells the server that the transaction is over and must be rolled back.
    pub(crate) fn must_rollback(self) {
        // SAFETY: the connection outlives this, and its thread calls.
        unsafe { vamos_server_must_rollback(self.0) }
    }
}

/// Whether the server is being shut down.
pub(crate) fn server_is_stopping() -> bool {
    // SAFETY: reads a flag of the server's.
    unsafe { vamos_server_is_stopping() != 0 }
}
