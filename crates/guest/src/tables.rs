//! The host's catalogue, and statistics.

use crate::Error;
use crate::session::{Session, refusal};
use vamos_proto::{
    CounterRaise, CreateTable, IndexId, KeyRange, ListTables, RangeSizes, RenameTable, Request, Response,
    SetDefinition, Survey, SurveyReply, TableId, TableInfo, TableNames, TableStats,
};

/// A table as the host's catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its number.
    pub table: TableId,
    /// Its indexes; the first is the primary one.
    pub indexes: Vec<IndexId>,
    /// What its creator wanted to find again.
    pub definition: Vec<u8>,
    /// The next values of the counters `AutoIncrement` and `RowId`.
    pub counters: [u64; 2],
}

impl From<TableInfo<'_>> for Table {
    fn from(info: TableInfo<'_>) -> Self {
        Self {
            table: info.table,
            indexes: info.indexes,
            definition: info.definition.to_vec(),
            counters: info.counters,
        }
    }
}

impl Session {
    /// Creates a table; durable when this returns.
    ///
    /// # Errors
    /// `TableExists`, and as every request.
    pub fn create_table(&mut self, create: CreateTable<'_>) -> Result<Table, Error> {
        self.table(&Request::CreateTable(create), "a table's creation")
    }

    /// Creates a table that ends with this session's lane.
    ///
    /// # Errors
    /// As every request.
    pub fn create_temporary_table(&mut self, create: CreateTable<'_>) -> Result<Table, Error> {
        self.table(&Request::CreateTemporaryTable(create), "a table's creation")
    }

    /// Looks a table up.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn open_table(&mut self, name: &str) -> Result<Table, Error> {
        self.table(&Request::OpenTable(name), "a table's opening")
    }

    /// Drops a table; its space is reclaimed in the background.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn drop_table(&mut self, name: &str) -> Result<(), Error> {
        self.done(&Request::DropTable(name), "a table's drop")
    }

    /// Renames a table.
    ///
    /// # Errors
    /// `NoSuchTable`, `TableExists`, and as every request.
    pub fn rename_table(&mut self, from: &str, to: &str) -> Result<(), Error> {
        self.done(
            &Request::RenameTable(RenameTable { from, to }),
            "a table's renaming",
        )
    }

    /// Empties a table; its indexes have new ids then.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn truncate_table(&mut self, name: &str) -> Result<Table, Error> {
        self.table(&Request::TruncateTable(name), "a table's truncation")
    }

    /// Visits the names of tables that begin with `prefix`, sorted as bytes;
    /// `false` ends that.
    ///
    /// # Errors
    /// As every request.
    pub fn list_tables(&mut self, prefix: &str, mut visit: impl FnMut(&str) -> bool) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let request = Request::ListTables(ListTables {
                prefix,
                after: &after,
            });
            let last = self.request(&request, |response| match response {
                Response::TableNames(TableNames { names, more }) => Ok(names
                    .iter()
                    .all(|name| visit(name))
                    .then(|| names.last().filter(|_| more).map(|name| (*name).to_owned()))
                    .flatten()),
                other => Err(refusal(other, "a question for names of tables")),
            })?;
            match last {
                // Names rise, or a broken host would never come to an end.
                Some(last) if last > after => after = last,
                _ => return Ok(()),
            }
        }
    }

    /// Replaces what was given as the table's definition when it was created.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn set_definition(&mut self, name: &str, definition: &[u8]) -> Result<(), Error> {
        self.done(
            &Request::SetDefinition(SetDefinition { name, definition }),
            "a definition's change",
        )
    }

    /// Sets a counter of a table, up or down, durably.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn set_counter(&mut self, counter: CounterRaise) -> Result<(), Error> {
        self.done(&Request::SetCounter(counter), "a counter's setting")
    }

    /// Approximate sizes of a table.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn table_stats(&mut self, table: TableId) -> Result<TableStats, Error> {
        self.request(&Request::TableStats(table), |response| match response {
            Response::Stats(stats) => Ok(stats),
            other => Err(refusal(other, "a question for statistics")),
        })
    }

    /// Approximate numbers of entries in ranges, in one request.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn range_sizes(&mut self, ranges: &[KeyRange<'_>]) -> Result<Vec<u64>, Error> {
        let request = Request::RangeSizes(RangeSizes {
            ranges: ranges.to_vec(),
        });
        let sizes = self.request(&request, |response| match response {
            Response::RangeSizes(reply) => Ok(reply.entries),
            other => Err(refusal(other, "a question for range sizes")),
        })?;
        if sizes.len() != ranges.len() {
            let what = format!("{} sizes for {} ranges", sizes.len(), ranges.len());
            return self.checked(Err(Error::Protocol { what }));
        }
        Ok(sizes)
    }

    /// Has the host look at about so many entries of each of a table's indexes,
    /// and shows what it found to `read`.
    ///
    /// # Errors
    /// `NoSuchTable`, and as every request.
    pub fn survey<T>(
        &mut self,
        table: TableId,
        entries: u32,
        read: impl FnOnce(&SurveyReply<'_>) -> T,
    ) -> Result<T, Error> {
        let request = Request::Survey(Survey { table, entries });
        self.request(&request, |response| match response {
            Response::Survey(found) => Ok(read(&found)),
            other => Err(refusal(other, "a survey")),
        })
    }

    fn table(&mut self, request: &Request<'_>, what: &str) -> Result<Table, Error> {
        self.request(request, |response| match response {
            Response::Table(info) => Ok(info.into()),
            other => Err(refusal(other, what)),
        })
    }

    fn done(&mut self, request: &Request<'_>, what: &str) -> Result<(), Error> {
        self.request(request, |response| match response {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, what)),
        })
    }
}
