//! A program in the making.

use super::{As, Condition, Operand, Source, TextOrder};
use crate::codec::Shape;
use vamos_proto::program::{Comparison, Field, Kind, MAX_OPS, Op, Program, Set, Weights};

/// The most digits behind the point that a number is given.
const MAX_SCALE: u8 = 36;

/// A program in the making. Its functions give `None` where the program cannot
/// say what the server says.
pub(super) struct Emitter<'s> {
    shape: &'s Shape,
    source: Source,
    fields: Vec<Field>,
    sets: Vec<Set>,
    weights: Vec<Weights>,
    conditions: Vec<Vec<Op>>,
    last_place: usize,
}

impl<'s> Emitter<'s> {
    pub(super) fn new(shape: &'s Shape, source: Source) -> Self {
        Self {
            shape,
            source,
            fields: Vec::new(),
            sets: Vec::new(),
            weights: Vec::new(),
            conditions: Vec::new(),
            last_place: 0,
        }
    }

    /// Adds a condition.
    pub(super) fn add(&mut self, condition: &Condition) -> Option<()> {
        let mut ops = Vec::new();
        self.condition(condition, &mut ops)?;
        let before: usize = self.conditions.iter().map(Vec::len).sum();
        (before + ops.len() <= MAX_OPS).then_some(())?;
        self.conditions.push(ops);
        Some(())
    }

    /// A field of exact numbers, or of times.
    pub(super) fn number_field(&mut self, column: usize) -> Option<u16> {
        let kind = self.source.find(self.shape, column)?.1;
        (!matches!(kind, Kind::Bytes | Kind::Float | Kind::Double)).then_some(())?;
        let mut ops = Vec::new();
        self.column(column, &mut ops)?;
        field_of(&ops)
    }

    /// A field of whatever type, to be asked whether it is NULL.
    pub(super) fn any_field(&mut self, column: usize) -> Option<u16> {
        if self.source.find(self.shape, column).is_some() {
            let mut ops = Vec::new();
            self.column(column, &mut ops)?;
            return field_of(&ops);
        }
        let mut ops = Vec::new();
        self.any(&Operand::Column(column), &mut ops)?;
        field_of(&ops)
    }

    /// Whether there is no condition in it.
    pub(super) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The program.
    pub(super) fn finish(self) -> Option<Program> {
        Some(Program {
            layout: self.source.layout(self.shape, self.last_place)?,
            fields: self.fields,
            sets: self.sets,
            weights: self.weights,
            conditions: self.conditions,
        })
    }

    fn condition(&mut self, condition: &Condition, ops: &mut Vec<Op>) -> Option<()> {
        match condition {
            Condition::Compare(how, as_what, sides) => self.compare(*how, as_what, sides, ops)?,
            Condition::In(as_what, operand, others) => self.is_in(as_what, operand, others, ops)?,
            Condition::Like(operand, pattern, order) => {
                self.text(operand, ops)?;
                let weights = self.weights_of(order);
                ops.push(Op::Like(pattern.clone(), weights));
            }
            Condition::IsNull(operand) => {
                self.any(operand, ops)?;
                ops.push(Op::IsNull);
            }
            Condition::Truth(truth) => ops.push(Op::Truth(*truth)),
            Condition::Not(inner) => {
                self.condition(inner, ops)?;
                ops.push(Op::Not);
            }
            Condition::And(all) => self.connect(all, Op::And, ops)?,
            Condition::Or(any) => self.connect(any, Op::Or, ops)?,
            Condition::Xor(sides) => {
                self.condition(&sides[0], ops)?;
                self.condition(&sides[1], ops)?;
                ops.push(Op::Xor);
            }
        }
        Some(())
    }

    fn connect(&mut self, conditions: &[Condition], with: Op, ops: &mut Vec<Op>) -> Option<()> {
        for (at, condition) in conditions.iter().enumerate() {
            self.condition(condition, ops)?;
            if at > 0 {
                ops.push(with.clone());
            }
        }
        (!conditions.is_empty()).then_some(())
    }

