//! CHECK TABLE: whether rows and index entries say the same, and whether the
//! host's files are whole.
//!
//! All reads are consistent reads of one snapshot, so that what others write
//! meanwhile raises no alarm.
//!
//! - QUICK counts on the host: each index has as many entries as the catalogue
//!   has counted rows.
//! - MEDIUM (the default) reads each row, makes the entries that it must have,
//!   and compares their [fingerprints](fingerprint) with those of the entries
//!   that are there: two passes in the order of the keys, and no searches. Where
//!   the two differ, [`lookups`] find out which rows and entries.
//! - EXTENDED also has the host hold each block of the table's files against its
//!   checksum, past all caches, and looks every entry and every row up.

mod fingerprint;
mod lookups;
mod rows;

use super::{Connection, Error, Handler};
use crate::boundary::OpenTable;
use crate::codec::Shape;
use crate::engine::share::Ids;
use fingerprint::{Fingerprint, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use vamos_guest::{ErrorCode, KeyRange, ScanSpec};

/// So many findings of one kind are told one by one; more of them tell nothing new.
const TOLD: u32 = 10;

/// Rows between two looks at KILL, and two reports of progress.
const BEAT: u64 = 1000;

/// How much to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thoroughness {
    Quick,
    Medium,
    Extended,
}

/// Checks a table; what is wrong is told as warnings. Returns whether all is well.
pub(crate) fn check(
    handler: &mut Handler,
    connection: &mut Connection,
    table: OpenTable,
    thoroughness: Thoroughness,
) -> Result<bool, Error> {
    connection.flush()?;
    let mut check = Check::new(handler, connection, table);
    match thoroughness {
        Thoroughness::Quick => check.counts()?,
        Thoroughness::Medium => check.rows_and_entries(false)?,
        Thoroughness::Extended => {
            check.files()?;
            check.rows_and_entries(true)?;
        }
    }
    Ok(check.findings == 0)
}

struct Check<'c> {
    handler: &'c mut Handler,
    connection: &'c mut Connection,
    table: OpenTable,
    ids: Arc<Ids>,
    shape: Rc<Shape>,
    hasher: Hasher,
    /// All findings, and those since the last new subject.
    findings: u32,
    told: u32,
    done: u64,
    total: u64,
}

impl<'c> Check<'c> {
    fn new(handler: &'c mut Handler, connection: &'c mut Connection, table: OpenTable) -> Self {
        Self {
            ids: handler.share().ids(),
            shape: Rc::clone(&handler.shape),
            handler,
            connection,
            table,
            hasher: Hasher::default(),
            findings: 0,
            told: 0,
            done: 0,
            total: 0,
        }
    }

    /// Tells what is wrong.
    fn found(&mut self, what: &str) {
        self.findings += 1;
        self.told += 1;
        if self.told <= TOLD {
            self.table.warn(what);
        } else if self.told == TOLD + 1 {
            self.table
                .warn("there is more of this kind, which is not told one by one");
        }
    }

    /// Whether it is no use to go on looking for more of a kind.
    fn has_told_enough(&self) -> bool {
        self.told > TOLD
    }

    /// Findings are of another subject from now on.
    fn next_subject(&mut self) {
        self.told = 0;
    }

    /// Counts one more unit of work done; looks at KILL now and then.
    fn advance(&mut self) -> Result<(), Error> {
        self.done += 1;
        if self.done.is_multiple_of(BEAT) {
            self.report()?;
        }
        Ok(())
    }

    fn report(&mut self) -> Result<(), Error> {
        self.table.progress(self.done, self.total);
        match self.table.thd().killed() {
            true => Err(Error::Guest(vamos_guest::Error::Interrupted)),
            false => Ok(()),
        }
    }

