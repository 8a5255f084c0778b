//! `cargo xtask mtr`: MariaDB's own tests decide.

use crate::artifacts::Artifacts;
use anyhow::{Result, ensure};
use std::path::PathBuf;
use vamos_lab::mtr::{self, Options, Outcome, Suite};

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Mtr {
    /// Only this suite: storage_engine, iuds or main; may be given again.
    #[arg(long = "suite", value_name = "SUITE")]
    suites: Vec<String>,
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// Leave MyRocks out.
    #[arg(long)]
    no_peer: bool,
    /// Write the scores to this file too, as a list of
    /// {suite, test, vamos, myrocks, reason}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Leave the lines in which VAMOS differs in this directory, a file each test.
    #[arg(long, value_name = "DIR")]
    differences: Option<PathBuf>,
}

impl Mtr {
    /// Runs the suites; fails if a test fails on VAMOS.
    pub(crate) fn run(self) -> Result<()> {
        let artifacts = Artifacts::build()?;
        let suites = match self.suites.as_slice() {
            [] => Suite::ALL.to_vec(),
            names => names
                .iter()
                .map(|name| Suite::named(name))
                .collect::<Result<_>>()?,
        };
        let options = Options {
            suites,
            filter: self.filter,
            peer: !self.no_peer,
            differences: self.differences,
        };
        run(&artifacts, &options, self.json)
    }
}

/// The suites about engines, on VAMOS and InnoDB alone.
pub(crate) fn engines(artifacts: &Artifacts) -> Result<()> {
    let options = Options {
        suites: vec![Suite::StorageEngine, Suite::Iuds],
        filter: None,
        peer: false,
        differences: None,
    };
    run(artifacts, &options, None)
}

/// Runs the suites, prints the score and fails if a test fails on VAMOS.
fn run(artifacts: &Artifacts, options: &Options, json: Option<PathBuf>) -> Result<()> {
    let scores = mtr::run(&artifacts.mariadb, &artifacts.programs, options)?;
    println!("\n{}", mtr::show(&scores));
    if let Some(path) = json {
        mtr::write_json(&scores, &path)?;
    }
    let failed = scores.iter().filter(|score| score.vamos == Outcome::Fail).count();
    ensure!(
        failed == 0,
        "{failed} of MariaDB's tests fail on VAMOS; `--differences DIR` leaves what differs"
    );
    Ok(())
}
