//! Summaries that the host computes.

use super::condition::{Node, read_condition};
use super::guard::{guard, on_rows};
use crate::codec::condition::{Compute, Meaning};
use crate::engine::{Aggregate, Connection, Error, Handler};
use std::ffi::c_int;
use std::ptr;

/// `vamos_value`.
#[repr(C)]
pub(super) struct Value {
    kind: u8,
    length: u8,
    digits: [u8; 46],
    number: i64,
}

/// `HA_ERR_END_OF_FILE`.
const END_OF_FILE: c_int = 137;

#[unsafe(no_mangle)]
extern "C" fn vamos_summary_new() -> *mut Aggregate {
    guard(ptr::null_mut(), || Box::into_raw(Box::default()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_free(summary: *mut Aggregate) {
    guard((), || {
        if !summary.is_null() {
            // SAFETY: it came from `vamos_summary_new` and is not used again.
            drop(unsafe { Box::from_raw(summary) });
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_condition(
    summary: *mut Aggregate,
    nodes: *const Node,
    count: usize,
) -> u8 {
    guard(0, || {
        // SAFETY: the shim passes its own summary and so many nodes.
        let (summary, condition) = unsafe { (summary.as_mut(), read_condition(nodes, count)) };
        match (summary, condition) {
            (Some(summary), Some(condition)) => {
                summary.add_condition(condition);
                1
            }
            _ => 0,
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_group(summary: *mut Aggregate, column: u32) {
    guard((), || {
        // SAFETY: the shim passes its own summary.
        if let Some(summary) = unsafe { summary.as_mut() } {
            summary.add_group(column as usize);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_total(summary: *mut Aggregate, what: u8, column: u32) {
    guard((), || {
        let column = column as usize;
        let total = match what {
            0 => Compute::Rows,
            1 => Compute::Count(column),
            2 => Compute::Sum(column),
            3 => Compute::Min(column),
            _ => Compute::Max(column),
        };
        // SAFETY: the shim passes its own summary.
        if let Some(summary) = unsafe { summary.as_mut() } {
            summary.add_total(total);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_plan(summary: *mut Aggregate, handler: *const Handler, key: u32) -> u8 {
    guard(0, || {
        // SAFETY: the shim passes its own summary and handler.
        match unsafe { (summary.as_mut(), handler.as_ref()) } {
            (Some(summary), Some(handler)) => {
                let key = (key != u32::MAX).then_some(key as usize);
                u8::from(summary.plan(handler.shape(), key))
            }
            _ => 0,
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_start(summary: *mut Aggregate) {
    guard((), || {
        // SAFETY: the shim passes its own summary.
        if let Some(summary) = unsafe { summary.as_mut() } {
            summary.start();
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_next(
    summary: *mut Aggregate,
    handler: *mut Handler,
    connection: *mut Connection,
) -> c_int {
    let mut found = false;
    // SAFETY: the shim passes its own summary, handler and connection.
    let error = unsafe {
        on_rows(handler, connection, |handler, connection| {
            let summary = summary.as_mut().ok_or(Error::WrongCommand)?;
            found = summary.next(handler, connection)?;
            Ok(())
        })
    };
    match (error, found) {
        (0, false) => END_OF_FILE,
        (error, _) => error,
    }
}

/// The value at this place of the group given out last; `column` says of what
/// scale its numbers are (`u32::MAX`: none).
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_summary_value(
    summary: *const Aggregate,
    handler: *const Handler,
    place: u32,
    column: u32,
    out: *mut Value,
) {
    guard((), || {
        // SAFETY: the shim passes its own summary, handler and structure.
        let (summary, handler, out) = unsafe { (summary.as_ref(), handler.as_ref(), &mut *out) };
        out.kind = 0;
        let (Some(summary), Some(handler)) = (summary, handler) else {
            return;
        };
        let scale = match handler.shape().columns.get(column as usize) {
            Some(column) => match column.meaning {
                Meaning::Decimal(_, scale) => scale.into(),
                _ => 0,
            },
            None => 0,
        };
        if let Some(Some(number)) = summary.values.get(place as usize) {
            out.kind = 1;
            out.number = *number as i64;
            let digits = decimal_text(*number, scale);
            let length = digits.len().min(out.digits.len());
            out.digits[..length].copy_from_slice(&digits.as_bytes()[..length]);
            out.length = length as u8;
        }
    });
}

/// A number in decimal digits, so many of them behind the point.
fn decimal_text(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    match scale {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal_text;

    #[test]
    fn numbers_are_written_with_their_point() {
        assert_eq!(decimal_text(-5, 2), "-0.05");
        assert_eq!(decimal_text(12345, 2), "123.45");
        assert_eq!(decimal_text(0, 3), "0.000");
        assert_eq!(decimal_text(-7, 0), "-7");
        assert!(decimal_text(i128::MIN, 36).len() <= 46);
    }
}