    fn compare(
        &mut self,
        how: Comparison,
        as_what: &As,
        sides: &[Operand; 2],
        ops: &mut Vec<Op>,
    ) -> Option<()> {
        if how != Comparison::NullSafeEqual && sides.contains(&Operand::Null) {
            ops.push(Op::Truth(None));
            return Some(());
        }
        let compare = match as_what {
            As::Number => {
                let scale = self.scale(&sides[0])?.max(self.scale(&sides[1])?);
                for side in sides {
                    self.number(side, scale, ops)?;
                }
                Op::Compare(how)
            }
            As::Real => {
                for side in sides {
                    self.real(side, ops)?;
                }
                Op::Compare(how)
            }
            As::Time => {
                for side in sides {
                    self.time(side, ops)?;
                }
                Op::Compare(how)
            }
            As::Text(order) => {
                for side in sides {
                    self.text(side, ops)?;
                }
                Op::CompareText(how, self.weights_of(order))
            }
        };
        ops.push(compare);
        Some(())
    }

    fn is_in(
        &mut self,
        as_what: &As,
        operand: &Operand,
        others: &[Operand],
        ops: &mut Vec<Op>,
    ) -> Option<()> {
        if let Some(set) = self.number_set(as_what, operand, others) {
            let Set::Numbers(scale, ..) = set else { return None };
            self.number(operand, scale, ops)?;
            self.sets.push(set);
            ops.push(Op::In(u16::try_from(self.sets.len() - 1).ok()?));
            return Some(());
        }
        for (at, other) in others.iter().enumerate() {
            let sides = [operand.clone(), other.clone()];
            self.compare(Comparison::Equal, as_what, &sides, ops)?;
            if at > 0 {
                ops.push(Op::Or);
            }
        }
        (!others.is_empty()).then_some(())
    }

    /// The others as a set, if all are numbers.
    fn number_set(&mut self, as_what: &As, operand: &Operand, others: &[Operand]) -> Option<Set> {
        if *as_what != As::Number {
            return None;
        }
        let mut scale = self.scale(operand)?;
        for other in others {
            scale = scale.max(match other {
                Operand::Number(_, scale) => *scale,
                Operand::Null => 0,
                _ => return None,
            });
        }
        let mut numbers = Vec::with_capacity(others.len());
        for other in others {
            if let Operand::Number(value, of) = other {
                numbers.push(value.checked_mul(10i128.checked_pow((scale - of).into())?)?);
            }
        }
        numbers.sort_unstable();
        Some(Set::Numbers(scale, numbers, others.contains(&Operand::Null)))
    }

    /// How many digits a number has behind the point; `None` if it is none.
    fn scale(&self, operand: &Operand) -> Option<u8> {
        match operand {
            Operand::Column(column) => match self.source.find(self.shape, *column)?.1 {
                Kind::Decimal { scale, .. } => Some(scale),
                kind => is_integer(kind).then_some(0),
            },
            Operand::Number(_, scale) => Some(*scale).filter(|scale| *scale <= MAX_SCALE),
            Operand::Compute(..) | Operand::Null => Some(0),
            Operand::Real(_) | Operand::Text(_) | Operand::Time(_) => None,
        }
    }

    /// Pushes a number with this scale, which is not less than its own.
    fn number(&mut self, operand: &Operand, scale: u8, ops: &mut Vec<Op>) -> Option<()> {
        let raise = scale.checked_sub(self.scale(operand)?)?;
        match operand {
            Operand::Number(value, _) => {
                let value = value.checked_mul(10i128.checked_pow(raise.into())?)?;
                ops.push(Op::Number { value, scale });
                return Some(());
            }
            Operand::Column(column) => self.column(*column, ops)?,
            Operand::Compute(arithmetic, range, sides) => {
                for side in &**sides {
                    // What the server computes with other numbers is rounded.
                    (self.scale(side)? == 0 && *side != Operand::Null).then_some(())?;
                    self.number(side, 0, ops)?;
                }
                ops.push(Op::Compute(*arithmetic, *range));
            }
            // NULL <=> number: NULL of the right type.
            _ => return None,
        }
        if raise > 0 {
            ops.push(Op::Rescale(raise));
        }
        Some(())
    }

