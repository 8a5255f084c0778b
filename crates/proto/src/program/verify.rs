//! Checks a program before it runs.

use super::{
    Field, Kind, Layout, MAX_DEPTH, MAX_FIELDS, MAX_OPS, MAX_PATTERN, MAX_PROGRAM_BYTES, Op, PartBytes,
    Program, Set,
};

/// What is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// Too long.
    #[error("a program has {0} bytes, more than the {MAX_PROGRAM_BYTES} that one may have")]
    TooLong(usize),
    /// The bytes are not a program's.
    #[error("the bytes are not a program")]
    Malformed,
    /// It has more of something than it may have.
    #[error("a program has too many {0}")]
    TooMany(&'static str),
    /// A reference leads nowhere.
    #[error("a program refers to a {0} that it does not have")]
    NoSuch(&'static str),
    /// Operands are missing, or of another type than the operation takes.
    #[error("operation {at} of condition {condition} does not fit its operands")]
    Operands {
        /// Which condition.
        condition: usize,
        /// Which operation in it.
        at: usize,
    },
    /// Something declared has a value that cannot be.
    #[error("a program's {0} cannot be")]
    Impossible(&'static str),
}

/// The type of a value on the stack. NULL is of every type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Truth,
    /// A number: its scale, and whether it has 64 bits at most.
    Number {
        scale: u8,
        small: bool,
    },
    Float,
    Bytes,
}

/// The largest scale: 10 to its power still fits a number.
const MAX_SCALE: u8 = 36;

impl Program {
    /// Reads and checks a program.
    ///
    /// # Errors
    /// [`ProgramError`] if it is not one, or breaks the rules.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgramError> {
        if bytes.len() > MAX_PROGRAM_BYTES {
            return Err(ProgramError::TooLong(bytes.len()));
        }
        let program: Self = crate::message::read("program", bytes).map_err(|_| ProgramError::Malformed)?;
        program.verify()?;
        Ok(program)
    }

    /// Checks it.
    ///
    /// # Errors
    /// [`ProgramError`] if it breaks the rules.
    pub fn verify(&self) -> Result<(), ProgramError> {
        self.layout.verify()?;
        self.verify_fields()?;
        self.verify_constants()?;
        let ops: usize = self.conditions.iter().map(Vec::len).sum();
        if ops > MAX_OPS || self.conditions.len() > MAX_OPS {
            return Err(ProgramError::TooMany("operations"));
        }
        for (condition, ops) in self.conditions.iter().enumerate() {
            let mut stack = Vec::with_capacity(MAX_DEPTH);
            for (at, op) in ops.iter().enumerate() {
                self.step(op, &mut stack)?
                    .ok_or(ProgramError::Operands { condition, at })?;
            }
            if stack != [Type::Truth] {
                let at = ops.len();
                return Err(ProgramError::Operands { condition, at });
            }
        }
        Ok(())
    }

    fn verify_fields(&self) -> Result<(), ProgramError> {
        if self.fields.len() > MAX_FIELDS {
            return Err(ProgramError::TooMany("fields"));
        }
        self.fields.iter().try_for_each(|field| self.verify_field(field))
    }

    fn verify_field(&self, field: &Field) -> Result<(), ProgramError> {
        if usize::from(field.place) >= self.layout.places() {
            return Err(ProgramError::NoSuch("place"));
        }
        match field.kind {
            Kind::Decimal { precision, scale } if precision > MAX_SCALE || scale > precision => {
                Err(ProgramError::Impossible("decimal field"))
            }
            Kind::Datetime(digits) if digits > 6 => Err(ProgramError::Impossible("datetime field")),
            _ => Ok(()),
        }
    }

    fn verify_constants(&self) -> Result<(), ProgramError> {
        for set in &self.sets {
            let sorted = match set {
                Set::Numbers(scale, numbers, _) => *scale <= MAX_SCALE && numbers.is_sorted(),
                Set::Bytes(strings, _) => strings.is_sorted(),
            };
            if !sorted {
                return Err(ProgramError::Impossible("set"));
            }
        }
        match self
            .weights
            .iter()
            .all(|weights| matches!(weights.table.len(), 0 | 256))
        {
            true => Ok(()),
            false => Err(ProgramError::Impossible("table of weights")),
        }
    }

    /// What an operation does to the types on the stack; `None` if it does not
    /// fit them.
    fn step(&self, op: &Op, stack: &mut Vec<Type>) -> Result<Option<()>, ProgramError> {
        let result = match op {
            Op::Field(number) => {
                let field = self.fields.get(usize::from(*number));
                Some(type_of(field.ok_or(ProgramError::NoSuch("field"))?.kind))
            }
            Op::Number { value, scale } => (*scale <= MAX_SCALE).then_some(Type::Number {
                scale: *scale,
                small: i64::try_from(*value).is_ok() || u64::try_from(*value).is_ok(),
            }),
            Op::Float(_) => Some(Type::Float),
            Op::Bytes(_) => Some(Type::Bytes),
            Op::Truth(_) => Some(Type::Truth),
            Op::Rescale(digits) => rescaled(stack.pop(), *digits),
            Op::ToFloat => match stack.pop() {
                Some(Type::Number {
                    scale: 0,
                    small: true,
                }) => Some(Type::Float),
                _ => None,
            },
            Op::Compare(_) => compared(stack.pop(), stack.pop(), false),
            Op::CompareText(_, weights) => {
                self.check_weights(*weights)?;
                compared(stack.pop(), stack.pop(), true)
            }
            Op::In(set) => {
                let set = self.sets.get(usize::from(*set));
                searched(stack.pop(), set.ok_or(ProgramError::NoSuch("set"))?)
            }
            Op::Like(pattern, weights) => {
                self.check_weights(*weights)?;
                if pattern.len() > MAX_PATTERN {
                    return Err(ProgramError::TooMany("characters in a pattern"));
                }
                (stack.pop() == Some(Type::Bytes)).then_some(Type::Truth)
            }
            Op::IsNull => stack.pop().map(|_| Type::Truth),
            Op::Is(_) | Op::Not => (stack.pop() == Some(Type::Truth)).then_some(Type::Truth),
            Op::And | Op::Or | Op::Xor => {
                (stack.pop() == Some(Type::Truth) && stack.pop() == Some(Type::Truth)).then_some(Type::Truth)
            }
            Op::Compute(..) => computed(stack.pop(), stack.pop()),
        };
        let Some(result) = result else {
            return Ok(None);
        };
        if stack.len() >= MAX_DEPTH {
            return Err(ProgramError::TooMany("values on its stack"));
        }
        stack.push(result);
        Ok(Some(()))
    }

    fn check_weights(&self, number: u16) -> Result<(), ProgramError> {
        match usize::from(number) < self.weights.len() {
            true => Ok(()),
            false => Err(ProgramError::NoSuch("table of weights")),
        }
    }
}

