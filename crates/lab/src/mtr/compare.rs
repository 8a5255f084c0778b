//! What an engine printed beside what the oracle printed.

use std::{borrow::Cow, fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use similar::{ChangeTag, TextDiff};

/// Words that name an engine: which one is under test is no difference.
const ENGINES: &[&str] = &[
    "InnoDB", "innodb", "VAMOS", "vamos", "ROCKSDB", "RocksDB", "rocksdb",
];

/// Whether it matters how the optimizer found the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plans {
    /// Plans are compared.
    Matter,
    /// Rows of `EXPLAIN`, its JSON and the optimizer's trace, and counts of handler calls
    /// are not compared: InnoDB's own estimates differ from run to run.
    AreFree,
}

/// What begins a row of `EXPLAIN`, behind its number.
const SELECT_TYPES: &[&str] = &[
    "SIMPLE",
    "PRIMARY",
    "INSERT",
    "SUBQUERY",
    "DEPENDENT SUBQUERY",
    "UNCACHEABLE SUBQUERY",
    "MATERIALIZED",
    "DERIVED",
    "LATERAL DERIVED",
    "UNION",
    "DEPENDENT UNION",
    "UNCACHEABLE UNION",
    "RECURSIVE UNION",
    "UNION RESULT",
    "INTERSECT",
    "INTERSECT RESULT",
    "EXCEPT",
    "EXCEPT RESULT",
    "UNIT RESULT",
];

/// The lines that differ, each after a `-` (the oracle's) or a `+` (the
/// engine's); empty if none does.
pub(super) fn difference(oracle: &str, engine: &str, plans: Plans) -> String {
    let (oracle, engine) = (neutral(oracle, plans), neutral(engine, plans));
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
pub(super) fn difference_of_files(oracle: &Path, engine: &Path, plans: Plans) -> Result<String> {
    let read = |path: &Path| -> Result<String> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(difference(&read(oracle)?, &read(engine)?, plans))
}

/// The text without what differs from run to run.
fn neutral(text: &str, plans: Plans) -> String {
    let lines = text
        .split_inclusive('\n')
        .filter(|line| plans == Plans::Matter || !is_of_a_plan(line));
    let mut neutral: String = lines.map(neutral_line).collect();
    for engine in ENGINES {
        neutral = neutral.replace(engine, "<ENGINE>");
    }
    neutral
}

/// Whether a line is one of EXPLAIN, in rows or JSON, or a count of handler calls.
fn is_of_a_plan(line: &str) -> bool {
    if is_of_json(line) {
        return true;
    }
    let mut columns = line.trim_end_matches('\n').split('\t');
    let (first, second) = (columns.next().unwrap_or(""), columns.next());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match second {
        Some(second) if is_number(first) || first == "NULL" => SELECT_TYPES.contains(&second),
        Some(second) => (first.starts_with("Handler_") || first == "Last_query_cost") && is_number(second),
        None => false,
    }
}

/// Whether a line is one of a JSON document of several lines.
fn is_of_json(line: &str) -> bool {
    let text = line.trim();
    let brackets = !text.is_empty() && text.chars().all(|letter| "{}[],".contains(letter));
    brackets || (line.starts_with("  ") && text.starts_with('"'))
}

/// A line of SHOW PROCESSLIST without the connection's number and without what it does,
/// which is a matter of time, and the working directory of either of the runner's
/// threads.
fn neutral_line(line: &str) -> String {
    let mut columns: Vec<&str> = line.split('\t').collect();
    if columns.len() > 6 && columns[1] == "root" && columns[2] == "localhost" {
        columns[0] = "#";
        columns[4..].fill("#");
        return columns.join("\t");
    }
    without_tree(line)
        .replace("/var/1/", "/var/")
        .replace("/var/2/", "/var/")
}

/// Where trees are made; the rest of the directory's name is made up.
const TREE: &str = "/run/mtr-";

/// A line in which the first name of the tree's directory is `<TREE>`.
fn without_tree(line: &str) -> Cow<'_, str> {
    let Some(at) = line.find(TREE) else {
        return Cow::Borrowed(line);
    };
    let start = line[..at]
        .rfind([' ', '\'', '"', '\t'])
        .map_or(0, |before| before + 1);
    let name = at + TREE.len();
    let end = line[name..].find('/').map_or(line.len(), |length| name + length);
    Cow::Owned(format!("{}<TREE>{}", &line[..start], &line[end..]))
}

