//! What a program is made of.

use super::Layout;
use serde::{Deserialize, Serialize};

/// A condition on rows of one layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// What it is run on.
    pub layout: Layout,
    /// The fields that it reads.
    pub fields: Vec<Field>,
    /// What [`Op::In`] looks in.
    pub sets: Vec<Set>,
    /// How texts compare.
    pub weights: Vec<Weights>,
    /// All of these must hold. Each leaves one truth value.
    pub conditions: Vec<Vec<Op>>,
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its place in the layout; see [`Layout::places`].
    pub place: u16,
    /// What its bytes mean.
    pub kind: Kind,
}

/// What a field's bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A little-endian integer of at most 8 bytes, in two's complement.
    Signed,
    /// A little-endian integer of at most 8 bytes.
    Unsigned,
    /// The same as keys hold it: big-endian, with the sign bit flipped.
    KeySigned,
    /// The same as keys hold it: big-endian.
    KeyUnsigned,
    /// A byte: 0, or the year less 1900.
    Year,
    /// MariaDB's `DECIMAL(precision, scale)`, of at most 36 digits.
    Decimal {
        /// All digits.
        precision: u8,
        /// Those behind the point.
        scale: u8,
    },
    /// MariaDB's `DATE`: 3 bytes, little-endian (5 bits of day, 4 of month, then
    /// the year), as a packed time; see [`Op::Number`].
    Date,
    /// The same as keys hold it: big-endian.
    KeyDate,
    /// MariaDB's `DATETIME` with so many digits behind the second, as a packed
    /// time.
    Datetime(u8),
    /// A little-endian IEEE 754 number of 4 bytes.
    Float,
    /// The same of 8 bytes.
    Double,
    /// Bytes.
    Bytes,
}

/// An operation. Operands are taken off the stack, the one pushed last first.
///
/// Numbers are of 128 bits and have a *scale*: how many of their decimal digits
/// stand behind the point. Both sides of an operation have the same scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Pushes a field.
    Field(u16),
    /// Pushes a number. A packed time is `((year * 13 + month) * 32 + day)`,
    /// shifted left by 17 bits for hour (5 bits), minute (6) and second (6),
    /// all that by 24 bits for microseconds; its scale is 0.
    Number {
        /// Its digits.
        value: i128,
        /// How many of them stand behind the point; at most 36.
        scale: u8,
    },
    /// Pushes the IEEE 754 number with these bits.
    Float(u64),
    /// Pushes bytes.
    Bytes(Vec<u8>),
    /// Pushes a truth value; `None`: neither true nor false.
    Truth(Option<bool>),
    /// Raises a number's scale.
    Rescale(u8),
    /// Makes a number of scale 0 and at most 64 bits an IEEE 754 one, rounded to
    /// the nearest.
    ToFloat,
    /// Compares two numbers or two byte strings (as bytes).
    Compare(Comparison),
    /// Compares two texts by these weights.
    CompareText(Comparison, u16),
    /// Whether a number or a byte string is in a set.
    In(u16),
    /// Whether a text matches a pattern: weights of bytes, or [`ONE`](super::ONE)
    /// or [`ANY`](super::ANY).
    Like(Vec<u16>, u16),
    /// Whether the operand is NULL.
    IsNull,
    /// Whether a truth value is this one.
    Is(bool),
    /// Not.
    Not,
    /// Both.
    And,
    /// Either.
    Or,
    /// Not the same.
    Xor,
    /// Computes with two numbers of scale 0. What leaves the range is unknown.
    Compute(Arithmetic, Range),
}

/// How two values are to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<=>`: NULL equals NULL.
    NullSafeEqual,
}

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arithmetic {
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
    /// The remainder, with the sign of the first; NULL for a divisor of 0.
    Remainder,
    /// Bits that both have, of 64.
    BitAnd,
    /// Bits that either has, of 64.
    BitOr,
    /// Bits that one has, of 64.
    BitXor,
}

/// The range that a result must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// 64 bits with a sign.
    Signed,
    /// 64 bits without.
    Unsigned,
}

/// What [`Op::In`] looks in, sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Set {
    /// Numbers of this scale, and whether NULL is among them.
    Numbers(u8, Vec<i128>, bool),
    /// Byte strings, and whether NULL is among them.
    Bytes(Vec<Vec<u8>>, bool),
}

/// How texts of a collation compare, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The weight of each byte, 256 of them; empty: the byte itself.
    pub table: Vec<u8>,
    /// Whether texts compare as if spaces followed them.
    pub pad_space: bool,
    /// Whether that holds for bytes below 128 alone: a text with others is
    /// unknown.
    pub ascii_only: bool,
}

impl Weights {
    /// The weight of a byte.
    #[inline]
    pub(super) fn of(&self, byte: u8) -> u8 {
        self.table.get(usize::from(byte)).copied().unwrap_or(byte)
    }
}

impl Program {
    /// The program's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        crate::message::append(&mut out, self);
        out
    }
}
