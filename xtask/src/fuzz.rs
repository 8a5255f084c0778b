//! `cargo xtask fuzz`: whatever the statements, VAMOS answers as InnoDB does.

use crate::artifacts::Artifacts;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use vamos_lab::fuzz::{Found, Fuzzer, Report, Stress};
use vamos_lab::paths;

/// How long a difference is shrunk for, at most.
const SHRINK_LIMIT: Duration = Duration::from_secs(180);

/// Time between two lines about the progress.
const PROGRESS: Duration = Duration::from_secs(10);

/// Seeds that every test run goes through.
const FIXED_SEEDS: u64 = 150;

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// The first seed; without it, one from the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// How many seeds to run; without it, until the time is over.
    #[arg(long)]
    seeds: Option<u64>,
    /// How long to run.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The most connections that a program may have.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Make what shows a difference smaller before it is written.
    #[arg(long)]
    shrink: bool,
    /// Go on after a difference.
    #[arg(long)]
    keep_going: bool,
    /// Use the programs as they were built last.
    #[arg(long)]
    built: bool,
    /// Let many connections work at once on VAMOS alone, with KILL QUERY among
    /// them, and check what must hold all the same.
    #[arg(long)]
    stress: bool,
    /// With --stress: kill the worker now and then.
    #[arg(long)]
    kill_workers: bool,
    /// Run this script again instead of making programs.
    #[arg(long, value_name = "SCRIPT")]
    replay: Option<PathBuf>,
}

impl Fuzz {
    /// Runs seeds until a difference, or the end of the time.
    pub(crate) fn run(self) -> Result<()> {
        let artifacts = match self.built {
            true => Artifacts::built()?,
            false => Artifacts::build()?,
        };
        self.run_with(&artifacts)
    }

    fn run_with(&self, artifacts: &Artifacts) -> Result<()> {
        let mut fuzzer = Fuzzer::start(&artifacts.mariadb, &artifacts.programs)?;
        if let Some(script) = &self.replay {
            return self.run_script(&mut fuzzer, script);
        }
        let first = self.seed.unwrap_or_else(from_clock);
        if self.stress {
            return stress(&mut fuzzer, self.stress_options(first));
        }
        let mut totals = Totals::new();
        let limit = Duration::from_secs_f64(self.minutes.max(0.0) * 60.0);
        for seed in first..first.saturating_add(self.seeds.unwrap_or(u64::MAX)) {
            if totals.start.elapsed() > limit {
                break;
            }
            let report = fuzzer
                .seed(seed, self.connections)
                .with_context(|| format!("seed {seed} could not be run to its end"))?;
            totals.add(&report);
            if let Some(found) = report.found {
                self.show(&mut fuzzer, seed, found)?;
                if !self.keep_going {
                    break;
                }
            }
        }
        totals.print();
        ensure!(
            totals.differences == 0,
            "{} of {} programs show a difference",
            totals.differences,
            totals.seeds
        );
        Ok(())
    }

    fn stress_options(&self, seed: u64) -> Stress {
        Stress {
            seed,
            connections: self.connections.max(2),
            duration: Duration::from_secs_f64(self.minutes.max(0.0) * 60.0),
            kill_workers: self.kill_workers,
        }
    }

    fn run_script(&self, fuzzer: &mut Fuzzer, script: &Path) -> Result<()> {
        let text =
            std::fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
        let report = fuzzer.replay(&text)?;
        if let Some(found) = &report.found {
            println!("{}", found.difference.text);
        }
        ensure!(report.found.is_none(), "the engines differ");
        println!("{} statements, no difference", report.statements);
        Ok(())
    }

    /// Prints a difference and writes the program that shows it.
    fn show(&self, fuzzer: &mut Fuzzer, seed: u64, found: Found) -> Result<()> {
        println!(
            "\nseed {seed}: {:?} differ after {} statements\n{}",
            found.difference.category,
            found.statements(),
            found.difference.text
        );
        let found = match self.shrink {
            true => fuzzer.shrink(&found, SHRINK_LIMIT)?,
            false => found,
        };
        let dir = paths::workspace().join("target/lab/fuzz");
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let file = dir.join(format!("seed-{seed}.sql"));
        let head = format!(
            "cargo xtask fuzz --seed {seed} --seeds 1 --connections {}",
            self.connections
        );
        std::fs::write(&file, found.script(&head))
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!(
            "{} statements in {}\nagain: {head}\n   or: cargo xtask fuzz --replay {}\n",
            found.statements(),
            file.display(),
            file.display()
        );
        Ok(())
    }
}

/// The programs of the first seeds, and some connections at once.
pub(crate) fn fixed(artifacts: &Artifacts) -> Result<()> {
    let fuzz = Fuzz {
        seed: Some(1),
        seeds: Some(FIXED_SEEDS),
        minutes: 60.0,
        connections: 4,
        shrink: true,
        keep_going: false,
        built: true,
        stress: false,
        kill_workers: false,
        replay: None,
    };
    fuzz.run_with(artifacts)?;
    let mut fuzzer = Fuzzer::start(&artifacts.mariadb, &artifacts.programs)?;
    for kill_workers in [false, true] {
        let options = Stress {
            seed: 1,
            connections: 8,
            duration: Duration::from_secs(10),
            kill_workers,
        };
        stress(&mut fuzzer, options)?;
    }
    Ok(())
}

fn stress(fuzzer: &mut Fuzzer, options: Stress) -> Result<()> {
    let report = fuzzer.stress(&options)?;
    println!(
        "stress of {} connections for {:.0} s: {} transactions acknowledged, {} failed, {} statements and {} \
         workers killed; all that must hold holds",
        options.connections,
        options.duration.as_secs_f64(),
        report.committed,
        report.failed,
        report.kills,
        report.worker_kills
    );
    Ok(())
}

fn from_clock() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs()) * 1000
}

/// What was done so far.
struct Totals {
    start: Instant,
    printed: Instant,
    seeds: usize,
    statements: usize,
    succeeded: usize,
    transactions: usize,
    lock_differences: usize,
    differences: usize,
}

impl Totals {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            printed: Instant::now(),
            seeds: 0,
            statements: 0,
            succeeded: 0,
            transactions: 0,
            lock_differences: 0,
            differences: 0,
        }
    }

    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.statements += report.statements;
        self.succeeded += report.succeeded;
        self.transactions += report.transactions;
        self.lock_differences += report.lock_differences;
        self.differences += usize::from(report.found.is_some());
        if self.printed.elapsed() > PROGRESS {
            self.print();
            self.printed = Instant::now();
        }
    }

    fn print(&self) {
        let seconds = self.start.elapsed().as_secs_f64();
        println!(
            "fuzz {seconds:>5.0} s: {} programs, {} statements ({:.0}/s, {:.0} % succeed), {} transactions, {} \
             rolled back for other locks, {} differences",
            self.seeds,
            self.statements,
            self.statements as f64 / seconds,
            100.0 * self.succeeded as f64 / self.statements.max(1) as f64,
            self.transactions,
            self.lock_differences,
            self.differences
        );
    }
}
