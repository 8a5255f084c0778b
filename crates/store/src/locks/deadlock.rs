//! The deadlock that was found last.

use super::queue::OwnerId;
use super::table::LockTable;
use super::waits::Graph;
use parking_lot::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use vamos_proto::{Deadlock, DeadlockPart, TransactionState};

/// A circle with more transactions is reported without those in its middle.
const MAX_PARTS: usize = 32;

/// The deadlock that was found last.
#[derive(Debug, Default)]
pub(super) struct LastDeadlock(Mutex<Option<Deadlock>>);

impl LastDeadlock {
    pub(super) fn set(&self, deadlock: Deadlock) {
        *self.0.lock() = Some(deadlock);
    }

    pub(super) fn get(&self) -> Option<Deadlock> {
        self.0.lock().clone()
    }
}

impl LockTable {
    /// The deadlock that was found last; the tables' names are left empty.
    pub(crate) fn last_deadlock(&self) -> Option<Deadlock> {
        self.last_deadlock.get()
    }

    /// A circle as it stands: each owner waits for the next.
    pub(super) fn describe_deadlock(&self, graph: &Graph, circle: &[OwnerId], victim: OwnerId) -> Deadlock {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = circle.iter().cycle().skip(circle.len().saturating_sub(1));
        let parts = circle.iter().zip(before);
        Deadlock {
            unix_micros: u64::try_from(now.as_micros()).unwrap_or(u64::MAX),
            circle: parts
                .take(MAX_PARTS)
                .filter_map(|(&owner, &before)| self.describe_part(graph, owner, before))
                .collect(),
            victim,
        }
    }

    fn describe_part(&self, graph: &Graph, owner: OwnerId, before: OwnerId) -> Option<DeadlockPart> {
        let mut transaction = self.registry.get(owner)?.describe();
        transaction.state = TransactionState::Waiting;
        transaction.wait = graph.get(owner).map(|wait| self.describe_wait(wait));
        let holds = graph.get(before).map(|wait| self.describe_held(wait, owner));
        Some(DeadlockPart { transaction, holds })
    }
}
