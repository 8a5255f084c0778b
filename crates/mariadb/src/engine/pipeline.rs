//! Batches of changes that are under way: the next one is made while the host
//! carries these out.

use super::Error;
use super::batch::Batch;
use std::collections::VecDeque;
use vamos_guest::{Session, WriteTag, Written};

/// Batches under way at most.
const UNDER_WAY: usize = 6;

/// Batches that were sent and not answered yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Pipeline {
    sent: VecDeque<(WriteTag, Batch)>,
}

/// A batch that the host did not carry out.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: Error,
    /// It, if a duplicate was found in it; otherwise an empty one.
    pub(super) batch: Box<Batch>,
}

impl Refused {
    pub(super) fn new(error: impl Into<Error>) -> Self {
        Self {
            error: error.into(),
            batch: Box::default(),
        }
    }
}

impl Pipeline {
    /// Sends a batch. Waits for the oldest one if there are too many. Returns a
    /// buffer for the next one.
    pub(super) fn post(&mut self, session: &mut Session, batch: Batch) -> Result<Batch, Refused> {
        let mut spare = Batch::default();
        while self.sent.len() >= UNDER_WAY {
            spare = self.wait_for_one(session)?;
        }
        let tag = session.write_ahead(batch.as_write()).map_err(Refused::new)?;
        self.sent.push_back((tag, batch));
        Ok(spare)
    }

    /// Waits for all. Returns a buffer to use again.
    pub(super) fn finish(&mut self, session: &mut Session) -> Result<Batch, Refused> {
        let mut spare = Batch::default();
        while !self.sent.is_empty() {
            spare = self.wait_for_one(session)?;
        }
        Ok(spare)
    }

    fn wait_for_one(&mut self, session: &mut Session) -> Result<Batch, Refused> {
        let Some((tag, mut batch)) = self.sent.pop_front() else {
            return Ok(Batch::default());
        };
        match session.written(tag) {
            Ok(Written::Done) => {
                batch.clear();
                Ok(batch)
            }
            Ok(Written::Duplicate { op }) => {
                self.forget();
                let error = Error::DuplicateInBatch { op: op as usize };
                let batch = Box::new(batch);
                Err(Refused { error, batch })
            }
            Err(error) => {
                self.forget();
                Err(Refused::new(error))
            }
        }
    }

    /// What is under way does not matter any more: the statement is undone.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
    }
}
