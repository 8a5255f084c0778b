//! A lane's place in a window, and how to sleep there.

use super::claims::Claim;
use crate::counters::Tally;
use crate::shared::RingMap;
use crate::sleeper::Sleeper;
use crate::socket::Socket;
use crate::{LaneError, Wants, Window};
use rustix::event::PollFlags;
use std::time::Instant;

/// A lane's place in a window.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) sleeper: Sleeper<RingMap>,
    pub(super) window: Window,
    pub(super) _claim: Claim,
}

impl Place {
    /// Sleeps until a doorbell, unless there is already something to do;
    /// `false` if the deadline has passed.
    pub(super) fn sleep(
        &self,
        socket: &Socket,
        tally: &Tally,
        wants: Wants,
        deadline: Option<Instant>,
    ) -> Result<bool, LaneError> {
        if self.window.is_superseded() {
            return Err(LaneError::Superseded);
        }
        let awake = self.sleeper.begin(wants);
        let woken = awake || {
            tally.sleeps.add(1);
            socket.wait(PollFlags::IN, deadline).map_err(LaneError::Socket)?
        };
        self.sleeper.end();
        match socket.drain_doorbells() {
            Ok(count) => tally.doorbells_received.add(count as u64),
            // What was sent before the end is received first.
            Err(LaneError::Closed) if self.sleeper.is_ready(wants) => {}
            Err(error) => return Err(error),
        }
        Ok(woken)
    }
}
