//! What an administrator asks of the host, step by step.

use crate::Error;
use crate::session::{Session, refusal};
use vamos_proto::{
    Compact, CountEntries, IndexDetail, IndexId, Request, Response, TableDetail, TableId, TablesPage,
};

/// A table and what it takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSizes {
    /// Its name.
    pub name: String,
    /// Its number.
    pub table: TableId,
    /// Its rows.
    pub rows: u64,
    /// The next values of the counters `AutoIncrement` and `RowId`.
    pub counters: [u64; 2],
    /// Its indexes; the first is the primary one.
    pub indexes: Vec<IndexDetail>,
}

impl From<&TableDetail<'_>> for TableSizes {
    fn from(detail: &TableDetail<'_>) -> Self {
        Self {
            name: detail.name.to_owned(),
            table: detail.table,
            rows: detail.rows,
            counters: detail.counters,
            indexes: detail.indexes.clone(),
        }
    }
}

/// What a step of a compaction has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactedPiece {
    /// Where the next step begins; empty: the table is done.
    pub next: Vec<u8>,
    /// About how many bytes are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

impl Session {
    /// All tables, in the order of their names.
    ///
    /// # Errors
    /// As every request.
    pub fn tables(&mut self) -> Result<Vec<TableSizes>, Error> {
        let mut tables: Vec<TableSizes> = Vec::new();
        loop {
            let behind = tables.last().map_or_else(String::new, |table| table.name.clone());
            let mut more = false;
            self.request(&Request::SizeTables(&behind), |response| match response {
                Response::Tables(TablesPage {
                    tables: page,
                    more: go_on,
                }) => {
                    // A host that says "more" and gives none would never end.
                    more = go_on && !page.is_empty();
                    tables.extend(page.iter().map(TableSizes::from));
                    Ok(())
                }
                other => Err(refusal(other, "a question for the tables")),
            })?;
            if !more {
                return Ok(tables);
            }
        }
    }

    /// How many committed entries an index has in the transaction's snapshot,
    /// counted on the host. `progress` hears how many were counted so far.
    ///
    /// # Errors
    /// As every request.
    pub fn count_entries(&mut self, index: IndexId, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
        let (mut entries, mut from, mut behind) = (0_u64, Vec::new(), false);
        loop {
            self.open_on_host()?;
            let request = Request::CountEntries(CountEntries {
                index,
                from: &from,
                behind,
            });
            let last = self.request_inside(&request, |response| match response {
                Response::Counted(counted) => {
                    entries = entries.saturating_add(counted.entries);
                    Ok(counted.last.map(<[u8]>::to_vec))
                }
                other => Err(refusal(other, "a count")),
            })?;
            progress(entries);
            match last {
                Some(last) if !behind || last > from => (from, behind) = (last, true),
                Some(_) => {
                    let what = "a count that does not move on".into();
                    return self.checked(Err(Error::Protocol { what }));
                }
                None => return Ok(entries),
            }
        }
    }

    /// The number of rows that the host's catalogue has counted, in the
    /// transaction's snapshot.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn counted_rows(&mut self, table: TableId) -> Result<u64, Error> {
        self.open_on_host()?;
        self.request_inside(&Request::CountedRows(table), |response| match response {
            Response::Counted(counted) => Ok(counted.entries),
            other => Err(refusal(other, "a count")),
        })
    }

    /// Numbers and sizes of the files in which a table's entries lie.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn table_files(&mut self, table: TableId) -> Result<Vec<(u64, u64)>, Error> {
        self.request(&Request::TableFiles(table), |response| match response {
            Response::Files(list) => Ok(list.files.iter().map(|file| (file.number, file.bytes)).collect()),
            other => Err(refusal(other, "a question for files")),
        })
    }

    /// Has the host hold a file's blocks against their checksums.
    ///
    /// # Errors
    /// `Corruption` if one does not fit, and as every request.
    pub fn verify_file(&mut self, number: u64) -> Result<(), Error> {
        self.request(&Request::VerifyFile(number), |response| match response {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, "a file's check")),
        })
    }

    /// Has the host compact one piece of a table, from where the step before
    /// ended (empty: from the beginning).
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn compact_piece(&mut self, table: TableId, from: &[u8]) -> Result<CompactedPiece, Error> {
        let request = Request::Compact(Compact { table, from });
        self.request(&request, |response| match response {
            Response::Compacted(piece) => Ok(CompactedPiece {
                next: piece.next.to_vec(),
                done: piece.done,
                total: piece.total,
            }),
            other => Err(refusal(other, "a compaction")),
        })
    }

    /// The state of the store, for a person to read.
    ///
    /// # Errors
    /// As every request.
    pub fn status_text(&mut self) -> Result<String, Error> {
        self.request(&Request::StatusText(()), |response| match response {
            Response::Text(text) => Ok(text.to_owned()),
            other => Err(refusal(other, "a question for the status")),
        })
    }
}
