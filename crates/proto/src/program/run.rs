//! Running a program.

use super::locate::{Slot, locate};
use super::{
    Arithmetic, Comparison, Field, Kind, MAX_DEPTH, MAX_LIKE_BYTES, Op, Program, ProgramError, Range, Set,
    Weights, field, like,
};
use std::cmp::Ordering;

/// What a number is computed in.
pub type Number = i128;

/// What a program is run on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The key under which it is stored, without its index id.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// What a program says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All conditions hold.
    Accepted,
    /// One is false or NULL.
    Rejected,
    /// None is known to fail, and of one nothing is known.
    Unknown,
}

/// A value on the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Truth(bool),
    Number(Number),
    Float(f64),
    Bytes(&'a [u8]),
}

/// A program, ready to run.
#[derive(Clone, Debug)]
pub struct Machine {
    program: Program,
    /// For each place of the layout, the fields that are read there: from, to.
    readers: Vec<(u16, u16)>,
    /// The fields, in the order of their places.
    by_place: Vec<u16>,
}

/// Fields that a program may have before they are kept in the heap.
const FEW: usize = 16;

impl Machine {
    /// The machine of a program that a peer has sent.
    ///
    /// # Errors
    /// [`ProgramError`] if it is not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgramError> {
        Program::decode(bytes).map(Self::of)
    }

    /// The machine of a program.
    ///
    /// # Errors
    /// [`ProgramError`] if it breaks the rules.
    pub fn new(program: Program) -> Result<Self, ProgramError> {
        program.verify()?;
        Ok(Self::of(program))
    }

    fn of(program: Program) -> Self {
        let mut by_place: Vec<u16> = (0..program.fields.len() as u16).collect();
        by_place.sort_by_key(|&field| program.fields[usize::from(field)].place);
        let mut readers = vec![(0, 0); program.layout.places()];
        for (at, &field) in by_place.iter().enumerate() {
            let place = usize::from(program.fields[usize::from(field)].place);
            let reader = &mut readers[place];
            if reader.1 == 0 {
                reader.0 = at as u16;
            }
            reader.1 = at as u16 + 1;
        }
        Self {
            program,
            readers,
            by_place,
        }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Whether the conditions hold.
    pub fn judge(&self, input: Input<'_>) -> Verdict {
        self.with_slots(input, |slots| self.verdict(slots))
    }

    /// Calls `run` with the verdict and a function that reads a field; `None`:
    /// it cannot be read.
    pub(super) fn with_values<'a, T>(
        &'a self,
        input: Input<'a>,
        run: impl FnOnce(Verdict, &dyn Fn(u16) -> Option<Value<'a>>) -> T,
    ) -> T {
        self.with_slots(input, |slots| {
            run(self.verdict(slots), &|number| {
                let at = usize::from(number);
                load(self.program.fields.get(at)?, *slots.get(at)?)
            })
        })
    }

    fn verdict(&self, slots: &[Slot<'_>]) -> Verdict {
        let mut verdict = Verdict::Accepted;
        for condition in &self.program.conditions {
            match self.evaluate(condition, slots) {
                Some(Value::Truth(true)) => {}
                Some(_) => return Verdict::Rejected,
                None => verdict = Verdict::Unknown,
            }
        }
        verdict
    }

    /// Finds the fields and calls `run` with them.
    fn with_slots<'a, T>(&'a self, input: Input<'a>, run: impl FnOnce(&[Slot<'a>]) -> T) -> T {
        let fields = self.program.fields.len();
        let mut few = [Slot::Missing; FEW];
        let mut many = Vec::new();
        let slots = match few.get_mut(..fields) {
            Some(few) => few,
            None => {
                many.resize(fields, Slot::Missing);
                &mut many[..]
            }
        };
        if fields > 0 {
            // What lies behind a break stays missing.
            let _ = locate(&self.program.layout, input, |place, slot| {
                let (from, to) = self.readers.get(place).copied().unwrap_or_default();
                for &field in self.by_place.get(from.into()..to.into()).unwrap_or_default() {
                    slots[usize::from(field)] = slot;
                }
            });
        }
        run(slots)
    }

    /// Runs one condition; `None`: unknown.
    fn evaluate<'v>(&'v self, ops: &'v [Op], slots: &[Slot<'v>]) -> Option<Value<'v>> {
        let mut stack = Stack::new();
        for op in ops {
            self.step(op, slots, &mut stack)?;
        }
        stack.pop()
    }

    fn step<'v>(&'v self, op: &'v Op, slots: &[Slot<'v>], stack: &mut Stack<'v>) -> Option<()> {
        let value = match op {
            Op::Field(number) => {
                let at = usize::from(*number);
                load(self.program.fields.get(at)?, *slots.get(at)?)?
            }
            Op::Number { value, .. } => Value::Number(*value),
            Op::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Op::Bytes(bytes) => Value::Bytes(bytes),
            Op::Truth(truth) => truth_value(*truth),
            Op::Rescale(digits) => match stack.pop()? {
                Value::Number(number) => {
                    Value::Number(number.checked_mul(10i128.checked_pow((*digits).into())?)?)
                }
                other => other,
            },
            Op::ToFloat => match stack.pop()? {
                // 64 bits, as verified: rounded once, as the server does.
                Value::Number(number) => Value::Float(number as f64),
                other => other,
            },
            Op::Compare(comparison) => {
                let (left, right) = stack.pair()?;
                compare(*comparison, left, right, None)?
            }
            Op::CompareText(comparison, weights) => {
                let weights = self.program.weights.get(usize::from(*weights))?;
                let (left, right) = stack.pair()?;
                compare(*comparison, left, right, Some(weights))?
            }
            Op::In(set) => is_in(stack.pop()?, self.program.sets.get(usize::from(*set))?),
            Op::Like(pattern, weights) => {
                let weights = self.program.weights.get(usize::from(*weights))?;
                match stack.pop()? {
                    Value::Bytes(text) => Value::Truth(like_text(text, pattern, weights)?),
                    _ => Value::Null,
                }
            }
            Op::IsNull => Value::Truth(stack.pop()? == Value::Null),
            Op::Is(wanted) => Value::Truth(stack.pop()? == Value::Truth(*wanted)),
            Op::Not => truth_value(truth(stack.pop()?).map(|truth| !truth)),
            Op::And => connect(stack.pair()?, false),
            Op::Or => connect(stack.pair()?, true),
            Op::Xor => match stack.pair()? {
                (Value::Truth(left), Value::Truth(right)) => Value::Truth(left != right),
                _ => Value::Null,
            },
            Op::Compute(arithmetic, range) => compute(*arithmetic, *range, stack.pair()?)?,
        };
        stack.push(value)
    }
}

