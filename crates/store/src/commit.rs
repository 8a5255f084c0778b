//! The commit pipeline: from a transaction's work to the log, and back.
//!
//! A commit that is to be synced goes to the committer, a thread that gathers
//! whatever came while the last sync ran, writes it as one batch with one sync,
//! releases the locks and wakes the waiting. So it does with what prepares a
//! transaction and with what ends a prepared one, these in the [order] that their
//! server gives them. A commit that need not be synced, and has no place in an
//! order, is written in place by its caller.

mod committer;
mod order;
mod outcomes;
mod work;

pub(crate) use committer::Committer;
pub(crate) use order::InOrder;
pub(crate) use outcomes::{Attempts, InFlight, Outcomes};
pub(crate) use work::{Changes, Raises, Work};