    fn real(&mut self, operand: &Operand, ops: &mut Vec<Op>) -> Option<()> {
        match operand {
            Operand::Real(value) => ops.push(Op::Float(value.to_bits())),
            Operand::Number(value, 0) => {
                i64::try_from(*value).ok()?;
                ops.push(Op::Float((*value as f64).to_bits()));
            }
            Operand::Column(column) => {
                let kind = self.source.find(self.shape, *column)?.1;
                self.column(*column, ops)?;
                match kind {
                    Kind::Float | Kind::Double => {}
                    kind if is_integer(kind) => ops.push(Op::ToFloat),
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn time(&mut self, operand: &Operand, ops: &mut Vec<Op>) -> Option<()> {
        match operand {
            Operand::Time(value) => ops.push(Op::Number {
                value: *value,
                scale: 0,
            }),
            Operand::Column(column) => {
                let kind = self.source.find(self.shape, *column)?.1;
                matches!(kind, Kind::Date | Kind::KeyDate | Kind::Datetime(_)).then_some(())?;
                self.column(*column, ops)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn text(&mut self, operand: &Operand, ops: &mut Vec<Op>) -> Option<()> {
        match operand {
            Operand::Text(bytes) => ops.push(Op::Bytes(bytes.clone())),
            Operand::Column(column) => {
                let kind = self.source.find(self.shape, *column)?.1;
                (kind == Kind::Bytes).then_some(())?;
                self.column(*column, ops)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Pushes a value of whatever type, to be asked whether it is NULL.
    fn any(&mut self, operand: &Operand, ops: &mut Vec<Op>) -> Option<()> {
        let Operand::Column(column) = operand else {
            return None;
        };
        if self.source.find(self.shape, *column).is_some() {
            return self.column(*column, ops);
        }
        let place = self.source.place(self.shape, *column)?;
        // The inverted bytes of a descending key are no bytes to the host.
        if self.source.is_reversed(self.shape, place) {
            return None;
        }
        self.field(place, Kind::Bytes, ops)
    }

    fn column(&mut self, column: usize, ops: &mut Vec<Op>) -> Option<()> {
        let (place, kind) = self.source.find(self.shape, column)?;
        self.field(place, kind, ops)
    }

    fn field(&mut self, place: usize, kind: Kind, ops: &mut Vec<Op>) -> Option<()> {
        self.last_place = self.last_place.max(place);
        let field = Field {
            place: u16::try_from(place).ok()?,
            kind,
        };
        let number = self
            .fields
            .iter()
            .position(|other| *other == field)
            .unwrap_or_else(|| {
                self.fields.push(field);
                self.fields.len() - 1
            });
        ops.push(Op::Field(u16::try_from(number).ok()?));
        Some(())
    }

    fn weights_of(&mut self, order: &TextOrder) -> u16 {
        let weights = Weights {
            table: order.table.clone(),
            pad_space: order.pad_space,
            ascii_only: order.ascii_only,
        };
        let known = self.weights.iter().position(|other| *other == weights);
        known.unwrap_or_else(|| {
            self.weights.push(weights);
            self.weights.len() - 1
        }) as u16
    }
}

fn field_of(ops: &[Op]) -> Option<u16> {
    match ops {
        [Op::Field(number)] => Some(*number),
        _ => None,
    }
}

fn is_integer(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Signed | Kind::Unsigned | Kind::KeySigned | Kind::KeyUnsigned | Kind::Year
    )
}
