//! Reading rows: scans both ways, searches by key, and positions.

use super::handler::{Handler, ROW_ID};
use super::pushdown::Reading;
use super::{Connection, Error};
use crate::codec::bounds::{Bounds, Find};
use vamos_guest::{Cursor, Direction, Get, KeyRange, Lock, ScanSpec};

/// Rows in the first batch of a table scan, and of an index scan.
const FIRST_TABLE_BATCH: u32 = 32;
const FIRST_INDEX_BATCH: u32 = 2;

/// A partitioned table that is read in order has a scan in each partition. From
/// so many open ones on, a scan asks for so few rows at a time and holds nothing
/// on the host between them: a lane has a limit of cursors.
const MANY_SCANS: usize = 256;
const PIECE: u32 = 16;

/// Where a range ends in the direction in which it is read, as the server says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndOfRange<'a> {
    pub(crate) image: &'a [u8],
    /// The server's number for how the end relates to the key.
    pub(crate) find: u32,
}

/// A scan that is under way.
#[derive(Debug)]
pub(super) struct Scan {
    /// `None`: a search by a whole unique key, which has had its one row.
    pub(super) cursor: Option<Cursor>,
    /// Its range was asked for ahead: the rows come from there.
    pub(super) ahead: bool,
    /// The transaction in which the cursor was opened.
    epoch: u64,
    bounds: Bounds,
    /// The key that all its rows begin with, if it was searched for exactly.
    same: Option<Vec<u8>>,
    /// The cursor has this many rows of its range still to give, and the range
    /// may go on behind them. `None`: the cursor has all of its range.
    piece: Option<u32>,
}

impl Handler {
    /// Begins a scan of the whole table, or reads by position.
    pub(crate) fn begin_table_scan(&mut self, connection: &mut Connection, scan: bool) -> Result<(), Error> {
        self.end_scan(connection);
        self.active = self.shape.primary;
        // The server begins the scans of all partitions before it reads one.
        self.table_scan_begun = scan;
        Ok(())
    }

    pub(crate) fn begin_index_scan(&mut self, connection: &mut Connection, key: usize) {
        self.end_scan(connection);
        self.active = Some(key);
    }

    pub(crate) fn end_scan(&mut self, connection: &mut Connection) {
        self.on_row = false;
        self.drop_ahead(connection);
        self.table_scan_begun = false;
        self.close_cursor(connection);
    }

    fn close_cursor(&mut self, connection: &mut Connection) {
        if let Some(Scan {
            cursor: Some(cursor),
            epoch,
            ..
        }) = self.scan.take()
            && epoch == connection.epoch()
        {
            connection.count_scan(false);
            connection.reader(self.share.ids().table).close(cursor);
        }
    }

    /// The position, among the host's indexes, of the one that is read.
    pub(super) fn position(&self) -> usize {
        self.active.map_or(0, |key| self.shape.index_of(key))
    }

    /// Whether a row's entry alone has what is wanted. A row that is to be
    /// locked must be fetched: the lock belongs to the row.
    pub(super) fn covered(&self, keyread: bool) -> bool {
        keyread && self.lock.lock == Lock::None
    }

    fn open(
        &mut self,
        connection: &mut Connection,
        bounds: Bounds,
        same: Option<Vec<u8>>,
        keyread: bool,
    ) -> Result<(), Error> {
        self.close_cursor(connection);
        let ids = self.share.ids();
        self.flush_unless_gathering(connection)?;
        let ahead = !bounds.empty
            && bounds.direction == Direction::Forward
            && self.enter_ahead(connection, &bounds.low, bounds.high_bytes(), keyread)?;
        if !ahead {
            connection.flush_table(ids.table)?;
        }
        let position = self.position();
        let fetch = (position != 0 && !self.covered(keyread)).then(|| ids.index(0));
        let reading = Reading {
            secondary: self.active.filter(|_| position != 0),
            whole_rows: position == 0 || fetch.is_some(),
            locks: self.lock.lock != Lock::None,
        };
        let conditions = self.pushdown.conditions(&self.shape, reading).unwrap_or_default();
        let piece = (connection.open_scans() >= MANY_SCANS).then_some(PIECE);
        // A piece is sent whole: a cursor that waits for its reader is one on the host.
        let first_rows = if piece.is_some() { 0 } else { self.first_rows };
        let cursor = match bounds.empty || ahead {
            true => None,
            false => Some(connection.reader(ids.table).scan_where(
                &ScanSpec {
                    range: KeyRange {
                        index: ids.index(position),
                        low: &bounds.low,
                        high: bounds.high_bytes(),
                    },
                    direction: bounds.direction,
                    lock: self.lock.lock,
                    fetch,
                    batch_rows: match first_rows {
                        0 if position == 0 && same.is_none() => FIRST_TABLE_BATCH,
                        0 => FIRST_INDEX_BATCH,
                        rows => rows,
                    },
                    max_batch_rows: match self.lock.lock {
                        Lock::None => 0,
                        // Where the reader will stop is not known.
                        _ if bounds.direction == Direction::Backward && bounds.low.is_empty() => 1,
                        _ => self.lock.ahead.max(1),
                    },
                    limit: piece.unwrap_or(0).into(),
                    first_rows,
                },
                conditions,
            )?),
        };
        if cursor.is_some() {
            connection.count_scan(true);
        }
        self.scan = Some(Scan {
            cursor,
            ahead,
            epoch: connection.epoch(),
            bounds,
            same,
            piece,
        });
        Ok(())
    }

