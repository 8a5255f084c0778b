//! The lock table: who holds which row, who waits for it, and who must not.
//!
//! A lock is named by a key of the data family. A request that cannot be granted
//! waits in the key's queue as a future; no thread is blocked. Queues are served
//! in order, except that whoever holds a row shared and wants it exclusively goes
//! first (all others wait for it already).
//!
//! A wait ends by a release that grants it, by its timeout, or by dropping its
//! future. Where a wait closes a circle of waiting owners, the one of them that has
//! the least to lose gives way: its wait ends as a deadlock.
//!
//! A key's queue knows nothing of other keys, so locks on ranges can stand
//! beside it: a second map from index to intervals, whose conflicts become edges
//! of the same [wait-for graph](waits).

mod deadlines;
mod deadlock;
mod list;
mod owner;
mod queue;
mod registry;
mod table;
#[cfg(test)]
mod tests;
mod waits;

pub(crate) use owner::{Acquired, Owner, Patience};
pub(crate) use queue::Mode;
pub(crate) use registry::Introduction;
pub(crate) use table::LockTable;
