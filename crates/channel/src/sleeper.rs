//! Going to sleep on a lane without missing what comes meanwhile.

use crate::ring::{RingMemory, Wish, Word, has_space, sleep_fence};
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// What a sleeper wants to be woken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// A message from the other side.
    pub input: bool,
    /// Half of the outgoing ring free, when something waits for room.
    pub space: bool,
}

/// What is needed to see whether a lane has something to do, and to ask for a
/// doorbell, by any thread.
///
/// The lane's owner mirrors its private positions here after each step. A
/// mirror that is behind makes the lane look ready when it is not, which does
/// no harm; it is never ahead of what the owner has done.
#[derive(Debug)]
pub(crate) struct Sleeper<M> {
    incoming: M,
    outgoing: M,
    consumed: AtomicU64,
    produced: AtomicU64,
    /// Something waits for room.
    waiting: AtomicBool,
    input_wish: Wish,
    space_wish: Wish,
}

impl<M: RingMemory> Sleeper<M> {
    /// For the rings of one side.
    pub(crate) fn new(outgoing: M, incoming: M) -> Self {
        Self {
            incoming,
            outgoing,
            consumed: AtomicU64::new(0),
            produced: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            input_wish: Wish::new(),
            space_wish: Wish::new(),
        }
    }

    /// Owner: notes how far it is, and whether something waits for room.
    pub(crate) fn mirror(&self, (consumed, produced): (u64, u64), waiting: bool) {
        // SYNC POINT: pairs with the Acquire loads below: who sees that the
        // owner has consumed a message also sees what the owner did before.
        self.consumed.store(consumed, Ordering::Release);
        self.produced.store(produced, Ordering::Release);
        self.waiting.store(waiting, Ordering::Release);
    }

    /// Whether something waits for room.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Whether there is something to receive.
    pub(crate) fn has_input(&self) -> bool {
        let consumed = self.consumed.load(Ordering::Acquire);
        // SYNC POINT: pairs with the Release in `Producer::push`.
        self.incoming.load(Word::Head, Ordering::Acquire) != consumed
    }

    /// Whether half of the outgoing ring is free.
    pub(crate) fn has_space(&self) -> bool {
        has_space(&self.outgoing, self.produced.load(Ordering::Acquire))
    }

    /// Whether something that is wanted is there.
    pub(crate) fn is_ready(&self, wants: Wants) -> bool {
        (wants.input && self.has_input()) || (wants.space && self.is_waiting() && self.has_space())
    }

    /// Asks for doorbells.
    pub(crate) fn announce(&self, wants: Wants) {
        if wants.input {
            self.input_wish.announce(&self.incoming, Word::ConsumerSleeps);
        }
        if wants.space && self.is_waiting() {
            self.space_wish.announce(&self.outgoing, Word::ProducerSleeps);
        }
    }

    /// Asks for doorbells and looks a second time: if it returns `true` there
    /// is something to do, and no reason to sleep.
    pub(crate) fn begin(&self, wants: Wants) -> bool {
        self.announce(wants);
        sleep_fence();
        self.is_ready(wants)
    }

    /// Asks for no doorbells any more.
    pub(crate) fn end(&self) {
        Wish::retract(&self.incoming, Word::ConsumerSleeps);
        Wish::retract(&self.outgoing, Word::ProducerSleeps);
    }
}
