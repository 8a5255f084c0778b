//! Requests about tables: they wait for the disk, so that they run where they
//! block no lane.

use super::current::{failure, refusal};
use super::session::Session;
use crate::module::SessionEnd;
use crate::runtime::blocking;
use std::sync::Arc;
use vamos_proto::{
    CounterRaise, CreateTable, ErrorCode, IndexId, KeyRange, MAX_NAMES, RangeSizesReply, Request, Response,
    Survey, TableId, TableNames, TableStats,
};
use vamos_store::{Store, StoreError, TableInfo};

/// A request about tables that owns what it says.
enum TableRequest {
    Create {
        name: String,
        definition: Vec<u8>,
        indexes: u16,
        counters: [u64; 2],
        temporary: bool,
    },
    Open(String),
    Drop(String),
    Rename(String, String),
    Truncate(String),
    Stats(TableId),
    Sizes(Vec<(IndexId, Vec<u8>, Vec<u8>)>),
    SetCounter(CounterRaise),
    List {
        prefix: String,
        after: String,
    },
    SetDefinition(String, Vec<u8>),
    Survey(Survey),
}

/// Its answer.
enum TableAnswer {
    Done,
    Table(TableInfo),
    Stats(TableStats),
    Sizes(Vec<u64>),
    Names(Vec<String>, bool),
    Survey(vamos_store::Survey),
}

impl TableRequest {
    fn create(create: &CreateTable<'_>, temporary: bool) -> Self {
        Self::Create {
            name: create.name.to_owned(),
            definition: create.definition.to_vec(),
            indexes: create.indexes,
            counters: create.counters,
            temporary,
        }
    }

    fn new(request: Request<'_>) -> Option<Self> {
        Some(match request {
            Request::CreateTable(create) => Self::create(&create, false),
            Request::CreateTemporaryTable(create) => Self::create(&create, true),
            Request::OpenTable(name) => Self::Open(name.to_owned()),
            Request::DropTable(name) => Self::Drop(name.to_owned()),
            Request::RenameTable(rename) => Self::Rename(rename.from.to_owned(), rename.to.to_owned()),
            Request::TruncateTable(name) => Self::Truncate(name.to_owned()),
            Request::TableStats(table) => Self::Stats(table),
            Request::RangeSizes(sizes) => {
                let owned = |range: &KeyRange<'_>| (range.index, range.low.to_vec(), range.high.to_vec());
                Self::Sizes(sizes.ranges.iter().map(owned).collect())
            }
            Request::SetCounter(counter) => Self::SetCounter(counter),
            Request::ListTables(list) => Self::List {
                prefix: list.prefix.to_owned(),
                after: list.after.to_owned(),
            },
            Request::SetDefinition(set) => Self::SetDefinition(set.name.to_owned(), set.definition.to_vec()),
            Request::Survey(survey) => Self::Survey(survey),
            _ => return None,
        })
    }

    fn run(self, store: &Store) -> Result<TableAnswer, StoreError> {
        match self {
            Self::Create {
                name,
                definition,
                indexes,
                counters,
                temporary,
            } => match temporary {
                false => store.create_table(&name, &definition, indexes, counters),
                true => store.create_temporary_table(&name, &definition, indexes, counters),
            }
            .map(TableAnswer::Table),
            Self::Open(name) => store.open_table(&name).map(TableAnswer::Table),
            Self::Drop(name) => store.drop_table(&name).map(|()| TableAnswer::Done),
            Self::Rename(from, to) => store.rename_table(&from, &to).map(|()| TableAnswer::Done),
            Self::Truncate(name) => store.truncate_table(&name).map(TableAnswer::Table),
            Self::Stats(table) => store.table_stats(table).map(TableAnswer::Stats),
            Self::Sizes(ranges) => {
                let ranges: Vec<_> = ranges
                    .iter()
                    .map(|(index, low, high)| KeyRange {
                        index: *index,
                        low,
                        high,
                    })
                    .collect();
                store.range_sizes(&ranges).map(TableAnswer::Sizes)
            }
            Self::SetCounter(counter) => store.set_counter(counter).map(|()| TableAnswer::Done),
            Self::List { prefix, after } => {
                let (names, more) = store.table_names(&prefix, &after, MAX_NAMES);
                Ok(TableAnswer::Names(names, more))
            }
            Self::SetDefinition(name, definition) => store
                .set_definition(&name, &definition)
                .map(|()| TableAnswer::Done),
            Self::Survey(Survey { table, entries }) => store.survey(table, entries).map(TableAnswer::Survey),
        }
    }
}

