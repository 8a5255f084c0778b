//! Predicates that the host evaluates: a small typed bytecode.
//!
//! A [`Program`] says how the bytes that it is run on are laid out ([`Layout`]),
//! which fields it reads ([`Field`]), and conditions ([`Op`]s in postfix order),
//! all of which must hold. It has no loops and no jumps. Whoever is sent one
//! decodes it by [`Program::decode`], which checks it whole: its length, the
//! types of all operands, the depth of its stack, and every reference. A
//! [`Machine`] then runs it on rows; that can neither panic nor take more time
//! than the program's and the row's lengths justify, whatever the row's bytes
//! are.
//!
//! Truth has three values, as in SQL. A [`Verdict`] has one more case: what the
//! program cannot read or compute exactly is *unknown*, and its row is left to
//! the client, which evaluates its own condition again.

mod code;
mod field;
mod layout;
mod like;
mod locate;
mod run;
mod summary;
mod verify;

pub use code::{Arithmetic, Comparison, Field, Kind, Op, Program, Range, Set, Weights};
pub use layout::{EntryLayout, Extra, Groups, Layout, Missing, Part, PartBytes, RowSlot, Width};
pub use like::{ANY, ONE};
pub use run::{Input, Machine, Number, Verdict};
pub use summary::{Datum, Group, Summary, SummaryError, Summing, Total};
pub use verify::ProgramError;

/// The longest program, in bytes as encoded.
pub const MAX_PROGRAM_BYTES: usize = 64 << 10;

/// The most operations in one program.
pub const MAX_OPS: usize = 4096;

/// The deepest stack.
pub const MAX_DEPTH: usize = 32;

/// The most fields, and the most columns or key parts of a layout.
pub const MAX_FIELDS: usize = 4096;

/// The most totals of a summary, and the most fields by which it groups.
pub const MAX_TOTALS: usize = 64;

/// The longest value that a pattern is matched with; longer ones are unknown.
pub const MAX_LIKE_BYTES: usize = 16 << 10;

/// The longest pattern, in characters.
pub const MAX_PATTERN: usize = 256;

/// The format byte of rows that a [`Layout::Row`] describes.
pub const ROW_FORMAT: u8 = 1;
