//! Sums, counts, least and greatest values of the rows that a program accepts,
//! by groups.

use super::run::{Input, Machine, Number, Value, Verdict};
use super::{MAX_FIELDS, MAX_PROGRAM_BYTES, Program, ProgramError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to compute of the rows that a program accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Which rows; it also says where the fields are.
    pub program: Program,
    /// The fields by which rows are grouped; none: all rows are one group, which
    /// is there also without any row.
    pub groups: Vec<u16>,
    /// What to compute for each group.
    pub totals: Vec<Total>,
}

/// Something to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Total {
    /// How many rows.
    Rows,
    /// How many rows in which the field is not NULL.
    Count(u16),
    /// The sum of a field of numbers, NULL if there is none.
    Sum(u16),
    /// The least value of a field, NULL if there is none.
    Min(u16),
    /// The greatest value of a field, NULL if there is none.
    Max(u16),
}

/// A value of a group or a total.
#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub enum Datum {
    /// NULL.
    Null,
    /// A number; of what scale the field says.
    Number(Number),
    /// An IEEE 754 number.
    Float(f64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A group of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What its rows have in the fields by which they are grouped.
    pub values: Vec<Datum>,
    /// What was computed of them.
    pub totals: Vec<Datum>,
}

/// Why rows could not be summed up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// A row that the program cannot read.
    #[error("a row is of a form that a summary cannot read")]
    Unreadable,
    /// A sum too large for 128 bits.
    #[error("a sum has too many digits")]
    Overflow,
    /// A group or its totals that make no sense.
    #[error("a group's totals are malformed")]
    Malformed,
}

/// Bytes that a group takes in memory beside its key and totals, about.
const GROUP_BYTES: usize = 96;

/// Sums up rows.
#[derive(Clone, Debug)]
pub struct Summing {
    machine: Machine,
    groups: Vec<u16>,
    totals: Vec<Total>,
    /// By the encoded values of the group's fields.
    found: BTreeMap<Vec<u8>, Vec<Datum>>,
    bytes: usize,
    scratch: Vec<u8>,
}

impl Summary {
    /// The summary's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        crate::message::append(&mut out, self);
        out
    }

    /// Reads and checks a summary.
    ///
    /// # Errors
    /// [`ProgramError`] if it is not one, or breaks the rules.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgramError> {
        if bytes.len() > MAX_PROGRAM_BYTES {
            return Err(ProgramError::TooLong(bytes.len()));
        }
        crate::message::read("summary", bytes).map_err(|_| ProgramError::Malformed)
    }
}

impl Summing {
    /// Begins a summary of no rows.
    ///
    /// # Errors
    /// [`ProgramError`] if the summary breaks the rules.
    pub fn new(summary: Summary) -> Result<Self, ProgramError> {
        let fields = &summary.program.fields;
        let used = summary.totals.iter().filter_map(|total| total.field());
        if summary.totals.len() > MAX_FIELDS || summary.groups.len() > MAX_FIELDS {
            return Err(ProgramError::TooMany("totals"));
        }
        if summary
            .groups
            .iter()
            .copied()
            .chain(used)
            .any(|field| usize::from(field) >= fields.len())
        {
            return Err(ProgramError::NoSuch("field"));
        }
        let sums_numbers = summary.totals.iter().all(|total| match total {
            Total::Sum(field) => fields[usize::from(*field)].kind.scale().is_some(),
            _ => true,
        });
        if !sums_numbers {
            return Err(ProgramError::Impossible("sum"));
        }
        let mut summing = Self {
            machine: Machine::new(summary.program)?,
            groups: summary.groups,
            totals: summary.totals,
            found: BTreeMap::new(),
            bytes: 0,
            scratch: Vec::new(),
        };
        if summing.groups.is_empty() {
            let none = summing.nothing();
            summing.insert(Vec::new(), none);
        }
        Ok(summing)
    }

    fn nothing(&self) -> Vec<Datum> {
        self.totals.iter().map(Total::of_nothing).collect()
    }

    fn insert(&mut self, key: Vec<u8>, totals: Vec<Datum>) {
        self.bytes += cost(&key, &totals);
        self.found.insert(key, totals);
    }

    /// Adds a row, if the program accepts it; says whether it did.
    ///
    /// # Errors
    /// [`SummaryError`] if that cannot be done exactly.
    pub fn add(&mut self, input: Input<'_>) -> Result<bool, SummaryError> {
        let Self {
            machine,
            groups,
            totals,
            found,
            bytes,
            scratch,
        } = self;
        machine.with_values(input, |verdict, value| {
            match verdict {
                Verdict::Accepted => {}
                Verdict::Rejected => return Ok(false),
                Verdict::Unknown => return Err(SummaryError::Unreadable),
            }
            scratch.clear();
            for &group in groups.iter() {
                let datum = Datum::of(value(group).ok_or(SummaryError::Unreadable)?);
                crate::message::append(scratch, &datum);
            }
            let sums = match found.get_mut(scratch.as_slice()) {
                Some(sums) => sums,
                None => {
                    let none: Vec<Datum> = totals.iter().map(Total::of_nothing).collect();
                    *bytes += cost(scratch, &none);
                    found.entry(scratch.clone()).or_insert(none)
                }
            };
            for (total, sum) in totals.iter().zip(sums) {
                let value = match total.field() {
                    Some(field) => value(field).ok_or(SummaryError::Unreadable)?,
                    None => Value::Null,
                };
                let before = sum.heap_bytes();
                total.add(sum, value)?;
                *bytes = (*bytes + sum.heap_bytes()).saturating_sub(before);
            }
            Ok(true)
        })
    }

