//! `cargo xtask demo`: the main job.

use crate::artifacts::Artifacts;
use crate::steps::Steps;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use vamos_lab::demo::{Demonstration, Extent};
use vamos_lab::image::GuestImage;
use vamos_lab::kills::Verdict;
use vamos_lab::run_dir;
use vamos_lab::vm::Vsock;

/// Connections that commit when the guest is killed.
const WRITERS: usize = 2;

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Leave the guest up at the end and print how to connect to it.
    #[arg(long)]
    keep: bool,
    /// Write the facts to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Demo {
    /// Runs it.
    pub(crate) fn run(self) -> Result<()> {
        let mut steps = Steps::new(5);
        let artifacts = steps.run("build", Artifacts::build)?;
        steps.run("guest image and virtual devices", || {
            Vsock::install()?;
            GuestImage::build(&artifacts.mariadb).map(drop)
        })?;
        let mut demo = steps.run("a guest with both engines", || {
            Demonstration::prepare(&artifacts.programs, &artifacts.mariadb, Extent::Full)
        })?;
        let mut report = steps.run("the workload on both engines", || demo.run())?;
        report.print_table();
        let verdict = steps.run("killing the guest without warning", || {
            demo.kill_guest(1, WRITERS)
        })?;
        report.set_verdict(verdict);
        println!(
            "\nresults identical on both engines: {}\nrows acknowledged before the kill: {}, lost: {}",
            if report.results_identical { "yes" } else { "NO" },
            report.rows_acknowledged,
            report.rows_lost
        );
        if let Some(path) = &self.json {
            report.write_json(path)?;
            println!("facts written to {}", path.display());
        }
        if self.keep {
            keep(&mut demo)?;
        }
        ensure!(
            report.results_identical,
            "the engines' results differ: see the table"
        );
        ensure!(
            report.rows_lost == 0,
            "{} acknowledged rows were lost",
            report.rows_lost
        );
        Ok(())
    }
}

/// Leaves the guest up until Ctrl-C.
fn keep(demo: &mut Demonstration) -> Result<()> {
    println!("\nThe guest stays up. Connect from this host with:");
    println!(
        "    {}",
        demo.stack
            .vm
            .connect_hint()
            .context("the guest has no forwarded port")?
    );
    println!("See the host's side with:\n    {}", demo.stack.status_hint());
    println!(
        "Logs: {} (guest)\n      {} (vamosd)",
        demo.stack.vm.console_log().display(),
        demo.daemon_log().display()
    );
    println!("Ctrl-C takes it down.");
    run_dir::wait_for_signal()?;
    demo.stack.vm.shutdown()?;
    demo.stack.daemon.stop()
}

/// The demonstration with little data, as a test.
pub(crate) fn small(artifacts: &Artifacts) -> Result<()> {
    let mut demo = Demonstration::prepare(&artifacts.programs, &artifacts.mariadb, Extent::Small)?;
    let report = demo.run()?;
    report.print_table();
    ensure!(
        report.results_identical,
        "the engines' results differ: see the table"
    );
    demo.stack.vm.shutdown()?;
    demo.stack.daemon.stop()
}

/// Kills a guest so many times while connections commit.
pub(crate) fn kill_guests(artifacts: &Artifacts, rounds: u32, writers: usize) -> Result<Verdict> {
    Demonstration::prepare(&artifacts.programs, &artifacts.mariadb, Extent::Small)?
        .kill_guest(rounds, writers)
}
