//! The plugin's life, settings and status.

use super::guard::{guard, put_text};
use super::types::{Counters, Settings};
use crate::engine::Connection;
use crate::engine::host::{self, HostSettings};
use crate::engine::{leftovers, monitor, settler, waits, xa};
use std::ffi::{CStr, c_char, c_int};
use std::path::Path;

/// A text of the server's; null is empty.
unsafe fn text(start: *const c_char) -> String {
    match start.is_null() {
        true => String::new(),
        // SAFETY: the server's texts end with a zero byte.
        false => unsafe { CStr::from_ptr(start) }.to_string_lossy().into_owned(),
    }
}

unsafe fn settings(settings: *const Settings) -> HostSettings {
    // SAFETY: the shim passes a valid structure with valid texts.
    unsafe {
        let settings = &*settings;
        HostSettings {
            endpoint: text(settings.endpoint),
            window: text(settings.window),
            token_file: text(settings.token_file),
            poll_budget_us: settings.poll_budget_us,
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_start(given: *const Settings) -> c_int {
    guard(1, || {
        // SAFETY: see `settings`.
        let given = unsafe { settings(given) };
        match host::configure(&given) {
            Ok(()) => 0,
            Err(message) => {
                eprintln!("VAMOS: {message}");
                1
            }
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_configure(given: *const Settings) -> c_int {
    // SAFETY: the same contract.
    unsafe { vamos_start(given) }
}

#[unsafe(no_mangle)]
extern "C" fn vamos_stop() {
    guard((), || {
        settler::stop();
        xa::close_session();
        waits::close_session();
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_remove_leftovers(datadir: *const c_char, engine: u8) -> usize {
    guard(0, || {
        // SAFETY: the shim passes a valid text.
        let datadir = unsafe { text(datadir) };
        leftovers::remove(Path::new(&datadir), engine).len()
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_check_endpoint(endpoint: *const c_char, message: *mut u8, size: usize) -> c_int {
    guard(1, || {
        // SAFETY: the shim passes a valid text.
        match host::parse_endpoint(&unsafe { text(endpoint) }) {
            Ok(_) => 0,
            Err(error) => {
                // SAFETY: the shim passes a buffer of `size` bytes.
                unsafe { put_text(&error, message, size) };
                1
            }
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_read_counters(out: *mut Counters) {
    guard((), || {
        let status = host::status();
        let totals = status.totals;
        // SAFETY: the shim passes its own structure, under the server's lock.
        let out = unsafe { &mut *out };
        out.requests = totals.messages_sent;
        out.responses = totals.messages_received;
        out.frames_sent = totals.frames_sent;
        out.frames_received = totals.frames_received;
        out.bytes_sent = totals.bytes_sent;
        out.bytes_received = totals.bytes_received;
        out.doorbells_rung = totals.doorbells_rung;
        out.doorbells_suppressed = totals.doorbells_suppressed;
        out.doorbells_received = totals.doorbells_received;
        out.sleeps = totals.sleeps;
        out.poll_us = totals.poll_nanos / 1000;
        out.lanes_open = status.open_lanes as u64;
        out.connects = status.connects;
        out.rows_rejected = status.rows_rejected;
        // SAFETY: both are arrays of the lengths given.
        unsafe {
            put_text(status.mode, out.mode.as_mut_ptr(), out.mode.len());
            put_text(&status.endpoint, out.endpoint.as_mut_ptr(), out.endpoint.len());
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_status_text(connection: *mut Connection, place: *mut u8, size: usize) -> usize {
    guard(0, || {
        // SAFETY: the shim passes the connection of the running thread.
        let host = match unsafe { connection.as_mut() } {
            Some(connection) => format!("{}\n{}", connection.host_status(), monitor::text(connection)),
            None => String::new(),
        };
        let text = format!("{}\n{host}", host::status());
        // SAFETY: the shim passes a buffer of `size` bytes.
        unsafe { put_text(&text, place, size) }
    })
}