    /// Reads the first row that a search finds, in the server's terms.
    pub(crate) fn read_key(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
        image: &[u8],
        find: u32,
        end: Option<EndOfRange<'_>>,
    ) -> Result<(), Error> {
        let key = self.active.ok_or(Error::WrongCommand)?;
        let find = Find::from_server(find).ok_or(Error::WrongCommand)?;
        let (bytes, parts, has_null) = self.encode_image(key, image)?;
        self.on_row = false;
        if self.is_whole_unique(key, find, parts, has_null) {
            return self.read_unique(connection, record, keyread, bytes);
        }
        let mut bounds = Bounds::of(find, &bytes);
        if let Some(end) = end {
            self.end_at(&mut bounds, key, end)?;
        }
        let same = (find == Find::Exact).then_some(bytes);
        self.open(connection, bounds, same, keyread)?;
        self.advance(connection, record, keyread)?
            .then_some(())
            .ok_or(Error::KeyNotFound)
    }

    /// What waits to be sent must be seen by reads. What an UPDATE or DELETE has
    /// gathered concerns rows that it has read and does not come back to: ranges
    /// that were asked for ahead are read on without sending it.
    fn flush_unless_gathering(&self, connection: &mut Connection) -> Result<(), Error> {
        match self.gathers {
            true => Ok(()),
            false => connection.flush_table(self.share.ids().table),
        }
    }

    /// Whether a search can find one row only, by a whole unique key.
    pub(super) fn is_whole_unique(&self, key: usize, find: Find, parts: usize, has_null: bool) -> bool {
        let shape = &self.shape.keys[key];
        find == Find::Exact && shape.unique && parts == shape.own && !has_null
    }

    pub(super) fn end_at(
        &mut self,
        bounds: &mut Bounds,
        key: usize,
        end: EndOfRange<'_>,
    ) -> Result<(), Error> {
        let find = Find::from_server(end.find).ok_or(Error::WrongCommand)?;
        let (bytes, ..) = self.encode_image(key, end.image)?;
        match bounds.direction {
            Direction::Forward => bounds.until(find, &bytes),
            Direction::Backward => bounds.down_to(find, &bytes),
        }
        Ok(())
    }

    /// Reads the one row that a whole unique key can find.
    fn read_unique(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
        key: Vec<u8>,
    ) -> Result<(), Error> {
        self.close_cursor(connection);
        let position = self.position();
        self.flush_unless_gathering(connection)?;
        let found = match self.enter_ahead(connection, &key, &key, keyread)? {
            true => self.read_ahead_row(connection, record, keyread, &key),
            false => self.get(connection, record, position, &key, keyread),
        };
        // What comes next is read from behind this key, found or not.
        self.entry_key.clone_from(&key);
        self.on_row = true;
        let bounds = Bounds::of(Find::Exact, &key);
        self.scan = Some(Scan {
            cursor: None,
            ahead: false,
            epoch: connection.epoch(),
            bounds,
            same: Some(key),
            piece: None,
        });
        found?.then_some(()).ok_or(Error::KeyNotFound)
    }

