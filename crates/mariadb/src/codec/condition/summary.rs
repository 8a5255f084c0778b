//! Sums, counts, least and greatest values that the host computes.

use super::emit::Emitter;
use super::{As, Condition, Meaning, Operand, Source};
use crate::codec::Shape;
use vamos_proto::program::{MAX_PROGRAM_BYTES, Summary, Summing, Total};

/// What to compute of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compute {
    /// How many rows.
    Rows,
    /// In how many rows it is not NULL.
    Count(usize),
    /// Their sum.
    Sum(usize),
    /// The least.
    Min(usize),
    /// The greatest.
    Max(usize),
}

/// The most digits of a number to be summed up: a hundred billion of them still
/// fit the 128 bits that they are summed up in.
const MAX_SUM_DIGITS: u8 = 27;

/// A summary of the rows for which all of the conditions hold; `None` if the host
/// cannot compute exactly what the server would.
pub fn summarize(
    shape: &Shape,
    source: Source,
    conditions: &[Condition],
    groups: &[usize],
    totals: &[Compute],
) -> Option<Summary> {
    let mut emitter = Emitter::new(shape, source);
    for condition in conditions {
        is_exact(shape, condition).then_some(())?;
        emitter.add(condition)?;
    }
    let groups = groups
        .iter()
        .map(|&column| emitter.number_field(column))
        .collect::<Option<_>>()?;
    let totals = totals
        .iter()
        .map(|total| {
            Some(match *total {
                Compute::Rows => Total::Rows,
                Compute::Count(column) => Total::Count(emitter.any_field(column)?),
                Compute::Sum(column) => {
                    is_summable(shape.columns.get(column)?.meaning).then_some(())?;
                    Total::Sum(emitter.number_field(column)?)
                }
                Compute::Min(column) => Total::Min(emitter.number_field(column)?),
                Compute::Max(column) => Total::Max(emitter.number_field(column)?),
            })
        })
        .collect::<Option<_>>()?;
    let summary = Summary {
        program: emitter.finish()?,
        groups,
        totals,
    };
    (summary.encode().len() <= MAX_PROGRAM_BYTES).then_some(())?;
    Summing::new(summary.clone()).ok()?;
    Some(summary)
}

fn is_summable(meaning: Meaning) -> bool {
    match meaning {
        Meaning::Signed | Meaning::Unsigned => true,
        Meaning::Decimal(digits, _) => digits <= MAX_SUM_DIGITS,
        _ => false,
    }
}

/// Whether no row can make it unknown.
fn is_exact(shape: &Shape, condition: &Condition) -> bool {
    match condition {
        Condition::Compare(_, as_what, sides) => are_exact(shape, as_what, sides.as_slice()),
        Condition::In(as_what, operand, others) => {
            let all: Vec<Operand> = others.iter().chain([operand]).cloned().collect();
            are_exact(shape, as_what, &all)
        }
        // The host gives up on long texts.
        Condition::Like(..) => false,
        Condition::IsNull(_) | Condition::Truth(_) => true,
        Condition::Not(inner) => is_exact(shape, inner),
        Condition::And(all) | Condition::Or(all) => all.iter().all(|one| is_exact(shape, one)),
        Condition::Xor(sides) => sides.iter().all(|side| is_exact(shape, side)),
    }
}

/// The most digits that fit the numbers of a program.
const MAX_DIGITS: u8 = 38;

/// Whether values can be compared whatever a row has.
fn are_exact(shape: &Shape, as_what: &As, operands: &[Operand]) -> bool {
    // What leaves the range of 64 bits is an error of the server's.
    let computes = |operand: &Operand| matches!(operand, Operand::Compute(..));
    if operands.iter().any(computes) {
        return false;
    }
    match as_what {
        As::Text(order) => !order.ascii_only,
        As::Real | As::Time => true,
        As::Number => {
            let digits = operands.iter().filter_map(|operand| digits(shape, operand));
            let (whole, behind) = digits.fold((0, 0), |(whole, behind), (digits, scale)| {
                (digits.saturating_sub(scale).max(whole), scale.max(behind))
            });
            whole.saturating_add(behind) <= MAX_DIGITS
        }
    }
}

/// All digits of a column's numbers or of a number, and those behind the point.
fn digits(shape: &Shape, operand: &Operand) -> Option<(u8, u8)> {
    match operand {
        Operand::Column(column) => Some(match shape.columns.get(*column)?.meaning {
            Meaning::Decimal(digits, scale) => (digits, scale),
            _ => (20, 0),
        }),
        // A constant that does not fit is refused when it is written down.
        Operand::Number(_, scale) => Some((*scale, *scale)),
        _ => None,
    }
}
