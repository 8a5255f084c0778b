//! Which lanes of a window are free.

use crate::Window;
use crate::layout::LaneRings;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Gives out the lanes of a window, and takes them back when both the
/// [`ServerLane`](super::ServerLane) and its
/// [`LaneWatch`](super::LaneWatch)es are gone. A clone is another handle on
/// the same lanes.
#[derive(Clone, Debug)]
pub struct LaneAllocator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    window: Option<Window>,
    max_lanes: u32,
    lanes: Mutex<Lanes>,
}

#[derive(Debug)]
struct Lanes {
    taken: Vec<bool>,
    in_use: u32,
    /// Where to look next: the lane freed last is the last to be given out
    /// again, so that a guest that has not yet noticed its end has time to.
    next: usize,
}

impl LaneAllocator {
    /// The lanes of this window, at most `max_lanes` at a time.
    pub fn new(window: Window, max_lanes: u32) -> Self {
        let lanes = window.layout().lanes();
        // A worker that was restarted begins elsewhere than its former life.
        let start = window.epoch() % u64::from(lanes);
        Self::with(Some(window), max_lanes.min(lanes), lanes as usize, start as usize)
    }

    /// Lanes without a window, at most `max_lanes` at a time.
    pub fn without_window(max_lanes: u32) -> Self {
        Self::with(None, max_lanes, max_lanes as usize, 0)
    }

    fn with(window: Option<Window>, max_lanes: u32, lanes: usize, next: usize) -> Self {
        let lanes = Lanes {
            taken: vec![false; lanes],
            in_use: 0,
            next,
        };
        Self(Arc::new(Inner {
            window,
            max_lanes,
            lanes: Mutex::new(lanes),
        }))
    }

    /// How many lanes are in use.
    pub fn in_use(&self) -> u32 {
        self.0.lock().in_use
    }

    /// How many lanes can be in use at a time.
    pub fn max_lanes(&self) -> u32 {
        self.0.max_lanes
    }

    /// The window, if there is one.
    pub fn window(&self) -> Option<&Window> {
        self.0.window.as_ref()
    }

    /// A free lane, if there is one.
    pub(super) fn take(&self) -> Option<Ticket> {
        let mut lanes = self.0.lock();
        if lanes.in_use >= self.0.max_lanes {
            return None;
        }
        let count = lanes.taken.len();
        let index = (lanes.next..lanes.next + count)
            .map(|i| i % count)
            .find(|&i| !lanes.taken[i])?;
        lanes.taken[index] = true;
        lanes.in_use += 1;
        lanes.next = (index + 1) % count;
        Some(Ticket {
            allocator: self.clone(),
            index: index as u32,
        })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane that is in use until this is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    allocator: LaneAllocator,
    index: u32,
}

impl Ticket {
    /// The lane's index.
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// The lane's rings, emptied for a new guest.
    pub(super) fn fresh_rings(&self) -> Option<LaneRings> {
        let rings = self.allocator.window()?.lane(self.index)?;
        rings.reset();
        Some(rings)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lanes = self.allocator.0.lock();
        lanes.taken[self.index as usize] = false;
        lanes.in_use -= 1;
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn a_freed_lane_is_the_last_to_be_given_out_again() {
        let allocator = LaneAllocator::without_window(3);
        let first = allocator.take().unwrap();
        assert_eq!(first.index(), 0);
        drop(first);
        let (second, third) = (allocator.take().unwrap(), allocator.take().unwrap());
        assert_eq!((second.index(), third.index()), (1, 2));
        assert_eq!(allocator.take().unwrap().index(), 0);
        assert_eq!(allocator.in_use(), 2);
    }

    #[test]
    fn no_more_lanes_than_allowed_are_given_out() {
        let allocator = LaneAllocator::without_window(2);
        let _lanes = (allocator.take().unwrap(), allocator.take().unwrap());
        assert!(allocator.take().is_none());
    }
}