fn type_of(kind: Kind) -> Type {
    match (kind, kind.scale()) {
        (Kind::Bytes, _) => Type::Bytes,
        (_, None) => Type::Float,
        (_, Some(scale)) => Type::Number {
            scale,
            small: matches!(
                kind,
                Kind::Signed | Kind::Unsigned | Kind::KeySigned | Kind::KeyUnsigned | Kind::Year
            ),
        },
    }
}

fn rescaled(operand: Option<Type>, digits: u8) -> Option<Type> {
    match operand? {
        Type::Number { scale, .. } if scale.checked_add(digits)? <= MAX_SCALE => Some(Type::Number {
            scale: scale + digits,
            small: false,
        }),
        _ => None,
    }
}

fn compared(right: Option<Type>, left: Option<Type>, as_text: bool) -> Option<Type> {
    let fits = match (left?, right?) {
        (Type::Bytes, Type::Bytes) => true,
        (Type::Number { scale: left, .. }, Type::Number { scale: right, .. }) => !as_text && left == right,
        (Type::Float, Type::Float) => !as_text,
        _ => false,
    };
    fits.then_some(Type::Truth)
}

fn searched(operand: Option<Type>, set: &Set) -> Option<Type> {
    let fits = match (operand?, set) {
        (Type::Bytes, Set::Bytes(..)) => true,
        (Type::Number { scale, .. }, Set::Numbers(of, ..)) => scale == *of,
        _ => false,
    };
    fits.then_some(Type::Truth)
}

fn computed(right: Option<Type>, left: Option<Type>) -> Option<Type> {
    match (left?, right?) {
        (Type::Number { scale: 0, .. }, Type::Number { scale: 0, .. }) => Some(Type::Number {
            scale: 0,
            small: true,
        }),
        _ => None,
    }
}

impl Layout {
    fn verify(&self) -> Result<(), ProgramError> {
        if self.places() > MAX_FIELDS {
            return Err(ProgramError::TooMany("columns"));
        }
        let Self::Entry(entry) = self else {
            return Ok(());
        };
        let groups_have_bytes = entry
            .key
            .iter()
            .chain(&entry.primary)
            .all(|part| match part.bytes {
                PartBytes::Fixed(_) => true,
                PartBytes::Groups(runs) => runs.iter().flatten().all(|run| run.size > 0),
            });
        match groups_have_bytes {
            true => Ok(()),
            false => Err(ProgramError::Impossible("group of a key")),
        }
    }
}