    /// Reads the one row of a key that was asked for ahead.
    fn read_ahead_row(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
        key: &[u8],
    ) -> Result<bool, Error> {
        let bounds = Bounds::of(Find::Exact, key);
        self.scan = Some(Scan {
            cursor: None,
            ahead: true,
            epoch: connection.epoch(),
            bounds,
            same: None,
            piece: None,
        });
        self.advance(connection, record, keyread)
    }

    /// Reads one key of an index. Returns whether there is a row.
    pub(super) fn get(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        position: usize,
        key: &[u8],
        keyread: bool,
    ) -> Result<bool, Error> {
        let ids = self.share.ids();
        connection.flush_table(ids.table)?;
        let fetch = (position != 0 && !self.covered(keyread)).then(|| ids.index(0));
        let get = Get {
            index: ids.index(position),
            key,
            lock: self.lock.lock,
            fetch,
        };
        let mut rows = std::mem::take(&mut self.rows);
        let found = connection.reader(ids.table).get(&get, &mut rows);
        let delivered = match found {
            Ok(true) => match rows.row() {
                Some(row) => self.deliver(row, position, fetch.is_some(), record),
                None => Ok(false),
            },
            Ok(false) => Ok(false),
            Err(error) => Err(error.into()),
        };
        self.rows = rows;
        delivered
    }

    /// Reads the first or the last row of the index.
    pub(crate) fn read_edge(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
        direction: Direction,
        end: Option<EndOfRange<'_>>,
    ) -> Result<(), Error> {
        let key = self.active.ok_or(Error::WrongCommand)?;
        let mut bounds = Bounds::all(direction);
        if let Some(end) = end {
            self.end_at(&mut bounds, key, end)?;
        }
        self.on_row = false;
        self.open(connection, bounds, None, keyread)?;
        self.advance(connection, record, keyread)?
            .then_some(())
            .ok_or(Error::EndOfFile)
    }

    /// Reads the next row in a direction. `within` says that the scan's range is
    /// all that is wanted; otherwise the range was only a hint, and the rows
    /// beyond it follow.
    pub(crate) fn step(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
        direction: Direction,
        within: bool,
    ) -> Result<(), Error> {
        if std::mem::take(&mut self.table_scan_begun) {
            self.open(connection, Bounds::all(Direction::Forward), None, false)?;
        }
        let goes_on = matches!(&self.scan, Some(scan)
            if (scan.cursor.is_some() || scan.ahead) && scan.epoch == connection.epoch() && scan.bounds.direction == direction);
        if goes_on {
            if self.advance(connection, record, keyread)? {
                return Ok(());
            }
            let Some(beyond) = self.beyond_bounds(within) else {
                return Err(Error::EndOfFile);
            };
            self.open(connection, beyond, None, keyread)?;
        } else {
            let Some(onward) = self.onward(direction, within) else {
                return Err(Error::EndOfFile);
            };
            self.open(connection, onward, None, keyread)?;
        }
        self.advance(connection, record, keyread)?
            .then_some(())
            .ok_or(Error::EndOfFile)
    }

    /// What lies beyond the present scan's range, if that is wanted and exists.
    fn beyond_bounds(&self, within: bool) -> Option<Bounds> {
        let bounds = &self.scan.as_ref()?.bounds;
        if within {
            return None;
        }
        let all = Bounds::all(bounds.direction);
        match bounds.direction {
            Direction::Forward => bounds.high.clone().map(|low| Bounds { low, ..all }),
            Direction::Backward => (!bounds.low.is_empty()).then(|| Bounds {
                high: Some(bounds.low.clone()),
                ..all
            }),
        }
    }

    /// What lies before or behind the row read last, or where the present range ended,
    /// within that range if it is all that is wanted.
    fn onward(&self, direction: Direction, within: bool) -> Option<Bounds> {
        let mut bounds = match (&self.scan, within) {
            (Some(scan), true) => scan.bounds.clone(),
            _ => Bounds::all(direction),
        };
        bounds.direction = direction;
        match direction {
            Direction::Forward => bounds.low = self.place_behind()?,
            Direction::Backward => {
                bounds.high = self.place_before()?;
                bounds.empty |= bounds.high.as_ref().is_some_and(Vec::is_empty);
            }
        }
        Some(bounds)
    }

