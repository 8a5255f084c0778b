//! A scan's state between its batches.

/// A scan's state between its batches; made by
/// [`Transaction::scan`](crate::Transaction::scan), used by
/// [`Transaction::next_batch`](crate::Transaction::next_batch) of the same
/// transaction, closed by dropping it. It owns all that it needs.
#[derive(Debug)]
pub struct Cursor {}
