//! Sums, counts, least and greatest values that the host computes.

use super::handler::Handler;
use super::{Connection, Error};
use crate::codec::Shape;
use crate::codec::condition::{Compute, Condition, Source, summarize};
use std::sync::Arc;
use vamos_guest::{Conditions, Direction, KeyRange, Lock, ScanSpec};
use vamos_proto::program::{Datum, Summing};

/// Memory for groups. With more of them the scan is made again for those that
/// did not fit.
const MAX_GROUP_BYTES: usize = 64 << 20;

/// After so many groups that came the scan looks whether its statement was killed.
const LOOK_EVERY: u32 = 1024;

/// A query over one table that the host sums up.
#[derive(Debug, Default)]
pub(crate) struct Aggregate {
    conditions: Vec<Condition>,
    groups: Vec<usize>,
    totals: Vec<Compute>,
    plan: Option<Plan>,
    /// Groups found and not yet given out.
    found: Option<Summing>,
    /// Groups before this one were given out, or are among those found.
    done_before: Option<Vec<u8>>,
    /// The group given out last.
    pub(crate) values: Vec<Datum>,
}

#[derive(Debug)]
struct Plan {
    position: usize,
    empty: Summing,
    conditions: Arc<Conditions>,
}

impl Aggregate {
    pub(crate) fn add_condition(&mut self, condition: Condition) {
        self.conditions.push(condition);
    }

    pub(crate) fn add_group(&mut self, column: usize) {
        self.groups.push(column);
    }

    pub(crate) fn add_total(&mut self, total: Compute) {
        self.totals.push(total);
    }

    /// Decides how to scan: over a key that has all that is wanted, or the rows.
    /// `false` if the host cannot do it.
    pub(crate) fn plan(&mut self, shape: &Shape, key: Option<usize>) -> bool {
        let make = |source| summarize(shape, source, &self.conditions, &self.groups, &self.totals);
        let secondary = key.filter(|key| Some(*key) != shape.primary);
        let over_key = secondary.and_then(|key| Some((shape.index_of(key), make(Source::Entry(key))?)));
        let Some((position, summary)) = over_key.or_else(|| Some((0, make(Source::Row)?))) else {
            return false;
        };
        let bytes = summary.encode();
        self.plan = Summing::new(summary).ok().map(|empty| Plan {
            position,
            empty,
            conditions: Arc::new(Conditions {
                summary: bytes,
                ..Conditions::default()
            }),
        });
        self.plan.is_some()
    }

    /// Begins anew.
    pub(crate) fn start(&mut self) {
        self.found = None;
        self.done_before = None;
    }

    /// Puts the next group into [`values`](Self::values): its columns, then its
    /// totals. Says whether there is one.
    pub(crate) fn next(&mut self, handler: &Handler, connection: &mut Connection) -> Result<bool, Error> {
        loop {
            let first = self.found.is_none();
            if first || (self.done_before.is_some() && self.found.as_ref().is_some_and(Summing::is_empty)) {
                self.scan(handler, connection)?;
            }
            let Some(found) = &mut self.found else {
                return Ok(false);
            };
            match found.take_group().map_err(malformed)? {
                Some(group) => {
                    self.values = group.values;
                    self.values.extend(group.totals);
                    return Ok(true);
                }
                None if self.done_before.is_none() => return Ok(false),
                None => {}
            }
        }
    }

    /// Asks the host for all groups, and keeps the first of those that were not
    /// given out.
    fn scan(&mut self, handler: &Handler, connection: &mut Connection) -> Result<(), Error> {
        let Some(plan) = &self.plan else {
            return Err(Error::WrongCommand);
        };
        let ids = handler.share.ids();
        connection.flush_table(ids.table)?;
        let range = KeyRange {
            index: ids.index(plan.position),
            low: &[],
            high: &[],
        };
        let spec = ScanSpec {
            direction: Direction::Forward,
            lock: Lock::None,
            ..ScanSpec::new(range)
        };
        let mut cursor = connection
            .session
            .scan_where(&spec, Arc::clone(&plan.conditions))?;
        let from = self.done_before.take();
        let mut found = plan.empty.clone();
        let mut until_look = LOOK_EVERY;
        let result = loop {
            // What was sent ahead comes without a wait that could be interrupted.
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_EVERY;
                if connection.session.is_interrupted() {
                    break Err(vamos_guest::Error::Interrupted.into());
                }
            }
            match connection.session.next(&mut cursor) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
            let row = cursor.row();
            let given_out = from.as_deref().is_some_and(|from| row.key < from);
            let later = self.done_before.as_deref().is_some_and(|end| row.key >= end);
            if given_out || later {
                continue;
            }
            if let Err(error) = found.merge(row.key, row.value) {
                break Err(malformed(error));
            }
            while found.bytes() > MAX_GROUP_BYTES
                && let Some(last) = found.drop_last()
            {
                self.done_before = Some(last);
            }
        };
        connection.session.close(cursor);
        self.found = Some(found);
        result
    }
}

fn malformed(error: vamos_proto::program::SummaryError) -> Error {
    let what = error.to_string();
    vamos_guest::Error::Protocol { what }.into()
}
