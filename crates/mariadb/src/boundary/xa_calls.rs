//! Two-phase commit.

use super::guard::{guard, on_connection, put_text};
use super::types::XidParts;
use crate::engine::xa::{self, Ended};
use crate::engine::{Connection, settler};
use std::ffi::{c_int, c_void};
use std::time::Duration;
use vamos_guest::{Durability, Xid, XidBuf};

/// A durability as the shim counts them.
pub(super) fn durability(number: u8) -> Durability {
    match number {
        0 => Durability::Commit,
        1 => Durability::Second,
        _ => Durability::Never,
    }
}

impl XidParts {
    /// The name; its lengths are cut to what there is.
    fn xid(&self) -> Xid<'_> {
        let global = (self.global_length as usize).min(self.data.len());
        let (global, rest) = self.data.split_at(global);
        Xid {
            format: self.format,
            global,
            branch: &rest[..(self.branch_length as usize).min(rest.len())],
        }
    }

    fn of(name: &XidBuf) -> Option<Self> {
        let xid = name.as_xid();
        let (global, branch) = (xid.global.len(), xid.branch.len());
        let mut parts = Self {
            format: xid.format,
            global_length: u32::try_from(global).ok()?,
            branch_length: u32::try_from(branch).ok()?,
            data: [0; 128],
        };
        parts.data.get_mut(..global)?.copy_from_slice(xid.global);
        parts
            .data
            .get_mut(global..global + branch)?
            .copy_from_slice(xid.branch);
        Some(parts)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_prepare(
    connection: *mut Connection,
    xid: *const XidParts,
    durability_number: u8,
) -> c_int {
    // SAFETY: the shim passes the connection of the running thread and a valid
    // structure.
    unsafe {
        let xid = *xid;
        on_connection(connection, |connection| {
            connection.prepare(&xid.xid(), durability(durability_number))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_commit_ordered(connection: *mut Connection, durability_number: u8) {
    guard((), || {
        // SAFETY: the connection's own thread waits while another one of the
        // server's calls this for it.
        if let Some(connection) = unsafe { connection.as_mut() } {
            connection.commit_ordered(durability(durability_number));
        }
    });
}

/// Returns how many names it has put into the list, or -1 and a sentence.
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_recover(
    list: *mut XidParts,
    length: u32,
    wait_seconds: u32,
    message: *mut u8,
    size: usize,
) -> c_int {
    guard(-1, || {
        match xa::recover(length as usize, Duration::from_secs(wait_seconds.into())) {
            Ok(found) => {
                let mut count = 0;
                for parts in found.iter().filter_map(XidParts::of).take(length as usize) {
                    // SAFETY: the shim passes room for `length` of them.
                    unsafe { list.add(count).write(parts) };
                    count += 1;
                }
                c_int::try_from(count).unwrap_or(c_int::MAX)
            }
            Err(error) => {
                // SAFETY: the shim passes a buffer of `size` bytes.
                unsafe { put_text(&error.to_string(), message, size) };
                -1
            }
        }
    })
}

/// Returns 0, or 1 if there is no such transaction, or 2 and a sentence.
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_end_by_xid(
    connection: *mut Connection,
    xid: *const XidParts,
    commit: u8,
    message: *mut u8,
    size: usize,
) -> c_int {
    guard(2, || {
        // SAFETY: the shim passes the connection of the running thread, or none,
        // and a valid structure.
        let (connection, xid) = unsafe { (connection.as_mut(), *xid) };
        let (ended, sentence) = xa::end_by_xid(connection, &xid.xid(), commit != 0);
        settler::wake();
        match ended {
            Ended::Done => 0,
            Ended::Unknown => 1,
            Ended::Failed => {
                // SAFETY: the shim passes a buffer of `size` bytes.
                unsafe { put_text(&sentence, message, size) };
                2
            }
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn vamos_checkpoint(cookie: *mut c_void) {
    guard((), || settler::request_checkpoint(cookie as usize));
}
