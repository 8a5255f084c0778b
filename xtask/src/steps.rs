//! Shows which step of a long command is under way.

use anyhow::{Context, Result};
use std::process::Command;
use std::time::Instant;

/// Counts the steps of a command.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
    start: Instant,
}

impl Steps {
    /// A command of so many steps.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            start: Instant::now(),
        }
    }

    /// Runs a step, with a line before and after it.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        println!("\n=== [{}/{}] {name}", self.done, self.total);
        let start = Instant::now();
        let result = step().with_context(|| format!("{name} failed"));
        let word = if result.is_ok() { "done" } else { "FAILED" };
        println!(
            "=== [{}/{}] {name}: {word} after {:.1} s ({:.1} min since the start)",
            self.done,
            self.total,
            start.elapsed().as_secs_f64(),
            self.start.elapsed().as_secs_f64() / 60.0
        );
        result
    }
}

/// Runs `cargo` with these arguments in the workspace.
pub(crate) fn cargo(args: &[&str]) -> Result<()> {
    cargo_with(args, &[])
}

/// The same with environment variables.
pub(crate) fn cargo_with(args: &[&str], env: &[(&str, String)]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(vamos_lab::paths::workspace());
    for (name, value) in env {
        command.env(name, value);
    }
    let status = command.status().context("cannot run cargo")?;
    anyhow::ensure!(status.success(), "`cargo {}` ended with {status}", args.join(" "));
    Ok(())
}
