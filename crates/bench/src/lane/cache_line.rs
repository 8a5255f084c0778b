//! Two threads hand a counter back and forth: no round trip through shared memory can
//! be faster.

use crate::cpu::{nanos_each, pin};
use anyhow::{Result, anyhow};
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

#[repr(align(128))]
struct Line(AtomicU64);

pub(super) fn round_trips(count: u32) -> Result<f64> {
    let line = Arc::new(Line(AtomicU64::new(0)));
    let other = Arc::clone(&line);
    let partner = thread::spawn(move || {
        pin(1);
        for turn in (1..2 * u64::from(count)).step_by(2) {
            while other.0.load(Ordering::Acquire) != turn {
                spin_loop();
            }
            other.0.store(turn + 1, Ordering::Release);
        }
    });
    pin(0);
    let mut turn = 0;
    let nanos = nanos_each(count, || {
        line.0.store(turn + 1, Ordering::Release);
        turn += 2;
        while line.0.load(Ordering::Acquire) != turn {
            spin_loop();
        }
        Ok(())
    });
    partner.join().map_err(|_| anyhow!("the partner failed"))?;
    nanos
}
