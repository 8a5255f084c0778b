//! `cargo xtask eval`: what VAMOS costs and gains beside its peers.

use crate::artifacts::{self, Artifacts};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::PathBuf;
use vamos_lab::eval::{arm::Arm, goals, machine, micro, plan::Plan, raw, report, run::Runner};

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Eval {
    /// The short form: what the goals need.
    #[arg(long)]
    quick: bool,
    /// Only these arms, such as innodb-blk,vamos.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    arms: Vec<String>,
    /// Only these workloads, such as oltp_read_write.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    workloads: Vec<String>,
    /// How often each arm is started afresh.
    #[arg(long, value_name = "N")]
    repetitions: Option<u32>,
    /// The file of raw rows [default: a new one in target/lab/eval]. What it has
    /// already is not measured again, so that a run can be resumed.
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Write the goals and the raw rows to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report to this file [default: beside the raw rows].
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Measure nothing: draw the report of `--raw` again.
    #[arg(long, requires = "raw")]
    redraw: bool,
}

/// Prints; a reader that has gone, such as `head`, has seen enough.
fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot print"),
        _ => Ok(()),
    }
}

impl Eval {
    /// Runs it.
    pub(crate) fn run(self) -> Result<()> {
        let raw = self.raw_file()?;
        if !self.redraw {
            self.measure(&raw)?;
        }
        let lines = raw::read(&raw)?;
        print(&report::terminal(&lines))?;
        if let Some(path) = &self.json {
            std::fs::write(path, goals::to_json(&lines)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let html = self.html.clone().unwrap_or_else(|| raw.with_extension("html"));
        report::write(&raw, &html)?;
        print(&format!(
            "raw rows: {}\nreport:   {}",
            raw.display(),
            html.display()
        ))
    }

    fn measure(&self, raw: &std::path::Path) -> Result<()> {
        let plan = self.plan()?;
        let artifacts = Artifacts::build()?;
        let machine = machine::describe(&artifacts.mariadb, &plan);
        let runner = Runner::prepare(&artifacts.mariadb, &artifacts.programs, plan, raw)?;
        runner.run(machine, || {
            let (bench, vamosd) = artifacts::bench()?;
            micro::run(&bench, &vamosd)
        })
    }

    /// The file that is named, or a new one.
    fn raw_file(&self) -> Result<PathBuf> {
        if let Some(raw) = &self.raw {
            return Ok(raw.clone());
        }
        let dir = vamos_lab::paths::lab_dir()?.join("eval");
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        Ok(dir.join(format!("run-{}.jsonl", since.as_secs())))
    }

    fn plan(&self) -> Result<Plan> {
        let mut plan = match self.quick {
            true => Plan::quick(),
            false => Plan::long(),
        };
        if !self.arms.is_empty() {
            let arms: Result<Vec<Arm>> = self.arms.iter().map(|name| Arm::named(name)).collect();
            plan.keep_arms(&arms?);
        }
        if !self.workloads.is_empty() {
            plan.keep_workloads(&self.workloads);
        }
        if let Some(repetitions) = self.repetitions {
            plan.repetitions = repetitions;
        }
        Ok(plan)
    }
}
