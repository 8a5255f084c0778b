//! The order in which a process commits, and which commits are outstanding.

use crate::session::refusal;
use crate::{Client, Error, Session};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use vamos_proto::{Barrier, BarrierEnd, Request, Response, Ticket};

/// The commits of a process that have a place in its order.
#[derive(Debug)]
pub(crate) struct CommitOrder {
    server: [u8; 16],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last number given out.
    last: u64,
    /// Numbers whose commits are not known to be done.
    outstanding: BTreeSet<u64>,
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
            state.outstanding.insert(number);
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
        let state = self.order.state.lock();
        state.outstanding.first().is_none_or(|&first| first > last)
    }
}

impl Outstanding {
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            server: self.client.order.server,
            number: self.number,
        }
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.client.order.state.lock().outstanding.remove(&self.number);
    }
}

impl Session {
    /// Takes the transaction's snapshot now: it shows every commit that was sent by
    /// [`post_commit`](Self::post_commit) before, of whichever session, and none
    /// that is sent after this has returned.
    ///
    /// # Errors
    /// Those of the lane.
    pub fn take_snapshot(&mut self) -> Result<(), Error> {
        self.open_on_host()?;
        self.barrier(self.client.last_ordered(), BarrierEnd::Snapshot)
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
