//! Requests of an administrator: each is one step of bounded size, carried out
//! where it blocks no lane, and given up when the client cancels it.

use super::race::{Until, race};
use super::requests::settled;
use super::session::Session;
use crate::module::SessionEnd;
use crate::runtime::upkeep;
use std::sync::Arc;
use vamos_proto::{
    Compacted, CountEntries, Counted, Failure, FileList, FileSize, IndexDetail, Request, Response,
    TableDetail, TableId, TablesPage,
};
use vamos_store::{CompactedPiece, CountedEntries, EntryCount, Store, StoreError, TableSizes};

/// Tables in one answer.
const PAGE: usize = 100;

/// What is to be done; owns all that it needs.
enum Work {
    List(String),
    Count(EntryCount),
    Files(TableId),
    Verify(u64),
    Compact(TableId, Vec<u8>),
    Status,
}

/// What came of it.
enum Done {
    Nothing,
    Tables(Vec<TableSizes>, bool),
    Counted(CountedEntries),
    Files(Vec<(u64, u64)>),
    Compacted(CompactedPiece),
    Text(String),
}

impl Work {
    fn run(self, store: &Store) -> Result<Done, StoreError> {
        Ok(match self {
            Self::List(behind) => {
                let (tables, more) = store.table_sizes(&behind, PAGE)?;
                Done::Tables(tables, more)
            }
            Self::Count(count) => Done::Counted(count.run()?),
            Self::Files(table) => Done::Files(store.table_files(table)?),
            Self::Verify(number) => {
                store.verify_file(number)?;
                Done::Nothing
            }
            Self::Compact(table, from) => Done::Compacted(store.compact_piece(table, &from)?),
            Self::Status => Done::Text(store.status().to_string()),
        })
    }
}

impl Session {
    pub(super) async fn upkeep_request(&mut self, tag: u32, request: Request<'_>) -> Result<(), SessionEnd> {
        let work = match self.upkeep_work(&request) {
            Ok(Some(work)) => work,
            Ok(None) => return Err(SessionEnd::Misbehaved("no request of upkeep".into())),
            Err(failure) => return self.fail(tag, failure).await,
        };
        let store: Arc<Store> = self.store.clone();
        let work = upkeep(move || work.run(&store));
        let raced = race(&mut self.lane, &mut self.inbox, Until::Cancelled(tag), work).await?;
        match settled(raced) {
            Ok(done) => self.answer_upkeep(tag, &done).await,
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    fn upkeep_work(&mut self, request: &Request<'_>) -> Result<Option<Work>, Failure<'static>> {
        let failed = |error: StoreError| super::current::failure(&error);
        Ok(Some(match *request {
            Request::SizeTables(behind) => Work::List(behind.to_owned()),
            Request::CountEntries(CountEntries { index, from, behind }) => {
                let transaction = self.current.open()?;
                Work::Count(transaction.count_entries(index, from, behind).map_err(failed)?)
            }
            Request::TableFiles(table) => Work::Files(table),
            Request::VerifyFile(number) => Work::Verify(number),
            Request::Compact(compact) => Work::Compact(compact.table, compact.from.to_vec()),
            Request::StatusText(()) => Work::Status,
            _ => return Ok(None),
        }))
    }

    /// The number of rows that the catalogue has counted: one look into the cache.
    pub(super) async fn counted_rows(&mut self, tag: u32, table: TableId) -> Result<(), SessionEnd> {
        let counted = self.current.open().and_then(|transaction| {
            let rows = transaction.counted_rows(table);
            rows.map_err(|error| super::current::failure(&error))
        });
        match counted {
            Ok(entries) => {
                let counted = Counted { entries, last: None };
                self.answer(tag, &Response::Counted(counted)).await
            }
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    async fn answer_upkeep(&mut self, tag: u32, done: &Done) -> Result<(), SessionEnd> {
        let response = match done {
            Done::Nothing => Response::Done(()),
            Done::Tables(tables, more) => Response::Tables(TablesPage {
                tables: tables.iter().map(detail).collect(),
                more: *more,
            }),
            Done::Counted(counted) => Response::Counted(Counted {
                entries: counted.entries,
                last: counted.last.as_deref(),
            }),
            Done::Files(files) => Response::Files(FileList {
                files: files
                    .iter()
                    .map(|&(number, bytes)| FileSize { number, bytes })
                    .collect(),
            }),
            Done::Compacted(piece) => Response::Compacted(Compacted {
                next: &piece.next,
                done: piece.done,
                total: piece.total,
            }),
            Done::Text(text) => Response::Text(text),
        };
        self.answer(tag, &response).await
    }
}

fn detail(sizes: &TableSizes) -> TableDetail<'_> {
    let indexes = sizes.table.indexes.iter().zip(&sizes.index_bytes);
    TableDetail {
        name: &sizes.table.name,
        table: sizes.table.table,
        rows: sizes.rows,
        counters: sizes.table.counters,
        indexes: indexes
            .map(|(&index, &bytes)| IndexDetail { index, bytes })
            .collect(),
    }
}
