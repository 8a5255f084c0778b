//! Ranges that the server will read one behind the other: all in one request.

use super::handler::Handler;
use super::scan::{EndOfRange, Scan};
use super::{Connection, Error};
use crate::codec::bounds::{Bounds, Find};
use std::collections::VecDeque;
use vamos_guest::{Cursor, Direction, KeyRange, Lock, LockWait, ScanSpec};

/// Rows, and ends of ranges, in the first batch.
const FIRST_BATCH: u32 = 128;

/// Ranges that are asked for together have at most so many bytes; what a range takes
/// beside its keys, about.
const MOST_BYTES: usize = 128 * 1024;
const OVERHEAD: usize = 64;

/// Ranges that were asked for ahead.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) cursor: Cursor,
    /// Those that were not entered yet, as the host has them.
    ranges: VecDeque<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
    epoch: u64,
    /// The index's position among the host's, and whether rows are fetched.
    position: usize,
    covered: bool,
    /// The first range has been entered.
    begun: bool,
}

/// A range as the server has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerRange<'a> {
    /// Where it begins; `None`: with the first row.
    pub(crate) start: Option<EndOfRange<'a>>,
    pub(crate) end: Option<EndOfRange<'a>>,
}

impl Handler {
    /// Says that the server will read these ranges of the active index, in this
    /// order. Asks the host for all of them, if it is worth it and may be done.
    pub(crate) fn read_ahead(
        &mut self,
        connection: &mut Connection,
        keyread: bool,
        ranges: &[ServerRange<'_>],
    ) -> Result<(), Error> {
        self.drop_ahead(connection);
        let (Some(key), true) = (self.active, self.may_read_ahead()) else {
            return Ok(());
        };
        let mut wanted = VecDeque::with_capacity(ranges.len());
        let mut bytes = 0;
        for range in ranges {
            let (low, high) = match self.range_bytes(key, range)? {
                Some(bounds) if bounds.empty => continue,
                Some(bounds) => (bounds.low, bounds.high.unwrap_or_default()),
                None => return Ok(()),
            };
            let more = OVERHEAD + low.len() + high.len();
            if bytes + more > MOST_BYTES {
                // What is left is read range by range.
                break;
            }
            bytes += more;
            wanted.push_back((low, high));
        }
        if wanted.len() < 2 || !connection.begin_ahead(bytes) {
            return Ok(());
        }
        let ids = self.share.ids();
        connection.flush_table(ids.table)?;
        let position = self.position();
        let covered = self.covered(keyread);
        let pairs: Vec<_> = wanted.iter().map(|(low, high)| (&low[..], &high[..])).collect();
        let [(low, high), more @ ..] = &pairs[..] else {
            return Ok(());
        };
        let spec = ScanSpec {
            range: KeyRange {
                index: ids.index(position),
                low,
                high,
            },
            direction: Direction::Forward,
            lock: self.lock.lock,
            fetch: (position != 0 && !covered).then(|| ids.index(0)),
            batch_rows: FIRST_BATCH,
            max_batch_rows: if self.lock.lock == Lock::None {
                0
            } else {
                self.lock.ahead
            },
            limit: 0,
            first_rows: 0,
        };
        let cursor = connection.session.scan_ranges(&spec, more)?;
        self.ahead = Some(Ahead {
            cursor,
            ranges: wanted,
            bytes,
            epoch: connection.epoch(),
            position,
            covered,
            begun: false,
        });
        Ok(())
    }

    /// Rows may be locked ahead only by statements that come to them in any case.
    fn may_read_ahead(&self) -> bool {
        match self.lock.lock {
            Lock::None => true,
            Lock::Shared(LockWait::Wait) | Lock::Exclusive(LockWait::Wait) => self.lock.ahead > 1,
            _ => false,
        }
    }

    /// The bytes of a range that the server will read by `read_key` or
    /// `read_edge`; a single key has it twice. `None`: it is not such a range.
    fn range_bytes(&mut self, key: usize, range: &ServerRange<'_>) -> Result<Option<Bounds>, Error> {
        let Some(start) = range.start else {
            let mut bounds = Bounds::all(Direction::Forward);
            if let Some(end) = range.end {
                self.end_at(&mut bounds, key, end)?;
            }
            return Ok(Some(bounds));
        };
        let Some(find) = Find::from_server(start.find) else {
            return Ok(None);
        };
        let (bytes, parts, has_null) = self.encode_image(key, start.image)?;
        if self.is_whole_unique(key, find, parts, has_null) {
            return Ok(Some(Bounds::point(&bytes)));
        }
        let mut bounds = Bounds::of(find, &bytes);
        if bounds.direction == Direction::Backward {
            return Ok(None);
        }
        if let Some(end) = range.end {
            self.end_at(&mut bounds, key, end)?;
        }
        Ok(Some(bounds))
    }

    /// Goes to the range that is asked for, if it was asked for ahead.
    pub(super) fn enter_ahead(
        &mut self,
        connection: &mut Connection,
        low: &[u8],
        high: &[u8],
        keyread: bool,
    ) -> Result<bool, Error> {
        let (position, covered) = (self.position(), self.covered(keyread));
        let Some(ahead) = &mut self.ahead else {
            return Ok(false);
        };
        let fits =
            ahead.epoch == connection.epoch() && ahead.position == position && ahead.covered == covered;
        let place = ahead
            .ranges
            .iter()
            .position(|range| range.0 == low && range.1 == high);
        let (true, Some(place)) = (fits, place) else {
            // The server does something else: what comes next is not known.
            self.drop_ahead(connection);
            return Ok(false);
        };
        for _ in 0..=place {
            ahead.ranges.pop_front();
            let entered = match std::mem::replace(&mut ahead.begun, true) {
                true => connection.session.next_range(&mut ahead.cursor)?,
                false => true,
            };
            if !entered {
                self.drop_ahead(connection);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Forgets what was asked for ahead.
    pub(super) fn drop_ahead(&mut self, connection: &mut Connection) {
        if let Some(ahead) = self.ahead.take()
            && ahead.epoch == connection.epoch()
        {
            connection.end_ahead(ahead.bytes);
            connection.session.close(ahead.cursor);
        }
    }

    /// The cursor that a scan reads from.
    pub(super) fn cursor_of<'s>(scan: &'s mut Scan, ahead: &'s mut Option<Ahead>) -> Option<&'s mut Cursor> {
        match scan.ahead {
            true => ahead.as_mut().map(|ahead| &mut ahead.cursor),
            false => scan.cursor.as_mut(),
        }
    }
}