/// Stands for a long difference, so that nobody has to keep MariaDB's lines.
pub(super) fn digest(difference: &str) -> String {
    let hash = Sha256::digest(difference.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("= {} lines, sha256 {hex}\n", difference.lines().count())
}

/// Stands for a difference in which the lines are the same in another order.
const ANOTHER_ORDER: &str = "~ order\n";

/// Whether each line that one side has alone is somewhere else on the other side.
fn is_of_order(difference: &str) -> bool {
    let side = |sign: char| {
        let mut lines: Vec<_> = difference
            .lines()
            .filter_map(|line| line.strip_prefix(sign))
            .collect();
        lines.sort_unstable();
        lines
    };
    difference.lines().all(|line| line.starts_with(['-', '+'])) && side('-') == side('+')
}

/// A difference that we know of, from a file of ours: comment lines that say why
/// an InnoDB user can live with it, then the differing lines, or their digest, or
/// that the lines come in another order.
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
        !self.reason.is_empty()
            && (self.difference == difference
                || self.difference == digest(difference)
                || (self.difference == ANOTHER_ORDER && is_of_order(difference)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_name_is_no_difference() {
        assert_eq!(
            difference("x ENGINE=InnoDB\n", "x ENGINE=VAMOS\n", Plans::Matter),
            ""
        );
    }

    #[test]
    fn what_a_connection_does_at_the_moment_is_no_difference() {
        let old = "21\troot\tlocalhost\ttest\tSleep\t4\t\tNULL\t0.000\n";
        let new = "6\troot\tlocalhost\ttest\tQuery\t3\tUpdating\tUPDATE t SET a = 1\t0.000\n";
        assert_eq!(difference(old, new, Plans::Matter), "");
    }

    #[test]
    fn an_order_that_may_differ_allows_no_other_line() {
        let known = Justified::parse("# No ORDER BY.\n~ order\n");
        assert!(known.covers("-a\n+b\n+a\n-b\n"));
        assert!(!known.covers("-a\n+b\n+a\n-c\n"));
        assert!(!known.covers("-a\n+a\n+a\n"));
        assert!(!known.covers("! the server is gone\n"));
    }

    #[test]
    fn plans_in_json_are_free_where_plans_are_and_results_are_not() {
        let (old, new) = ("{\n  \"rows\": 1011,\n}\n", "{\n  \"rows\": 1000,\n}\n");
        assert_eq!(difference(old, new, Plans::AreFree), "");
        assert_ne!(difference(old, new, Plans::Matter), "");
        assert_ne!(difference("{\"a\": 1}\n", "{\"a\": 2}\n", Plans::AreFree), "");
    }

    #[test]
    fn a_difference_shows_both_sides() {
        assert_eq!(difference("a\nb\nc\n", "a\nd\nc\n", Plans::Matter), "-b\n+d\n");
    }

    #[test]
    fn the_trees_directory_is_no_difference() {
        let (old, new) = ("x '/a/run/mtr-AbC/var/d'\n", "x '/a/run/mtr-dEf/var/d'\n");
        assert_eq!(difference(old, new, Plans::Matter), "");
    }

    #[test]
    fn plans_are_compared_where_they_matter() {
        let old = "a\n1\tSIMPLE\tt\tref\nHandler_read_key\t5\n1\tsimple\n";
        let new = "a\n1\tSIMPLE\tt\tALL\n1\tsimple\n";
        assert_eq!(difference(old, new, Plans::AreFree), "");
        assert_ne!(difference(old, new, Plans::Matter), "");
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
