//! What an engine printed beside what the oracle printed.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use similar::{ChangeTag, TextDiff};

/// Words that name an engine: which one is under test is no difference.
const ENGINES: &[&str] = &[
    "InnoDB", "innodb", "VAMOS", "vamos", "ROCKSDB", "RocksDB", "rocksdb",
];

/// The lines that differ, each after a `-` (the oracle's) or a `+` (the
/// engine's); empty if none does.
pub(super) fn difference(oracle: &str, engine: &str) -> String {
    let (oracle, engine) = (neutral(oracle), neutral(engine));
    let mut lines = String::new();
    for change in TextDiff::from_lines(&oracle, &engine).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        lines.push(sign);
        lines.push_str(change.value().trim_end_matches('\n'));
        lines.push('\n');
    }
    lines
}

/// The same of two files.
pub(super) fn difference_of_files(oracle: &Path, engine: &Path) -> Result<String> {
    let read = |path: &Path| -> Result<String> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(difference(&read(oracle)?, &read(engine)?))
}

/// The text without what differs from run to run.
fn neutral(text: &str) -> String {
    let mut neutral: String = text.split_inclusive('\n').map(neutral_line).collect();
    for engine in ENGINES {
        neutral = neutral.replace(engine, "<ENGINE>");
    }
    neutral
}

/// A line of SHOW PROCESSLIST without the connection's number and its time, and
/// the working directory of either of the runner's threads.
fn neutral_line(line: &str) -> String {
    let mut columns: Vec<&str> = line.split('\t').collect();
    if columns.len() > 6 && columns[1] == "root" && columns[2] == "localhost" {
        columns[0] = "#";
        columns[5] = "#";
        return columns.join("\t");
    }
    line.replace("/var/1/", "/var/").replace("/var/2/", "/var/")
}

/// Stands for a long difference, so that nobody has to keep MariaDB's lines.
pub(super) fn digest(difference: &str) -> String {
    let hash = Sha256::digest(difference.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("= {} lines, sha256 {hex}\n", difference.lines().count())
}

/// A difference that we know of, from a file of ours: comment lines that say why
/// an InnoDB user can live with it, then the differing lines or their digest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Justified {
    /// Why.
    pub(super) reason: String,
    difference: String,
}

impl Justified {
    /// Reads the file; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(Self::parse(&text)))
    }

    fn parse(text: &str) -> Self {
        let (comments, lines): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('#'));
        let reason: Vec<_> = comments
            .iter()
            .map(|line| line.trim_start_matches('#').trim())
            .collect();
        Self {
            reason: reason.join(" "),
            difference: lines.iter().map(|line| format!("{line}\n")).collect(),
        }
    }

    /// Whether this is that difference.
    pub(super) fn covers(&self, difference: &str) -> bool {
        !self.reason.is_empty() && (self.difference == difference || self.difference == digest(difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_name_is_no_difference() {
        assert_eq!(difference("x ENGINE=InnoDB\n", "x ENGINE=VAMOS\n"), "");
    }

    #[test]
    fn a_connections_number_and_time_are_no_difference() {
        let old = "21\troot\tlocalhost\ttest\tSleep\t4\t\tNULL\t0.000\n";
        let new = "6\troot\tlocalhost\ttest\tSleep\t3\t\tNULL\t0.000\n";
        assert_eq!(difference(old, new), "");
    }

    #[test]
    fn a_difference_shows_both_sides() {
        assert_eq!(difference("a\nb\nc\n", "a\nd\nc\n"), "-b\n+d\n");
    }

    #[test]
    fn only_the_very_difference_is_justified() {
        let known = Justified::parse("# An estimate.\n# It may differ.\n-b\n+d\n");
        assert_eq!(known.reason, "An estimate. It may differ.");
        assert!(known.covers("-b\n+d\n"));
        assert!(!known.covers("-b\n+e\n"));
        assert!(
            !Justified::parse("-b\n+d\n").covers("-b\n+d\n"),
            "without a reason"
        );
    }

    #[test]
    fn a_digest_stands_for_its_lines() {
        let known = Justified::parse(&format!("# Long.\n{}", digest("-b\n+d\n")));
        assert!(known.covers("-b\n+d\n"));
        assert!(!known.covers("-b\n+e\n"));
    }
}