    /// Damage that the host has found in what was read is a finding; any other
    /// failure ends the check.
    fn damage(&mut self, what: &str, error: Error) -> Result<(), Error> {
        match &error {
            Error::Guest(vamos_guest::Error::Failed {
                code: ErrorCode::Corruption,
                message,
            }) => {
                let text = format!("{what} cannot be read: {message}");
                self.found(&text);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// The name of the index at this position of the host's indexes.
    fn index_name(&self, position: usize) -> String {
        match self.shape.key_of(position) {
            Some(key) => format!("index '{}'", self.table.key_name(key)),
            None => "the hidden primary index".to_owned(),
        }
    }

    /// Secondary keys, in the server's order.
    fn secondary_keys(&self) -> Vec<usize> {
        let primary = self.shape.primary;
        (0..self.shape.keys.len())
            .filter(|&key| Some(key) != primary)
            .collect()
    }

    fn whole(&self, position: usize) -> ScanSpec<'static> {
        let mut spec = ScanSpec::new(KeyRange {
            index: self.ids.index(position),
            low: b"",
            high: b"",
        });
        spec.batch_rows = 64;
        spec
    }

    /// QUICK.
    fn counts(&mut self) -> Result<(), Error> {
        let rows = self.connection.session.counted_rows(self.ids.table)?;
        self.total = rows.saturating_mul(self.ids.indexes.len() as u64);
        for position in 0..self.ids.indexes.len() {
            let (before, total, table) = (self.done, self.total, &self.table);
            let counted = self
                .connection
                .session
                .count_entries(self.ids.index(position), |entries| {
                    table.progress(before + entries, total);
                });
            match counted {
                Ok(entries) => {
                    self.done += entries;
                    self.compare_counts(position, entries, rows);
                }
                Err(error) => {
                    let name = self.index_name(position);
                    self.damage(&name, error.into())?;
                }
            }
            self.report()?;
        }
        Ok(())
    }

    fn compare_counts(&mut self, position: usize, entries: u64, rows: u64) {
        if entries != rows {
            let name = self.index_name(position);
            let text = format!("{name} has {entries} entries, and the table is counted to have {rows} rows");
            self.found(&text);
        }
    }

    /// The files in which the table lies, against their checksums.
    fn files(&mut self) -> Result<(), Error> {
        let files = self.connection.session.table_files(self.ids.table)?;
        self.total = files.iter().map(|&(_, bytes)| bytes).sum();
        for (number, bytes) in files {
            if let Err(error) = self.connection.session.verify_file(number) {
                self.damage("a file of the table on the host", error.into())?;
            }
            self.done += bytes;
            self.report()?;
        }
        self.next_subject();
        Ok(())
    }

    /// MEDIUM, and with `always` EXTENDED.
    fn rows_and_entries(&mut self, always: bool) -> Result<(), Error> {
        let keys = self.secondary_keys();
        let rows = self.connection.session.counted_rows(self.ids.table)?;
        self.done = 0;
        self.total = rows.saturating_mul(1 + keys.len() as u64);
        self.table.next_stage();
        let expected = self.read_rows(&keys, rows)?;
        self.next_subject();
        for (key, expected) in keys.into_iter().zip(expected) {
            let position = self.shape.index_of(key);
            let there = match self.read_entries(position) {
                Ok(there) => there,
                Err(error) => {
                    let name = self.index_name(position);
                    self.damage(&name, error)?;
                    continue;
                }
            };
            if always || there != expected {
                self.look_up(key, there, expected)?;
            }
            self.next_subject();
        }
        self.report()
    }

    /// The fingerprint of an index's entries.
    fn read_entries(&mut self, position: usize) -> Result<Fingerprint, Error> {
        let mut there = Fingerprint::default();
        let mut cursor = self.connection.session.scan(&self.whole(position))?;
        while self.connection.session.next(&mut cursor)? {
            let row = cursor.row();
            there.add(&self.hasher, row.key, row.value);
            self.advance()?;
        }
        self.connection.session.close(cursor);
        Ok(there)
    }
}
