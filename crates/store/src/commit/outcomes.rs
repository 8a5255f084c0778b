//! How commits ended: for clients whose answer was lost.

use super::work::{read_mark, unix_seconds};
use crate::engine::Engine;
use crate::{StoreError, keys};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use vamos_proto::{CommitId, CommitOutcome};
use vamos_rocks::{ReadOptions, WriteBatch, WriteMode};

type SessionId = [u8; 16];

/// Marks older than this are removed.
const MARK_SECONDS: u64 = 24 * 60 * 60;

/// Marks removed in one batch: a guest can leave very many.
const PURGE_AT_ONCE: u32 = 10_000;

/// Sessions whose given-up commits are remembered; the oldest are forgotten
/// first. Only a commit that comes over a lane that the host has not yet noticed
/// to be dead could still come then.
const MAX_GIVEN_UP: usize = 64 * 1024;

/// How commits ended.
#[derive(Debug)]
pub(crate) struct Outcomes {
    engine: Arc<Engine>,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    in_flight: HashMap<SessionId, Waits>,
    given_up: HashMap<SessionId, u64>,
    given_up_order: VecDeque<SessionId>,
}

#[derive(Debug, Default)]
struct Waits {
    commits: u32,
    wakers: Vec<Waker>,
}

/// A commit under way; dropped when it has ended.
#[derive(Debug)]
pub(crate) struct InFlight {
    outcomes: Arc<Outcomes>,
    session: SessionId,
}

/// How the attempts so far to commit what is prepared have ended.
#[derive(Debug)]
pub(crate) enum Attempts<T> {
    /// One of them has committed it.
    Committed,
    /// None has, and there is nothing to commit: whoever comes later is refused.
    NotCommitted,
    /// They have failed. It is taken for the next one, which has begun.
    Again(T, InFlight),
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut sessions = self.outcomes.sessions.lock();
        let Some(waits) = sessions.in_flight.get_mut(&self.session) else {
            return;
        };
        waits.commits -= 1;
        if waits.commits == 0 {
            let waits = sessions.in_flight.remove(&self.session);
            drop(sessions);
            waits
                .into_iter()
                .flat_map(|waits| waits.wakers)
                .for_each(Waker::wake);
        }
    }
}

impl Outcomes {
    pub(crate) fn new(engine: Arc<Engine>) -> Arc<Self> {
        Arc::new(Self {
            engine,
            sessions: Mutex::default(),
        })
    }

    /// Notes that a commit begins, unless its session has been told that it did
    /// not happen.
    pub(crate) fn begin(self: &Arc<Self>, id: CommitId) -> Result<InFlight, StoreError> {
        let mut sessions = self.sessions.lock();
        match sessions.has_given_up(id) {
            true => Err(StoreError::CommitGivenUp { number: id.number }),
            false => Ok(self.note(&mut sessions, id)),
        }
    }

    fn note(self: &Arc<Self>, sessions: &mut Sessions, id: CommitId) -> InFlight {
        sessions.in_flight.entry(id.session).or_default().commits += 1;
        InFlight {
            outcomes: Arc::clone(self),
            session: id.session,
        }
    }

    /// How a commit ended, once it has.
    pub(crate) async fn outcome(&self, id: CommitId) -> Result<CommitOutcome, StoreError> {
        self.when_ended(id, |sessions| {
            let outcome = self.ended(id);
            if matches!(outcome, Ok(CommitOutcome::NotCommitted)) {
                sessions.give_up(id);
            }
            outcome
        })
        .await
    }

    /// How a commit ended, once it has; or, if it has failed and `take` finds what it was
    /// to commit, its next attempt. `take` must not call this.
    pub(crate) async fn outcome_or_again<T>(
        self: &Arc<Self>,
        id: CommitId,
        mut take: impl FnMut() -> Option<T>,
    ) -> Result<Attempts<T>, StoreError> {
        self.when_ended(id, |sessions| {
            if self.ended(id)? == CommitOutcome::Committed {
                return Ok(Attempts::Committed);
            }
            if !sessions.has_given_up(id)
                && let Some(found) = take()
            {
                return Ok(Attempts::Again(found, self.note(sessions, id)));
            }
            sessions.give_up(id);
            Ok(Attempts::NotCommitted)
        })
        .await
    }

    /// Looks when no commit of the session is under way, under the lock that commits take
    /// to begin: none begins between the look and what is noted.
    async fn when_ended<R>(&self, id: CommitId, mut look: impl FnMut(&mut Sessions) -> R) -> R {
        poll_fn(|context| {
            let mut sessions = self.sessions.lock();
            match sessions.in_flight.get_mut(&id.session) {
                None => Poll::Ready(look(&mut sessions)),
                Some(waits) => {
                    if !waits.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                        waits.wakers.push(context.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Whether a commit is known to have happened.
    pub(crate) fn is_committed(&self, id: CommitId) -> Result<bool, StoreError> {
        Ok(self.ended(id)? == CommitOutcome::Committed)
    }

    fn ended(&self, id: CommitId) -> Result<CommitOutcome, StoreError> {
        let mark = self
            .engine
            .system
            .get(&keys::mark(&id.session), &self.engine.newest)?;
        let committed = mark.and_then(|bytes| read_mark(&bytes)).map(|(number, _)| number);
        Ok(match committed {
            Some(number) if number >= id.number => CommitOutcome::Committed,
            _ => CommitOutcome::NotCommitted,
        })
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, session: SessionId) -> Result<(), StoreError> {
        self.sessions.lock().given_up.remove(&session);
        let mut batch = WriteBatch::new();
        batch.delete(&self.engine.system, &keys::mark(&session));
        self.engine.write(&mut batch, WriteMode::Buffered)
    }

    /// Removes marks that are older than a day.
    pub(crate) fn purge(&self) -> Result<(), StoreError> {
        let bounds = ReadOptions::new()
            .bounds(vec![keys::MARK], vec![keys::MARK + 1])
            .fill_cache(false);
        let mut cursor = self.engine.system.cursor(bounds);
        let mut batch = WriteBatch::new();
        let mut deletes = 0;
        let now = unix_seconds();
        cursor.seek_to_first();
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            let time = read_mark(value).map_or(0, |(_, time)| time);
            if time.saturating_add(MARK_SECONDS) < now {
                batch.delete(&self.engine.system, key);
                deletes += 1;
            }
            cursor.step_forward();
            if deletes == PURGE_AT_ONCE {
                self.engine.write(&mut batch, WriteMode::Buffered)?;
                batch.clear();
                deletes = 0;
            }
        }
        cursor.status()?;
        if batch.is_empty() {
            return Ok(());
        }
        self.engine.write(&mut batch, WriteMode::Buffered)
    }
}

impl Sessions {
    fn has_given_up(&self, id: CommitId) -> bool {
        let given_up = self.given_up.get(&id.session);
        given_up.is_some_and(|&number| id.number <= number)
    }

    fn give_up(&mut self, id: CommitId) {
        let number = self.given_up.entry(id.session).or_default();
        if *number == 0 {
            self.given_up_order.push_back(id.session);
        }
        *number = id.number.max(*number);
        while self.given_up_order.len() > MAX_GIVEN_UP {
            if let Some(oldest) = self.given_up_order.pop_front() {
                self.given_up.remove(&oldest);
            }
        }
    }
}
