//! The commit pipeline: from a transaction's work to the log, and back.
//!
//! A commit that is to be synced goes to the committer, a thread that gathers
//! whatever came while the last sync ran, writes it as one batch with one sync,
//! releases the locks and wakes the waiting. A commit that need not be synced is
//! written in place by its caller.

mod committer;
mod outcomes;
mod work;

pub(crate) use committer::Committer;
pub(crate) use outcomes::Outcomes;
pub(crate) use work::{Raises, Work};