/// A stack of at most [`MAX_DEPTH`] values.
struct Stack<'v> {
    values: [Value<'v>; MAX_DEPTH],
    depth: usize,
}

impl<'v> Stack<'v> {
    fn new() -> Self {
        Self {
            values: [Value::Null; MAX_DEPTH],
            depth: 0,
        }
    }

    fn push(&mut self, value: Value<'v>) -> Option<()> {
        *self.values.get_mut(self.depth)? = value;
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) -> Option<Value<'v>> {
        self.depth = self.depth.checked_sub(1)?;
        self.values.get(self.depth).copied()
    }

    fn pair(&mut self) -> Option<(Value<'v>, Value<'v>)> {
        let right = self.pop()?;
        Some((self.pop()?, right))
    }
}

fn load<'a>(field: &Field, slot: Slot<'a>) -> Option<Value<'a>> {
    match slot {
        Slot::Missing => None,
        Slot::Null => Some(Value::Null),
        Slot::At(bytes, flip) => field::read(field.kind, bytes, flip),
    }
}

fn truth(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Truth(truth) => Some(truth),
        _ => None,
    }
}

fn truth_value<'a>(truth: Option<bool>) -> Value<'a> {
    truth.map_or(Value::Null, Value::Truth)
}

/// `Or` if `decides` is true, `And` if it is false: what the result is as soon as
/// one side has it.
fn connect<'a>((left, right): (Value<'a>, Value<'a>), decides: bool) -> Value<'a> {
    let (left, right) = (truth(left), truth(right));
    truth_value(if left == Some(decides) || right == Some(decides) {
        Some(decides)
    } else if left.is_none() || right.is_none() {
        None
    } else {
        Some(!decides)
    })
}

