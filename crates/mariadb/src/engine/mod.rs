//! The engine: MariaDB's connections, tables and handlers over `vamos-guest`.
//!
//! [`host`] is where the host is; a [`Connection`] has the session and the
//! transaction; [`catalogue`] does DDL, with a `definition` for each table, by which
//! `discovery` finds those that the server has lost; a [`Share`] is what all handlers of one
//! table have in common; a [`Handler`] reads (`scan`, `deliver`, `estimate`) and changes (`change`)
//! rows, the latter gathered in a `batch`; `copy` fills new tables for ALTER TABLE,
//! `alter` changes tables without a copy and `build` their indexes, and [`leftovers`]
//! removes what the server's recovery of an ALTER TABLE leaves;
//! [`check`] and [`optimize`] look after tables; [`monitor`] and
//! [`lock_views`] tell of transactions and locks.
//! [`foreign`] keys are followed where rows are changed;
//! `in_use` waits for prepared transactions, `surely` for the outcome of DDL, and
//! [`xa`] and [`settler`] end prepared transactions for which no connection waits,
//! `waits` reports lock waits to a replica's server, and `untold` keeps errors that the
//! server keeps from the client.

mod ahead;
pub(crate) mod alter;
mod batch;
mod build;
pub(crate) mod catalogue;
mod change;
pub(crate) mod check;
mod connection;
mod copy;
mod counter;
mod definition;
mod deliver;
pub(crate) mod discovery;
mod error;
mod estimate;
mod evenly;
pub(crate) mod foreign;
mod handler;
pub(crate) mod host;
mod in_use;
pub(crate) mod leftovers;
pub(crate) mod lock_views;
pub(crate) mod monitor;
pub(crate) mod optimize;
mod pipeline;
mod positions;
mod pushdown;
mod range_cache;
mod scan;
pub(crate) mod settler;
mod share;
mod statistics;
mod summary;
mod surely;
mod untold;
pub(crate) mod waits;
pub(crate) mod xa;

pub(crate) use ahead::ServerRange;
pub(crate) use change::Write;
pub(crate) use connection::{Connection, StatementContext};
pub(crate) use error::Error;
pub(crate) use handler::{Handler, LockUse, Wish};
pub(crate) use scan::EndOfRange;
pub(crate) use share::Share;
pub(crate) use summary::Aggregate;
