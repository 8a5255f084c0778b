//! What two outcomes of the same statement have in common.

use std::fmt::Write;

use super::{
    known,
    statement::{Compare, Statement},
};
use crate::sql_client::{Answer, Outcome, SqlError, Value, display};

/// In what the engines differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// The rows of a query.
    Rows,
    /// The number of rows that a statement changed.
    Affected,
    /// The number of its warnings.
    Warnings,
    /// Whether and how a statement failed.
    Error,
    /// What CHECK TABLE says, or what the indexes say after the program.
    Check,
    /// The server is gone.
    Crash,
    /// A statement does not end.
    Hang,
}

/// A difference between the engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In what.
    pub category: Category,
    /// What VAMOS and InnoDB said, for people.
    pub text: String,
}

impl Difference {
    pub(super) fn new(category: Category, text: impl Into<String>) -> Self {
        Self {
            category,
            text: text.into(),
        }
    }
}

/// What two outcomes say about each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// At least one gave its locks or its wait up.
    LockDiffers,
    /// A known difference that leaves the engines' contents apart.
    Known,
    Differs(Difference),
}

/// A lock wait that timed out, a deadlock, a statement that was killed, a row
/// or a table that another transaction changed (1412, or 159 where InnoDB misses an
/// index's history in the middle of a statement), and a transaction that is over by a
/// deadlock that the server has lost (4060).
pub(super) const LOCK_ERRORS: &[u16] = &[1205, 1213, 1317, 1020, 1412, 159, 4060];

/// Errors about values, of which another row may give another one first.
const DATA_ERRORS: &[u16] = &[
    167, 1048, 1062, 1264, 1265, 1292, 1364, 1366, 1406, 1526, 1586, 1690, 1748, 1978, 4025,
];

pub(super) fn outcomes(statement: &Statement, vamos: &Outcome, innodb: &Outcome) -> Verdict {
    if let Some(SqlError::Lost(why)) = [vamos, innodb].into_iter().find_map(|outcome| match outcome {
        Err(error @ SqlError::Lost(_)) => Some(error),
        _ => None,
    }) {
        return Verdict::Differs(Difference::new(Category::Crash, why.clone()));
    }
    let codes = (code(vamos), code(innodb));
    let gave_up = |code: Option<u16>| code.is_some_and(|code| LOCK_ERRORS.contains(&code));
    if gave_up(codes.0) || gave_up(codes.1) {
        return Verdict::LockDiffers;
    }
    match (vamos, innodb) {
        (Ok(vamos), Ok(innodb)) => answers(statement.compare, vamos, innodb),
        _ if codes.0 == codes.1 => Verdict::Same,
        _ if statement.any_data_error && is_data_error(codes.0) && is_data_error(codes.1) => Verdict::Same,
        _ if known::is_known(&statement.sql(), vamos, innodb) => Verdict::Known,
        _ => Verdict::Differs(Difference::new(
            Category::Error,
            format!("VAMOS:  {}\nInnoDB: {}", outcome(vamos), outcome(innodb)),
        )),
    }
}

fn is_data_error(code: Option<u16>) -> bool {
    code.is_some_and(|code| DATA_ERRORS.contains(&code))
}

pub(super) fn code(outcome: &Outcome) -> Option<u16> {
    outcome.as_ref().err().and_then(SqlError::code)
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Ok(Answer::Rows(rows)) => format!("{} rows", rows.len()),
        Ok(Answer::Done { affected, .. }) => format!("success, {affected} rows changed"),
        Err(error) => error.to_string(),
    }
}

fn answers(compare: Compare, vamos: &Answer, innodb: &Answer) -> Verdict {
    let difference = match (vamos, innodb) {
        (Answer::Rows(vamos), Answer::Rows(innodb)) => rows(compare, vamos, innodb),
        (
            Answer::Done {
                affected: vamos,
                warnings: vamos_warnings,
                ..
            },
            Answer::Done {
                affected: innodb,
                warnings: innodb_warnings,
                ..
            },
        ) => {
            let counted = matches!(compare, Compare::Affected | Compare::AffectedAndWarnings);
            if counted && vamos != innodb {
                number(Category::Affected, "rows changed", *vamos, *innodb)
            } else if compare == Compare::AffectedAndWarnings && vamos_warnings != innodb_warnings {
                let (vamos, innodb) = (u64::from(*vamos_warnings), u64::from(*innodb_warnings));
                number(Category::Warnings, "warnings", vamos, innodb)
            } else {
                None
            }
        }
        _ => Some(Difference::new(
            Category::Rows,
            "one engine returns rows, the other does not",
        )),
    };
    difference.map_or(Verdict::Same, Verdict::Differs)
}