    /// Where a scan that goes on forward begins; `None`: nothing can come.
    fn place_behind(&self) -> Option<Vec<u8>> {
        if self.on_row {
            let mut low = self.entry_key.clone();
            low.push(0);
            return Some(low);
        }
        let ended = &self.scan.as_ref()?.bounds;
        match ended.direction {
            Direction::Forward => ended.high.clone(),
            Direction::Backward => Some(ended.low.clone()),
        }
    }

    /// Where a scan that goes on backward ends (`Some(None)`: at the index's end);
    /// `None`: nothing was read yet.
    fn place_before(&self) -> Option<Option<Vec<u8>>> {
        if self.on_row {
            return Some(Some(self.entry_key.clone()));
        }
        let ended = &self.scan.as_ref()?.bounds;
        Some(match ended.direction {
            Direction::Forward => ended.high.clone(),
            Direction::Backward => Some(ended.low.clone()),
        })
    }

    /// Reads the next row with the key that was searched for.
    pub(crate) fn read_next_same(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
        image: &[u8],
    ) -> Result<(), Error> {
        if self.scan.as_ref().is_some_and(|scan| scan.same.is_some()) {
            let live = self.scan.as_ref().is_some_and(|scan| {
                (scan.cursor.is_some() || scan.ahead) && scan.epoch == connection.epoch()
            });
            let found = live && self.advance(connection, record, keyread)?;
            return found.then_some(()).ok_or(Error::EndOfFile);
        }
        let key = self.active.ok_or(Error::WrongCommand)?;
        let (bytes, ..) = self.encode_image(key, image)?;
        self.step(connection, record, keyread, Direction::Forward, true)?;
        match self.entry_key.starts_with(&bytes) {
            true => Ok(()),
            false => Err(Error::EndOfFile),
        }
    }

    /// Reads the row at a position that the server kept.
    pub(crate) fn read_position(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        position: &[u8],
    ) -> Result<(), Error> {
        let key = self.key_of_position(position)?;
        let found = match self.read_noted(connection, record, &key)? {
            Some(found) => found,
            None => self.get(connection, record, 0, &key, false)?,
        };
        found.then_some(()).ok_or(Error::KeyNotFound)
    }

    /// The key in the primary index of the row at a position.
    pub(super) fn key_of_position(&mut self, position: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match self.shape.primary {
            Some(primary) => self.encode_image(primary, position)?.0,
            None => position.get(..ROW_ID).unwrap_or_default().to_vec(),
        })
    }

    /// Moves to the scan's next row and puts that into `record`. Returns whether
    /// there was one.
    fn advance(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
    ) -> Result<bool, Error> {
        loop {
            if self.advance_cursor(connection, record, keyread)? {
                return Ok(true);
            }
            let Some((onward, same)) = self.next_piece() else {
                self.on_row = false;
                return Ok(false);
            };
            self.open(connection, onward, same, keyread)?;
        }
    }

    /// What is left of the range behind a piece that was read to its end.
    fn next_piece(&self) -> Option<(Bounds, Option<Vec<u8>>)> {
        let scan = self.scan.as_ref().filter(|scan| scan.piece == Some(0))?;
        let onward = self.onward(scan.bounds.direction, true)?;
        Some((onward, scan.same.clone()))
    }

    /// Moves the cursor to its next row and puts that into `record`. Returns
    /// whether there was one.
    fn advance_cursor(
        &mut self,
        connection: &mut Connection,
        record: &mut [u8],
        keyread: bool,
    ) -> Result<bool, Error> {
        let position = self.position();
        let fetched = position != 0 && !self.covered(keyread);
        let Some(mut scan) = self.scan.take() else {
            return Ok(false);
        };
        let mut result = Ok(false);
        let mut ahead = self.ahead.take();
        let mut moved = 0;
        let session = connection.reader(self.share.ids().table);
        if let Some(cursor) = Self::cursor_of(&mut scan, &mut ahead) {
            loop {
                match session.next(cursor) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        result = Err(error.into());
                        break;
                    }
                }
                moved += 1;
                let row = cursor.row();
                self.entry_key.clear();
                self.entry_key.extend_from_slice(row.key);
                self.on_row = true;
                result = self.deliver(row, position, fetched, record);
                if !matches!(result, Ok(false)) {
                    break;
                }
            }
        }
        scan.piece = scan.piece.map(|rows| rows.saturating_sub(moved));
        self.scan = Some(scan);
        self.ahead = ahead;
        result
    }
}
