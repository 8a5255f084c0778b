//! Requests that change a table while others use it.

use super::current::{failure, refusal};
use super::session::{KEPT_BUFFER, Session};
use crate::module::SessionEnd;
use crate::runtime::blocking;
use vamos_proto::{
    AlterTables, Build as BuildRequest, BuildStep, ErrorCode, Failure, Response, RowBlockBuilder, TableId,
};
use vamos_store::{Build, StoreError, TableChange};

/// Builds that a session may have under way: one for each partition of a table.
const MAX_BUILDS: usize = 8192;

impl Session {
    /// Changes tables, and makes the indexes that this session has built theirs.
    pub(super) async fn alter_tables(&mut self, tag: u32, alter: AlterTables<'_>) -> Result<(), SessionEnd> {
        let owned = |table: &vamos_proto::AlterTable<'_>| TableChange {
            table: table.table,
            definition: table.definition.to_vec(),
            indexes: table.indexes.clone(),
        };
        let changes: Vec<_> = alter.tables.iter().map(owned).collect();
        let store = self.store.clone();
        let mut builds = std::mem::take(&mut self.builds);
        let (result, builds) = blocking(move || {
            let result = store.alter_tables(&changes, &mut builds);
            (result, builds)
        })
        .await;
        self.builds = builds;
        match result {
            Ok(()) => self.answer(tag, &Response::Done(())).await,
            Err(error) => self.fail(tag, failure(&error)).await,
        }
    }

    /// A step of a build.
    pub(super) async fn build(&mut self, tag: u32, request: BuildRequest) -> Result<(), SessionEnd> {
        let result = match request.step {
            BuildStep::Begin(count) => self.begin_build(tag, request.table, count).await?,
            BuildStep::Abandon => {
                let build = self.take_build(request.table);
                // Forgetting it waits for commits under way.
                blocking(move || drop(build)).await;
                self.answer(tag, &Response::Done(())).await?;
                Ok(())
            }
            BuildStep::Scan => self.build_rows(tag, request.table, Build::scan).await?,
            BuildStep::Changes => self.build_rows(tag, request.table, Build::changes).await?,
            BuildStep::Round => match self.with_build(request.table, Build::round).await {
                Ok(changed) => {
                    self.answer(tag, &Response::Round(changed)).await?;
                    Ok(())
                }
                Err(failure) => Err(failure),
            },
        };
        match result {
            Ok(()) => Ok(()),
            Err(failure) => self.fail(tag, failure).await,
        }
    }

    async fn begin_build(
        &mut self,
        tag: u32,
        table: TableId,
        count: u16,
    ) -> Result<Result<(), Failure<'static>>, SessionEnd> {
        if self.builds.len() >= MAX_BUILDS {
            let message = format!("{MAX_BUILDS} builds are under way, the host's limit for a lane");
            return Ok(Err(refusal(ErrorCode::Invalid, message)));
        }
        let store = self.store.clone();
        let begun = blocking(move || {
            let build = store.begin_build(table, count)?;
            let info = build.info()?;
            Ok::<_, StoreError>((build, info))
        })
        .await;
        match begun {
            Ok((build, info)) => {
                self.builds.push(build);
                self.answer(tag, &Response::Building(info)).await?;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(failure(&error))),
        }
    }

    /// Answers with a batch of rows.
    async fn build_rows(
        &mut self,
        tag: u32,
        table: TableId,
        read: fn(&mut Build, &mut RowBlockBuilder, usize, usize) -> Result<bool, StoreError>,
    ) -> Result<Result<(), Failure<'static>>, SessionEnd> {
        let limits = self.limits;
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        let filled = self
            .with_build(table, move |build| {
                let last = read(build, &mut rows, limits.batch_rows, limits.batch_bytes)?;
                Ok((rows, last))
            })
            .await;
        let (mut rows, last) = match filled {
            Ok(filled) => filled,
            Err(failure) => return Ok(Err(failure)),
        };
        let answer = match last {
            true => Response::LastRows(rows.block()),
            false => Response::Rows(rows.block()),
        };
        self.answer(tag, &answer).await?;
        rows.recycle(KEPT_BUFFER);
        self.rows = rows;
        Ok(Ok(()))
    }

    /// Does something with a build where it blocks no lane.
    async fn with_build<T: Send + 'static>(
        &mut self,
        table: TableId,
        work: impl FnOnce(&mut Build) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure<'static>> {
        let Some(mut build) = self.take_build(table) else {
            let message = format!("this session builds no index of table {}", table.0);
            return Err(refusal(ErrorCode::NotFound, message));
        };
        let (result, build) = blocking(move || {
            let result = work(&mut build);
            (result, build)
        })
        .await;
        self.builds.push(build);
        result.map_err(|error| failure(&error))
    }

    fn take_build(&mut self, table: TableId) -> Option<Build> {
        let place = self.builds.iter().position(|build| build.table() == table)?;
        Some(self.builds.swap_remove(place))
    }
}
