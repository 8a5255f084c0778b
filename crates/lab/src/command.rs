//! Running other programs, with errors that say which and why.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a program to its end and returns its standard output.
///
/// `doing` completes the sentence "cannot ...".
pub(crate) fn output(command: &mut Command, doing: &str) -> Result<String> {
    Ok(String::from_utf8_lossy(&output_bytes(command, doing)?).into_owned())
}

/// As [`output`], but the bytes as they are.
pub(crate) fn output_bytes(command: &mut Command, doing: &str) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot {doing}: {program} could not be started"))?;
    if !done.status.success() {
        bail!(
            "cannot {doing}: {command:?} ended with {}\n{}\n{}",
            done.status,
            tail(&String::from_utf8_lossy(&done.stdout), 10),
            tail(&String::from_utf8_lossy(&done.stderr), 30),
        );
    }
    Ok(done.stdout)
}

/// Runs a program to its end for its effect.
pub(crate) fn run(command: &mut Command, doing: &str) -> Result<()> {
    output_bytes(command, doing).map(drop)
}

/// The last `lines` lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_a_failing_program_is_an_error_with_its_words() {
        let error =
            output(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), "try it").expect_err("must fail");
        let text = error.to_string();
        assert!(text.contains("cannot try it") && text.contains("why"), "{text}");
    }

    #[test]
    fn tail_takes_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
        assert_eq!(tail("", 2), "");
    }
}
