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
//! Beside the rows there are [ranges] of an index, which a locking scan holds so
//! that nobody adds to what it has read, and additions that are not committed,
//! for which a scan waits. They are no queues: ranges go together, additions of
//! different keys go together, and only an addition and a range of different
//! owners exclude each other. Whoever waits looks again when nothing is in its way
//! any more. Their waits are edges of the same [wait-for graph](waits).

mod deadlines;
mod deadlock;
mod index;
mod list;
mod owner;
mod queue;
mod range_set;
mod ranges;
mod registry;
mod table;
#[cfg(test)]
mod tests;
mod waits;

pub(crate) use index::Gap;
pub(crate) use owner::{Acquired, Adding, Owner, Patience};
pub(crate) use queue::Mode;
pub(crate) use registry::Introduction;
pub(crate) use table::LockTable;
