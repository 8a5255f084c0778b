//! `cargo xtask sql`: what VAMOS prints is what InnoDB prints.

use crate::artifacts::Artifacts;
use anyhow::{Result, bail, ensure};
use std::path::PathBuf;
use std::time::Instant;
use vamos_lab::local::{LocalOptions, LocalStack};
use vamos_lab::paths;
use vamos_lab::scripts::Script;

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Sql {
    /// Only scripts whose name contains this.
    filter: Option<String>,
    /// Print what the scripts print with this engine instead of comparing.
    #[arg(long, value_name = "ENGINE")]
    show: Option<String>,
}

impl Sql {
    /// Runs the scripts.
    pub(crate) fn run(self) -> Result<()> {
        let artifacts = Artifacts::build()?;
        match &self.show {
            None => compare_all(&artifacts, self.filter.as_deref()),
            Some(engine) => show_all(&artifacts, self.filter.as_deref(), engine),
        }
    }
}

/// Compares all scripts whose name contains `filter`.
pub(crate) fn compare_all(artifacts: &Artifacts, filter: Option<&str>) -> Result<()> {
    let scripts = scripts(filter)?;
    let stack = start(artifacts)?;
    let mut failed = 0;
    for script in &scripts {
        let start = Instant::now();
        let verdict = match script.compare(&stack.server) {
            Ok(None) => "ok".to_owned(),
            Ok(Some(difference)) => {
                failed += 1;
                format!(
                    "DIFFERS at line {}\n    expected: {}\n    got:      {}",
                    difference.line, difference.expected, difference.got
                )
            }
            Err(error) => {
                failed += 1;
                format!("FAILED: {error:#}")
            }
        };
        println!(
            "sql {:<24} {:>5.1} s  {verdict}",
            script.name,
            start.elapsed().as_secs_f64()
        );
    }
    println!("sql: {} passed, {failed} failed", scripts.len() - failed);
    ensure!(
        failed == 0,
        "{failed} SQL scripts differ; `cargo xtask sql --show VAMOS NAME` prints one"
    );
    Ok(())
}

fn show_all(artifacts: &Artifacts, filter: Option<&str>, engine: &str) -> Result<()> {
    let stack = start(artifacts)?;
    for script in scripts(filter)? {
        print!("{}", script.output(&stack.server, engine)?);
    }
    Ok(())
}

fn start(artifacts: &Artifacts) -> Result<LocalStack> {
    let options = LocalOptions {
        mariadb_args: vec!["--max-allowed-packet=256M".into(), "--local-infile=1".into()],
        ..LocalOptions::default()
    };
    LocalStack::start(&artifacts.mariadb, &artifacts.programs, options)
}

fn scripts(filter: Option<&str>) -> Result<Vec<Script>> {
    let dir: PathBuf = paths::workspace().join("crates/mariadb/tests/sql");
    let mut scripts = Script::all_in(&dir)?;
    scripts.retain(|script| filter.is_none_or(|filter| script.name.contains(filter)));
    if scripts.is_empty() {
        bail!("no script's name contains {:?}", filter.unwrap_or_default());
    }
    Ok(scripts)
}