impl Session {
    pub(super) async fn table_request(&mut self, tag: u32, request: Request<'_>) -> Result<(), SessionEnd> {
        let Some(request) = TableRequest::new(request) else {
            return Err(SessionEnd::Misbehaved("no request about tables".into()));
        };
        let store: Arc<Store> = self.store.clone();
        let temporary = matches!(request, TableRequest::Create { temporary: true, .. });
        let emptied = match &request {
            TableRequest::Truncate(name) => self.temporary.place_of(name),
            _ => None,
        };
        if temporary && self.temporary.is_full() {
            let message = format!("this connection has {MAX_TEMPORARY} temporary tables; drop some");
            return self.fail(tag, refusal(ErrorCode::Invalid, message)).await;
        }
        let answer = if let TableRequest::Open(_) | TableRequest::List { .. } = request {
            // The catalogue is in memory.
            request.run(&store)
        } else {
            blocking(move || request.run(&store)).await
        };
        if temporary && let Ok(TableAnswer::Table(table)) = &answer {
            self.temporary.add(table);
        }
        if let (Some(place), Ok(TableAnswer::Table(table))) = (emptied, &answer) {
            self.temporary.replace(place, table);
        }
        match answer {
            Ok(TableAnswer::Done) => self.answer(tag, &Response::Done(())).await,
            Ok(TableAnswer::Table(table)) => self.answer(tag, &Response::Table(table.as_message())).await,
            Ok(TableAnswer::Stats(stats)) => self.answer(tag, &Response::Stats(stats)).await,
            Ok(TableAnswer::Sizes(entries)) => {
                self.answer(tag, &Response::RangeSizes(RangeSizesReply { entries }))
                    .await
            }
            Ok(TableAnswer::Names(names, more)) => {
                let names = names.iter().map(String::as_str).collect();
                self.answer(tag, &Response::TableNames(TableNames { names, more }))
                    .await
            }
            Ok(TableAnswer::Survey(survey)) => self.answer(tag, &Response::Survey(survey.as_message())).await,
            Err(error) => self.fail(tag, failure(&error)).await,
        }
    }
}

/// How many temporary tables a session may have at once.
const MAX_TEMPORARY: usize = 1024;

/// The temporary tables that a session has created: they end with it.
#[derive(Debug)]
pub(super) struct TemporaryTables {
    store: Arc<Store>,
    tables: Vec<(TableId, String)>,
}

impl TemporaryTables {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            tables: Vec::new(),
        }
    }

    fn is_full(&mut self) -> bool {
        if self.tables.len() == MAX_TEMPORARY {
            // Those that were dropped are forgotten only now.
            self.tables.retain(|(table, _)| self.store.has_table(*table));
        }
        self.tables.len() == MAX_TEMPORARY
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.tables.iter().rposition(|(_, other)| other == name)
    }

    /// A table that is emptied has a new number.
    fn replace(&mut self, place: usize, table: &TableInfo) {
        if let Some(known) = self.tables.get_mut(place) {
            known.0 = table.table;
        }
    }

    fn add(&mut self, table: &TableInfo) {
        self.tables.push((table.table, table.name.clone()));
    }
}

impl Drop for TemporaryTables {
    fn drop(&mut self) {
        for (table, name) in &self.tables {
            self.store.drop_temporary_table(name, *table);
        }
    }
}
