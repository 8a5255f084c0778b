//! Lanes, the store through them, and lanes that are idle, as the program
//! `vamos-bench` measures them with their peers in turns.

use super::sample::Pair;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the program on this machine, without a guest; `vamosd` serves its lanes. Its
/// table goes to standard error. It takes about half a minute.
///
/// # Errors
/// It cannot run, fails, or prints what is no [`Pair`].
pub fn run(program: &Path, vamosd: &Path) -> Result<Vec<Pair>> {
    let output = Command::new(program)
        .arg("all")
        .arg("--vamosd")
        .arg(vamosd)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("{} ended with {}", program.display(), output.status);
    }
    pairs(&String::from_utf8_lossy(&output.stdout))
}

fn pairs(lines: &str) -> Result<Vec<Pair>> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("vamos-bench printed {line:?}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pairs_and_others_are_refused() {
        let line =
            r#"{"measure":"idle_cpu","peer":"core","repetition":2,"ours":0.5,"theirs":1.0,"unit":"cores"}"#;
        let read = pairs(line).unwrap();
        assert_eq!((read[0].repetition, read[0].ours), (2, 0.5));
        let error = pairs("the lane was lost").unwrap_err();
        assert!(error.to_string().contains("the lane was lost"), "{error:#}");
    }
}
