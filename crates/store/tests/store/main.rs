//! The store against a real RocksDB, subject by subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builds;
mod catalogue;
mod cursors;
mod isolation;
mod limits;
mod locking;
mod monitor;
mod moved_rows;
mod outcomes;
mod overtaken;
mod prepared;
mod ranges;
mod reads;
mod reclaim;
mod savepoints;
mod sieves;
mod sizes;
mod summaries;
mod support;
mod survey;
mod temporary;
mod transfers;
mod upkeep;
mod views;
mod writes;
