//! The order in which a process commits, and which commits are outstanding.

use crate::session::refusal;
use crate::{Client, Error, Session};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_channel::LaneProbe;
use vamos_proto::{Barrier, BarrierEnd, Request, Response, Ticket};

/// How long a snapshot waits for the commits before it. The caller may hold what those
/// need who are to wait for the commits' answers (a server's lock of its order), so this is
/// no wait without an end.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(1);

/// The commits of a process that have a place in its order.
#[derive(Debug)]
pub(crate) struct CommitOrder {
    server: [u8; 16],
    state: Mutex<State>,
    /// A commit is done.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The last number given out.
    last: u64,
    /// Numbers whose commits are not known to be done, each with the lane over which it
    /// was sent; `None` if it was not sent, or has failed and is to be sent again.
    outstanding: BTreeMap<u64, Option<LaneProbe>>,
}

impl State {
    fn are_done(&self, last: u64) -> bool {
        let first = self.outstanding.first_key_value();
        first.is_none_or(|(&first, _)| first > last)
    }

    /// Whether all commits up to this place are with the host, done or about to be.
    fn have_arrived(&self, last: u64) -> bool {
        let mut lanes = self.outstanding.range(..=last).map(|(_, lane)| lane);
        lanes.all(|lane| lane.as_ref().is_some_and(LaneProbe::is_open))
    }
}

/// A commit that is not known to be done; dropped when it is.
#[derive(Debug)]
pub(crate) struct Outstanding {
    client: Arc<Client>,
    number: u64,
}

impl CommitOrder {
    pub(crate) fn new(server: [u8; 16]) -> Self {
        Self {
            server,
            state: Mutex::default(),
            done: Condvar::new(),
        }
    }
}

impl Client {
    /// This process's name for the host.
    pub(crate) fn server(&self) -> [u8; 16] {
        self.order.server
    }

    /// Gives a commit its place: the next one.
    pub(crate) fn order_commit(self: Arc<Self>) -> Outstanding {
        let number = {
            let mut state = self.order.state.lock();
            state.last += 1;
            let number = state.last;
            state.outstanding.insert(number, None);
            number
        };
        Outstanding { client: self, number }
    }

    /// The last commit that was given a place.
    pub fn last_ordered(&self) -> u64 {
        self.order.state.lock().last
    }

    /// Whether all commits up to this place are known to be done.
    pub fn ordered_are_done(&self, last: u64) -> bool {
        self.order.state.lock().are_done(last)
    }

    /// Waits until all commits up to this place are known to be done; not for long, where
    /// they have arrived at the host, which will do them before what comes behind them.
    fn await_ordered(&self, last: u64) -> Result<(), Error> {
        let deadline = Instant::now() + SNAPSHOT_PATIENCE;
        let mut state = self.order.state.lock();
        while !state.are_done(last) {
            if !self.order.done.wait_until(&mut state, deadline).timed_out() {
                continue;
            }
            return match state.have_arrived(last) {
                true => Ok(()),
                false => Err(Error::CommitsInDoubt {
                    seconds: SNAPSHOT_PATIENCE.as_secs(),
                }),
            };
        }
        Ok(())
    }
}

impl Outstanding {
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            server: self.client.order.server,
            number: self.number,
        }
    }

    /// It was sent over this lane, or (`None`) must be sent again.
    pub(crate) fn set_lane(&self, lane: Option<LaneProbe>) {
        let mut state = self.client.order.state.lock();
        state.outstanding.insert(self.number, lane);
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        let order = &self.client.order;
        order.state.lock().outstanding.remove(&self.number);
        order.done.notify_all();
    }
}

impl Session {
    /// Takes the transaction's snapshot now: it shows every commit that was sent by
    /// [`post_commit`](Self::post_commit) before, of whichever session, and none
    /// that is sent after this has returned.
    ///
    /// # Errors
    /// Those of the lane; [`Error::CommitsInDoubt`] if such a commit was lost with its lane
    /// and is not done within a second.
    pub fn take_snapshot(&mut self) -> Result<(), Error> {
        self.open_on_host()?;
        let last = self.client.last_ordered();
        // The host waits for no commit that it has not heard of for long.
        self.client.await_ordered(last)?;
        self.barrier(last, BarrierEnd::Snapshot)
    }

    /// Returns when all commits up to this place, and all before them, are on the
    /// host's disk.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn sync_log(&mut self, last_ordered: u64) -> Result<(), Error> {
        self.connection()?;
        self.barrier(last_ordered, BarrierEnd::Sync)
    }

    fn barrier(&mut self, number: u64, then: BarrierEnd) -> Result<(), Error> {
        let after = Ticket {
            server: self.client.server(),
            number,
        };
        let result = self.exchange(
            &Request::Barrier(Barrier { after, then }),
            |response| match response {
                Response::Done(()) => Ok(()),
                other => Err(refusal(other, "a barrier")),
            },
        );
        self.checked(result)
    }

    /// The numbers (see [`set_number`](Self::set_number)) of the sessions for whose
    /// locks the session with this number waits, directly or because one of them
    /// waits in turn.
    ///
    /// # Errors
    /// Those of every request.
    pub fn lock_waits(&mut self, number: u64) -> Result<Vec<u64>, Error> {
        self.request(&Request::LockWaits(number), |response| match response {
            Response::LockWaits(waits) => Ok(waits.clients),
            other => Err(refusal(other, "a question for lock waits")),
        })
    }
}
