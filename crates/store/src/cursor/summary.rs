//! Scans that sum up what they find.

use super::merge::Next;
use super::{Cursor, LOOK_BYTES, LOOKS};
use crate::engine::Engine;
use crate::overlay::Overlay;
use crate::{StoreError, keys};
use vamos_proto::program::{Input, Summing};
use vamos_proto::{Lock, Row, RowBlockBuilder};

/// Memory for the groups of one scan. With more of them they are sent as they
/// stand, and the scan goes on without any.
const MAX_GROUP_BYTES: usize = 2 << 20;

/// A summary in the making.
#[derive(Debug)]
pub(super) struct SummedUp {
    summing: Summing,
    /// The groups are on their way out.
    giving: bool,
}

impl SummedUp {
    pub(super) fn new(summing: Summing) -> Self {
        Self {
            summing,
            giving: false,
        }
    }

    /// Sums up the next rows; appends groups once there are no more rows, or too
    /// many groups. Says whether that was all.
    pub(super) fn fill(
        &mut self,
        cursor: &mut Cursor,
        overlay: &Overlay,
        engine: &Engine,
        rows: &mut RowBlockBuilder,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        if !self.giving {
            if !cursor.finished {
                self.sum_up(cursor, overlay, engine)?;
            }
            self.giving = cursor.finished || self.summing.bytes() > MAX_GROUP_BYTES;
        }
        while self.giving && (rows.is_empty() || rows.len() < max_bytes) {
            let Some((group, totals)) = self.summing.take() else {
                self.giving = false;
                return Ok(cursor.finished);
            };
            rows.push(&Row {
                key: &group,
                primary_key: &[],
                value: &totals,
            });
        }
        Ok(false)
    }

    /// Adds some rows: few enough that others have their turn soon.
    fn sum_up(&mut self, cursor: &mut Cursor, overlay: &Overlay, engine: &Engine) -> Result<(), StoreError> {
        let looks = LOOKS / self.summing.weight().max(1);
        let mut last = Vec::new();
        let mut merge = cursor.merge(overlay, engine);
        let mut finished = false;
        let mut looked = 0;
        while looked < looks.max(1) || merge.is_at(&last) {
            let mut bytes = 0;
            let added = merge.next(|key, value| {
                bytes = value.len();
                last.clear();
                last.extend_from_slice(key);
                self.summing.add(Input {
                    key: keys::client_key(key),
                    value,
                })
            })?;
            looked += 1 + bytes / LOOK_BYTES;
            match added {
                Next::Entry(added) => {
                    added.map_err(|error| StoreError::Invalid {
                        reason: error.to_string(),
                    })?;
                }
                Next::Deleted(key) => last = key.to_vec(),
                Next::Unseen => {}
                Next::End => {
                    finished = true;
                    break;
                }
            }
            if self.summing.bytes() > MAX_GROUP_BYTES && !merge.is_at(&last) {
                break;
            }
        }
        if !last.is_empty() {
            cursor.pass(&last);
        }
        if finished {
            cursor.finished = true;
            // What it pins in RocksDB is free from now on.
            cursor.stored = None;
        }
        Ok(())
    }
}

impl Cursor {
    /// Only plain consistent scans can be summed up.
    pub(super) fn check_summable(&self) -> Result<(), StoreError> {
        match self.lock == Lock::None && self.fetch.is_none() && self.remaining == u64::MAX {
            true => Ok(()),
            false => Err(StoreError::Invalid {
                reason: "a scan that locks, fetches or has a limit cannot be summed up".to_owned(),
            }),
        }
    }
}