fn compare<'a>(
    comparison: Comparison,
    left: Value<'a>,
    right: Value<'a>,
    weights: Option<&Weights>,
) -> Option<Value<'a>> {
    let nulls = (left == Value::Null, right == Value::Null);
    if nulls.0 || nulls.1 {
        return Some(match comparison {
            Comparison::NullSafeEqual => Value::Truth(nulls.0 && nulls.1),
            _ => Value::Null,
        });
    }
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.cmp(&right),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(&right)?,
        (Value::Bytes(left), Value::Bytes(right)) => match weights {
            Some(weights) => compare_texts(left, right, weights)?,
            None => left.cmp(right),
        },
        _ => return None,
    };
    Some(Value::Truth(match comparison {
        Comparison::Equal | Comparison::NullSafeEqual => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }))
}

fn compare_texts(left: &[u8], right: &[u8], weights: &Weights) -> Option<Ordering> {
    if weights.ascii_only && !(left.is_ascii() && right.is_ascii()) {
        return None;
    }
    let of = |byte: &u8| weights.of(*byte);
    let common = left.len().min(right.len());
    let order = left[..common].iter().map(of).cmp(right[..common].iter().map(of));
    if order.is_ne() || left.len() == right.len() {
        return Some(order);
    }
    if !weights.pad_space {
        return Some(left.len().cmp(&right.len()));
    }
    let space = weights.of(b' ');
    let against_spaces = |rest: &[u8]| {
        let different = rest.iter().map(of).find(|&weight| weight != space);
        different.map_or(Ordering::Equal, |weight| weight.cmp(&space))
    };
    Some(match left.len() > right.len() {
        true => against_spaces(&left[common..]),
        false => against_spaces(&right[common..]).reverse(),
    })
}

fn like_text(text: &[u8], pattern: &[u16], weights: &Weights) -> Option<bool> {
    if text.len() > MAX_LIKE_BYTES || (weights.ascii_only && !text.is_ascii()) {
        return None;
    }
    like::matches(text, pattern, weights)
}

fn is_in<'a>(value: Value<'a>, set: &Set) -> Value<'a> {
    let (found, has_null) = match (value, set) {
        (Value::Number(number), Set::Numbers(_, numbers, has_null)) => {
            (numbers.binary_search(&number).is_ok(), *has_null)
        }
        (Value::Bytes(bytes), Set::Bytes(strings, has_null)) => (
            strings
                .binary_search_by(|string| string.as_slice().cmp(bytes))
                .is_ok(),
            *has_null,
        ),
        _ => return Value::Null,
    };
    match (found, has_null) {
        (false, true) => Value::Null,
        _ => Value::Truth(found),
    }
}

fn compute<'a>(
    arithmetic: Arithmetic,
    range: Range,
    (left, right): (Value<'a>, Value<'a>),
) -> Option<Value<'a>> {
    let (Value::Number(left), Value::Number(right)) = (left, right) else {
        return Some(Value::Null);
    };
    // Bits are those of 64, whatever the sign.
    let bits = |of: fn(u64, u64) -> u64| Number::from(of(left as u64, right as u64));
    let result = match arithmetic {
        Arithmetic::Add => left.checked_add(right)?,
        Arithmetic::Subtract => left.checked_sub(right)?,
        Arithmetic::Multiply => left.checked_mul(right)?,
        Arithmetic::Remainder if right == 0 => return Some(Value::Null),
        Arithmetic::Remainder => left.checked_rem(right)?,
        Arithmetic::BitAnd => bits(|left, right| left & right),
        Arithmetic::BitOr => bits(|left, right| left | right),
        Arithmetic::BitXor => bits(|left, right| left ^ right),
    };
    let fits = match range {
        Range::Signed => i64::try_from(result).is_ok(),
        Range::Unsigned => u64::try_from(result).is_ok(),
    };
    fits.then_some(Value::Number(result))
}

impl Kind {
    /// Whether its values are numbers, and of what scale.
    pub(super) fn scale(self) -> Option<u8> {
        match self {
            Self::Float | Self::Double | Self::Bytes => None,
            Self::Decimal { scale, .. } => Some(scale),
            _ => Some(0),
        }
    }
}
