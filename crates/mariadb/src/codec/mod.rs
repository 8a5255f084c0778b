//! MariaDB's rows and keys as bytes, and back.
//!
//! A [`Shape`] describes a table. [`row`] packs a record buffer into a value
//! and unpacks the columns that a statement wants. [`key`] makes values into
//! bytes whose order is the index's order; [`entry`] builds the entries of a
//! secondary index; [`bounds`] turns what the server searches for into ranges
//! of bytes. [`groups`] is how texts of any length stay comparable.

pub mod bounds;
pub mod collation;
pub mod condition;
pub mod entry;
mod error;
pub mod groups;
pub mod key;
pub mod numbers;
pub mod record;
pub mod row;
pub mod shape;

pub use collation::{Collation, Level, Weights};
pub use error::CodecError;
pub use shape::{Bits, Column, Key, KeyPart, Missing, Order, Shape, Skip, Slot, Sorter, Storage};
