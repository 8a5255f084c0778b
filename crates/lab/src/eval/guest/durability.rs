//! The proof, before anything is timed, that an arm keeps what it acknowledges.

use std::{process::Command, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};

use super::GuestArm;
use crate::{
    kills::{self, ClientFactory, Verdict, Writers},
    mariadb_files::MariadbFiles,
    native,
};

/// Connections that commit at once.
const WRITERS: usize = 4;

/// Commits that must have been acknowledged before the kill.
const COMMITS: usize = 50;

/// The longest that these may take; an emulated guest is slow.
const LIMIT: Duration = Duration::from_secs(180);

impl GuestArm {
    /// Kills the guest (and for VAMOS its worker) without warning while
    /// connections commit, boots it again on the same storage, and looks for
    /// every acknowledged row. The data is otherwise left as it was.
    ///
    /// # Errors
    /// If something acknowledged is lost or there by half, or the arm does not
    /// come back.
    pub fn prove_durability(&mut self, files: &MariadbFiles) -> Result<Verdict> {
        self.sql(&kills::schema(self.arm.engine.sql_name()))?;
        let (files, port) = (files.clone(), self.port()?);
        let client: ClientFactory = Arc::new(move || -> Command { native::client_on_port(&files, port) });
        let writers = Writers::start(WRITERS, 1, &client);
        let waited = writers.wait_for(COMMITS, LIMIT);
        self.vm.kill();
        let acknowledged = writers.finish();
        waited?;
        self.kill_and_boot()?;
        let verdict = kills::verify(&acknowledged, |statements| self.sql(statements))?;
        ensure!(
            verdict.is_clean() && verdict.acknowledged >= COMMITS,
            "{} lost what it had acknowledged: {verdict:?}",
            self.arm
        );
        self.sql("DROP DATABASE kills")
            .context("cannot remove the table of the kills")?;
        Ok(verdict)
    }
}
