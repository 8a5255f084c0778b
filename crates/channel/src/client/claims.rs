//! Which lanes this process holds, of which window.
//!
//! A worker that was restarted gives out its lanes anew, and may give one out
//! whose former [`ClientLane`](crate::ClientLane) in this process has not yet
//! noticed. Two ends in one lane would corrupt it, so the new one must wait.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

static CLAIMED: Mutex<BTreeSet<(usize, u32)>> = Mutex::new(BTreeSet::new());

fn claimed() -> MutexGuard<'static, BTreeSet<(usize, u32)>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A lane that this process holds until this is dropped.
#[derive(Debug)]
pub(super) struct Claim(usize, u32);

impl Claim {
    /// Claims a lane of the window with this key; `None` if it is held.
    pub(super) fn new(window: usize, lane: u32) -> Option<Self> {
        // Not `then_some`: a claim made in vain would take the other one back.
        claimed().insert((window, lane)).then(|| Self(window, lane))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        claimed().remove(&(self.0, self.1));
    }
}
