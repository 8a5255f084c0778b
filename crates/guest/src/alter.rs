//! Changing a table that others use.

use crate::commit::{FIRST_PAUSE, LONGEST_PAUSE};
use crate::read::Rows;
use crate::session::{Session, refusal};
use crate::{Error, Table};
use std::time::Instant;
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
    /// this returns. The indexes that this session has built can be among them. Not
    /// interrupted: the host cannot take it back, so its end must be known.
    ///
    /// # Errors
    /// `NoSuchTable`; `TableChanged` if rows have changed since the last round of
    /// a build; and as every request. After [`Error::ConnectionLost`] and
    /// [`Error::Protocol`], [`table_after_loss`](Self::table_after_loss) tells
    /// whether it was made.
    pub fn alter_tables(&mut self, alter: AlterTables<'_>) -> Result<(), Error> {
        self.uninterrupted(|session| {
            session.request(&Request::AlterTables(alter), |response| match response {
                Response::Done(()) => Ok(()),
                other => Err(refusal(other, "an alteration of tables")),
            })
        })
    }

    /// A table as it is after an alteration whose answer was lost. Asks until the
    /// host is there again, as long as for the outcome of a commit, and waits for
    /// an alteration that is still under way there. Not interrupted.
    ///
    /// # Errors
    /// As [`open_table`](Self::open_table), once the host answers; otherwise that of
    /// the last attempt to reach it.
    pub fn table_after_loss(&mut self, name: &str) -> Result<Table, Error> {
        let deadline = Instant::now() + self.client.config().reconnect_for;
        let mut pause = FIRST_PAUSE;
        loop {
            // One that changes nothing waits for those before it, even if it fails:
            // until then the host shows a table as it was.
            let asked = match self.alter_tables(AlterTables { tables: Vec::new() }) {
                Ok(()) | Err(Error::Failed { .. }) => self.uninterrupted(|session| session.open_table(name)),
                Err(error) => Err(error),
            };
            match asked {
                Err(Error::HostAway { .. } | Error::ConnectionLost { .. })
                    if Instant::now() + pause < deadline =>
                {
                    std::thread::sleep(pause);
                }
                asked => return asked,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Begins to build so many indexes; see [`BuildStep`] for what follows. The
    /// build ends with this session's lane.
    ///
    /// # Errors
    /// `NoSuchTable`, `Invalid`, and as every request.
    pub fn begin_build(&mut self, table: TableId, indexes: u16) -> Result<Building, Error> {
        let request = step(table, BuildStep::Begin(indexes));
        let building = self.request(&request, |response| match response {
            Response::Building(building) if building.indexes.len() == usize::from(indexes) => Ok(building),
            other => Err(refusal(other, "the beginning of a build")),
        })?;
        self.rely_on_lane();
        Ok(building)
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
