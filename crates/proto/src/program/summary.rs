//! Sums, counts, least and greatest values of the rows that a program accepts,
//! by groups.

use super::run::{Input, Machine, Number, Value, Verdict};
use super::{MAX_PROGRAM_BYTES, MAX_TOTALS, Program, ProgramError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to compute of the rows that a program accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Which rows; it also says where the fields are.
    pub program: Program,
    /// The fields by which rows are grouped, all of them numbers; none: all rows
    /// are one group, which is there also without any row.
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
    /// The least value of a field of numbers, NULL if there is none.
    Min(u16),
    /// The greatest value of a field of numbers, NULL if there is none.
    Max(u16),
}

/// A value of a group or a total, `None`: NULL. Its scale is the field's.
pub type Datum = Option<Number>;

/// A group of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// By the values of the group's fields, so encoded that they sort as those.
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

    /// Reads a summary; [`Summing::new`] checks it.
    ///
    /// # Errors
    /// [`ProgramError`] if it is not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProgramError> {
        if bytes.len() > MAX_PROGRAM_BYTES {
            return Err(ProgramError::TooLong(bytes.len()));
        }
        crate::message::read("summary", bytes).map_err(|_| ProgramError::Malformed)
    }

    fn verify(&self) -> Result<(), ProgramError> {
        if self.totals.len() > MAX_TOTALS || self.groups.len() > MAX_TOTALS {
            return Err(ProgramError::TooMany("totals"));
        }
        let field = |number: u16| {
            let field = self.program.fields.get(usize::from(number));
            field.ok_or(ProgramError::NoSuch("field"))
        };
        let number = |of: u16| match field(of)?.kind.scale() {
            Some(_) => Ok(()),
            None => Err(ProgramError::Impossible("total")),
        };
        for &group in &self.groups {
            number(group)?;
        }
        for total in &self.totals {
            match *total {
                Total::Rows => {}
                Total::Count(of) => drop(field(of)?),
                Total::Sum(of) | Total::Min(of) | Total::Max(of) => number(of)?,
            }
        }
        Ok(())
    }
}

impl Summing {
    /// Begins a summary of no rows.
    ///
    /// # Errors
    /// [`ProgramError`] if the summary breaks the rules.
    pub fn new(summary: Summary) -> Result<Self, ProgramError> {
        summary.verify()?;
        let mut summing = Self {
            machine: Machine::new(summary.program)?,
            groups: summary.groups,
            totals: summary.totals,
            found: BTreeMap::new(),
            bytes: 0,
            scratch: Vec::new(),
        };
        if summing.groups.is_empty() {
            let none = nothing(&summing.totals);
            summing.insert(Vec::new(), none);
        }
        Ok(summing)
    }

    /// How much more work a row is than only to judge it, about.
    pub fn weight(&self) -> usize {
        1 + (self.groups.len() + self.totals.len()) / 8
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
                put_key(scratch, number(value(group))?);
            }
            let sums = match found.get_mut(scratch.as_slice()) {
                Some(sums) => sums,
                None => {
                    let none = nothing(totals);
                    *bytes += cost(scratch, &none);
                    found.entry(scratch.clone()).or_insert(none)
                }
            };
            for (total, sum) in totals.iter().zip(sums) {
                let part = match *total {
                    Total::Rows => Some(1),
                    Total::Count(field) => {
                        let value = value(field).ok_or(SummaryError::Unreadable)?;
                        Some((value != Value::Null).into())
                    }
                    Total::Sum(field) | Total::Min(field) | Total::Max(field) => number(value(field))?,
                };
                total.merge(sum, part)?;
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
        take_key(key, self.groups.len())?;
        match self.found.get_mut(key) {
            None => self.insert(key.to_vec(), others),
            Some(sums) => {
                for ((total, sum), other) in self.totals.iter().zip(sums).zip(others) {
                    total.merge(sum, other)?;
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

    /// Takes the first group out: they come in the order of their values, NULL
    /// before all numbers.
    ///
    /// # Errors
    /// [`SummaryError::Malformed`] if its key is not one.
    pub fn take_group(&mut self) -> Result<Option<Group>, SummaryError> {
        let Some((key, totals)) = self.found.pop_first() else {
            return Ok(None);
        };
        self.bytes = self.bytes.saturating_sub(cost(&key, &totals));
        let values = take_key(&key, self.groups.len())?;
        Ok(Some(Group { values, totals }))
    }
}

fn cost(key: &[u8], totals: &[Datum]) -> usize {
    GROUP_BYTES + key.len() + size_of_val(totals)
}

fn nothing(totals: &[Total]) -> Vec<Datum> {
    let nothing = |total: &Total| match total {
        Total::Rows | Total::Count(_) => Some(0),
        Total::Sum(_) | Total::Min(_) | Total::Max(_) => None,
    };
    totals.iter().map(nothing).collect()
}

fn number(value: Option<Value<'_>>) -> Result<Datum, SummaryError> {
    match value {
        Some(Value::Number(number)) => Ok(Some(number)),
        Some(Value::Null) => Ok(None),
        _ => Err(SummaryError::Unreadable),
    }
}

/// Flips the sign, so that numbers sort as their bytes do.
const SIGN: u128 = 1 << 127;

/// NULL is the byte 0; before a number stands 1.
fn put_key(key: &mut Vec<u8>, value: Datum) {
    match value {
        None => key.push(0),
        Some(number) => {
            key.push(1);
            key.extend_from_slice(&(number as u128 ^ SIGN).to_be_bytes());
        }
    }
}

fn take_key(mut key: &[u8], count: usize) -> Result<Vec<Datum>, SummaryError> {
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let (&mark, rest) = key.split_first().ok_or(SummaryError::Malformed)?;
        key = rest;
        values.push(match mark {
            0 => None,
            1 => {
                let (bytes, rest) = key.split_first_chunk().ok_or(SummaryError::Malformed)?;
                key = rest;
                Some((u128::from_be_bytes(*bytes) ^ SIGN) as Number)
            }
            _ => return Err(SummaryError::Malformed),
        });
    }
    match key.is_empty() {
        true => Ok(values),
        false => Err(SummaryError::Malformed),
    }
}

impl Total {
    /// Adds a part to a total.
    fn merge(&self, sum: &mut Datum, part: Datum) -> Result<(), SummaryError> {
        let Some(part) = part else {
            return Ok(());
        };
        *sum = Some(match (*sum, self) {
            (None, _) => part,
            (Some(sum), Self::Rows | Self::Count(_) | Self::Sum(_)) => {
                sum.checked_add(part).ok_or(SummaryError::Overflow)?
            }
            (Some(sum), Self::Min(_)) => sum.min(part),
            (Some(sum), Self::Max(_)) => sum.max(part),
        });
        Ok(())
    }
}