    /// Adds what another summary of the same kind found of one group.
    ///
    /// # Errors
    /// [`SummaryError`] if it is not of the kind.
    pub fn merge(&mut self, key: &[u8], totals: &[u8]) -> Result<(), SummaryError> {
        let others: Vec<Datum> =
            crate::message::read("totals", totals).map_err(|_| SummaryError::Malformed)?;
        if others.len() != self.totals.len() {
            return Err(SummaryError::Malformed);
        }
        match self.found.get_mut(key) {
            None => self.insert(key.to_vec(), others),
            Some(sums) => {
                for ((total, sum), other) in self.totals.iter().zip(sums).zip(others) {
                    let before = sum.heap_bytes();
                    total.merge(sum, other)?;
                    self.bytes = (self.bytes + sum.heap_bytes()).saturating_sub(before);
                }
            }
        }
        Ok(())
    }

    /// The memory that the groups take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the first group out: its key and its totals, encoded.
    pub fn take(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (key, totals) = self.found.pop_first()?;
        let mut out = Vec::new();
        crate::message::append(&mut out, &totals);
        self.bytes = self.bytes.saturating_sub(cost(&key, &totals));
        Some((key, out))
    }

    /// Whether it holds no group.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Drops the last group. Gives its key.
    pub fn drop_last(&mut self) -> Option<Vec<u8>> {
        let (key, totals) = self.found.pop_last()?;
        self.bytes = self.bytes.saturating_sub(cost(&key, &totals));
        Some(key)
    }

    /// Takes the first group out.
    ///
    /// # Errors
    /// [`SummaryError::Malformed`] if its key is not one.
    pub fn take_group(&mut self) -> Result<Option<Group>, SummaryError> {
        let Some((key, totals)) = self.found.pop_first() else {
            return Ok(None);
        };
        self.bytes = self.bytes.saturating_sub(cost(&key, &totals));
        let mut rest = key.as_slice();
        let mut values = Vec::with_capacity(self.groups.len());
        for _ in &self.groups {
            let (value, others) =
                postcard::take_from_bytes::<Datum>(rest).map_err(|_| SummaryError::Malformed)?;
            rest = others;
            values.push(value);
        }
        Ok(Some(Group { values, totals }))
    }
}

fn cost(key: &[u8], totals: &[Datum]) -> usize {
    let totals = totals.iter().map(|total| size_of::<Datum>() + total.heap_bytes());
    GROUP_BYTES + key.len() + totals.sum::<usize>()
}

impl Total {
    fn field(&self) -> Option<u16> {
        match *self {
            Self::Rows => None,
            Self::Count(field) | Self::Sum(field) | Self::Min(field) | Self::Max(field) => Some(field),
        }
    }

    fn of_nothing(&self) -> Datum {
        match self {
            Self::Rows | Self::Count(_) => Datum::Number(0),
            Self::Sum(_) | Self::Min(_) | Self::Max(_) => Datum::Null,
        }
    }

    fn add(&self, sum: &mut Datum, value: Value<'_>) -> Result<(), SummaryError> {
        match self {
            Self::Rows => self.merge(sum, Datum::Number(1)),
            _ if value == Value::Null => Ok(()),
            Self::Count(_) => self.merge(sum, Datum::Number(1)),
            // A value is copied only if it is kept.
            Self::Min(_) if !sum.is_null() && !sum.exceeds(value) => Ok(()),
            Self::Max(_) if !sum.is_null() && !sum.is_exceeded_by(value) => Ok(()),
            _ => self.merge(sum, Datum::of(value)),
        }
    }

    fn merge(&self, sum: &mut Datum, other: Datum) -> Result<(), SummaryError> {
        if other.is_null() {
            return Ok(());
        }
        let replaces = match self {
            Self::Rows | Self::Count(_) | Self::Sum(_) => {
                *sum = match (&*sum, &other) {
                    (Datum::Null, Datum::Number(_)) => other,
                    (Datum::Number(sum), Datum::Number(other)) => {
                        Datum::Number(sum.checked_add(*other).ok_or(SummaryError::Overflow)?)
                    }
                    _ => return Err(SummaryError::Malformed),
                };
                return Ok(());
            }
            Self::Min(_) => sum.is_null() || other < *sum,
            Self::Max(_) => sum.is_null() || other > *sum,
        };
        if replaces {
            *sum = other;
        }
        Ok(())
    }
}

impl Datum {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Truth(truth) => Self::Number(truth.into()),
            Value::Number(number) => Self::Number(number),
            Value::Float(number) => Self::Float(number),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }

    fn is_null(&self) -> bool {
        *self == Self::Null
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }

    fn exceeds(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Number(own), Value::Number(value)) => *own > value,
            (Self::Float(own), Value::Float(value)) => *own > value,
            (Self::Bytes(own), Value::Bytes(value)) => own.as_slice() > value,
            _ => true,
        }
    }

    fn is_exceeded_by(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Number(own), Value::Number(value)) => *own < value,
            (Self::Float(own), Value::Float(value)) => *own < value,
            (Self::Bytes(own), Value::Bytes(value)) => own.as_slice() < value,
            _ => true,
        }
    }
}
