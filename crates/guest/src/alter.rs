//! Changing a table that others use.

use crate::Error;
use crate::read::Rows;
use crate::session::{Session, refusal};
use vamos_proto::{AlterTables, Build, BuildStep, Building, Request, Response, TableId};

/// Some rows of a build have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildRows {
    /// More are to come.
    More,
    /// They were the last.
    Last,
}

impl Session {
    /// Gives tables new descriptions and other indexes, all at once; durable when
    /// this returns. The indexes that this session has built can be among them.
    ///
    /// # Errors
    /// `NoSuchTable`; `TableChanged` if rows have changed since the last round of
    /// a build; and as every request.
    pub fn alter_tables(&mut self, alter: AlterTables<'_>) -> Result<(), Error> {
        self.request(&Request::AlterTables(alter), |response| match response {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, "an alteration of tables")),
        })
    }

    /// Begins to build so many indexes; see [`BuildStep`] for what follows. The
    /// build ends with this session's lane.
    ///
    /// # Errors
    /// `NoSuchTable`, `Invalid`, and as every request.
    pub fn begin_build(&mut self, table: TableId, indexes: u16) -> Result<Building, Error> {
        let request = step(table, BuildStep::Begin(indexes));
        self.request(&request, |response| match response {
            Response::Building(building) if building.indexes.len() == usize::from(indexes) => Ok(building),
            other => Err(refusal(other, "the beginning of a build")),
        })
    }

    /// Begins a round of a build; returns how many rows it has.
    ///
    /// # Errors
    /// `TableChanged` if too many rows were changed, and as every request.
    pub fn build_round(&mut self, table: TableId) -> Result<u64, Error> {
        self.request(&step(table, BuildStep::Round), |response| match response {
            Response::Round(changed) => Ok(changed),
            other => Err(refusal(other, "a round of a build")),
        })
    }

    /// The next rows of a build's scan ([`BuildStep::Scan`]) or round
    /// ([`BuildStep::Changes`]).
    ///
    /// # Errors
    /// As every request.
    pub fn build_rows(
        &mut self,
        table: TableId,
        what: BuildStep,
        rows: &mut Rows,
    ) -> Result<BuildRows, Error> {
        self.request(&step(table, what), |response| match response {
            Response::Rows(block) => rows.fill(block).map(|_| BuildRows::More),
            Response::LastRows(block) => rows.fill(block).map(|_| BuildRows::Last),
            other => Err(refusal(other, "a build's rows")),
        })
    }

    /// Gives a build up.
    ///
    /// # Errors
    /// As every request; the build ends with the lane at the latest.
    pub fn abandon_build(&mut self, table: TableId) -> Result<(), Error> {
        self.request(&step(table, BuildStep::Abandon), |response| match response {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, "a build's end")),
        })
    }
}

fn step(table: TableId, step: BuildStep) -> Request<'static> {
    Request::Build(Build { table, step })
}