fn number(category: Category, what: &str, vamos: u64, innodb: u64) -> Option<Difference> {
    Some(Difference::new(
        category,
        format!("VAMOS:  {vamos} {what}\nInnoDB: {innodb} {what}"),
    ))
}

type Row = Vec<Value>;

/// How two results differ, if they do.
pub(super) fn rows(compare: Compare, vamos: &[Row], innodb: &[Row]) -> Option<Difference> {
    let same = match compare {
        Compare::Success => true,
        Compare::Count => vamos.len() == innodb.len(),
        Compare::Ordered => vamos == innodb,
        Compare::Multiset | Compare::Affected | Compare::AffectedAndWarnings => {
            sorted(vamos) == sorted(innodb)
        }
    };
    (!same).then(|| Difference::new(Category::Rows, explain(vamos, innodb)))
}

fn sorted(rows: &[Row]) -> Vec<&Row> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort();
    sorted
}

/// Up to this many rows are shown of each engine.
const SHOWN: usize = 5;

fn explain(vamos: &[Row], innodb: &[Row]) -> String {
    let mut text = format!("VAMOS: {} rows, InnoDB: {} rows", vamos.len(), innodb.len());
    let (only_vamos, only_innodb) = (without(vamos, innodb), without(innodb, vamos));
    if only_vamos.is_empty() && only_innodb.is_empty() {
        text.push_str(", the same in another order");
        let at = vamos
            .iter()
            .zip(innodb)
            .position(|(one, other)| one != other)
            .unwrap_or(0);
        for (name, rows) in [("VAMOS", vamos), ("InnoDB", innodb)] {
            list(
                &mut text,
                &format!("{name} from row {}", at + 1),
                rows.iter().skip(at),
            );
        }
    }
    list(&mut text, "VAMOS alone", only_vamos.into_iter());
    list(&mut text, "InnoDB alone", only_innodb.into_iter());
    text
}

fn list<'a>(text: &mut String, name: &str, rows: impl Iterator<Item = &'a Row>) {
    for row in rows.take(SHOWN) {
        let values: Vec<String> = row
            .iter()
            .map(|value| format!("{:.60}", display(value)))
            .collect();
        let _ = write!(text, "\n  {name}: {}", values.join(" | "));
    }
}

/// The rows of `rows` without those of `others`, each as often as it is there.
fn without<'a>(rows: &'a [Row], others: &[Row]) -> Vec<&'a Row> {
    let others = sorted(others);
    let mut next = 0;
    let mut left = Vec::new();
    for row in sorted(rows) {
        while others.get(next).is_some_and(|other| *other < row) {
            next += 1;
        }
        match others.get(next) {
            Some(other) if *other == row => next += 1,
            _ => left.push(row),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        vec![Some(text.as_bytes().to_vec())]
    }

    #[test]
    fn order_counts_only_where_asked() {
        let (one, other) = (vec![row("a"), row("b")], vec![row("b"), row("a")]);
        assert_eq!(rows(Compare::Multiset, &one, &other), None);
        let difference = rows(Compare::Ordered, &one, &other).unwrap();
        assert!(difference.text.contains("another order"), "{}", difference.text);
    }

    #[test]
    fn the_rows_of_one_engine_alone_are_shown() {
        let difference = rows(
            Compare::Multiset,
            &[row("a"), row("b"), row("b")],
            &[row("b"), row("c")],
        )
        .unwrap();
        assert!(difference.text.contains("VAMOS alone: a"), "{}", difference.text);
        assert!(difference.text.contains("VAMOS alone: b"), "{}", difference.text);
        assert!(difference.text.contains("InnoDB alone: c"), "{}", difference.text);
    }
}
