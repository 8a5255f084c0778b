//! Which rows of a scan are wanted.

use super::summary::SummedUp;
use crate::StoreError;
use std::sync::atomic::{AtomicU64, Ordering};
use vamos_proto::program::{Input, Machine, ProgramError, Summary, Summing, Verdict};

/// The programs that decide which rows a scan returns.
#[derive(Debug, Default)]
pub struct Sieve {
    entry: Option<Machine>,
    pub(super) summary: Option<Box<SummedUp>>,
    row: Option<Machine>,
    /// Counted where only a shared reference is at hand; one thread at a time does.
    rejected: AtomicU64,
}

impl Sieve {
    /// The sieve of these programs, as a client has sent them; empty ones accept
    /// everything.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if one is no program.
    pub fn new(entry: &[u8], row: &[u8]) -> Result<Self, StoreError> {
        Ok(Self {
            entry: machine(entry)?,
            row: machine(row)?,
            summary: None,
            rejected: AtomicU64::new(0),
        })
    }

    /// A sieve that keeps no row and sums them up, as a client has asked.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is no summary.
    pub fn summing(summary: &[u8]) -> Result<Self, StoreError> {
        let invalid = |error: ProgramError| StoreError::Invalid {
            reason: error.to_string(),
        };
        let summing = Summing::new(Summary::decode(summary).map_err(invalid)?).map_err(invalid)?;
        Ok(Self {
            summary: Some(Box::new(SummedUp::new(summing))),
            ..Self::default()
        })
    }

    /// Whether an entry of the scanned index may be wanted. The key is one of the
    /// client's, without the index.
    pub(super) fn passes_entry(&self, key: &[u8], value: &[u8]) -> bool {
        self.passes(self.entry.as_ref(), key, value)
    }

    /// Whether a row of the primary index may be wanted.
    pub(super) fn passes_row(&self, key: &[u8], value: &[u8]) -> bool {
        self.passes(self.row.as_ref(), key, value)
    }

    fn passes(&self, machine: Option<&Machine>, key: &[u8], value: &[u8]) -> bool {
        let rejected =
            machine.is_some_and(|machine| machine.judge(Input { key, value }) == Verdict::Rejected);
        if rejected {
            let before = self.rejected.load(Ordering::Relaxed);
            self.rejected.store(before + 1, Ordering::Relaxed);
        }
        !rejected
    }

    pub(super) fn take_rejected(&mut self) -> u64 {
        std::mem::take(self.rejected.get_mut())
    }
}

fn machine(program: &[u8]) -> Result<Option<Machine>, StoreError> {
    if program.is_empty() {
        return Ok(None);
    }
    let machine = Machine::decode(program).map_err(|error| StoreError::Invalid {
        reason: error.to_string(),
    })?;
    Ok(Some(machine))
}
