//! Conditions of the server's, and the programs that the host runs for them.
//!
//! A condition is a tree over columns. [`compile`](compile::compile) makes those
//! that a row or an index entry can answer into a
//! [`Program`](vamos_proto::program::Program); the others are left to the server,
//! which evaluates all of them again on the rows that come.

mod compile;
mod emit;
mod place;
mod summary;

pub use compile::compile;
pub use place::Source;
pub use summary::{Compute, summarize};

use vamos_proto::program::{Arithmetic, Comparison, Range};

/// How texts of a collation compare byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOrder {
    /// The weight of each byte; empty: the byte itself.
    pub table: Vec<u8>,
    /// Whether texts compare as if spaces followed them.
    pub pad_space: bool,
    /// Whether that holds for bytes below 128 alone.
    pub ascii_only: bool,
}

/// As what values are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum As {
    /// Exact numbers.
    Number,
    /// IEEE 754 numbers.
    Real,
    /// Texts.
    Text(TextOrder),
    /// Dates and times of day together.
    Time,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A column of the table, by its number.
    Column(usize),
    /// An exact number, of which so many digits stand behind the point.
    Number(i128, u8),
    /// An IEEE 754 number.
    Real(f64),
    /// A text in the comparison's character set.
    Text(Vec<u8>),
    /// A packed time; see [`Op::Number`](vamos_proto::program::Op::Number).
    Time(i128),
    /// NULL.
    Null,
    /// A computed integer.
    Compute(Arithmetic, Range, Box<[Self; 2]>),
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Two values compared.
    Compare(Comparison, As, Box<[Operand; 2]>),
    /// A value that is among others.
    In(As, Operand, Vec<Operand>),
    /// A text that matches a pattern, in a collation.
    Like(Operand, Vec<u16>, TextOrder),
    /// NULL.
    IsNull(Operand),
    /// Neither, true or false.
    Truth(Option<bool>),
    /// Not.
    Not(Box<Self>),
    /// All.
    And(Vec<Self>),
    /// At least one.
    Or(Vec<Self>),
    /// One of two.
    Xor(Box<[Self; 2]>),
}

/// What a column's values mean, where a program can know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meaning {
    /// Something else.
    #[default]
    Other,
    /// A number with sign.
    Signed,
    /// A number without.
    Unsigned,
    /// A year.
    Year,
    /// A decimal number: all its digits, and those behind the point.
    Decimal(u8, u8),
    /// A date.
    Date,
    /// A date and time, with so many digits behind the second.
    Datetime(u8),
    /// IEEE 754, 4 bytes.
    Float,
    /// IEEE 754, 8 bytes.
    Double,
    /// A text that lies in a row as it compares.
    Text,
}
