//! What must hold of the tables after a program: each of them says the same on
//! both engines, whichever of its indexes is asked, and CHECK TABLE finds
//! nothing.

use anyhow::{Context, Result};

use super::compare::{self, Category, Difference};
use super::doubts::plain;
use super::statement::Compare;
use crate::sql_client::{Answer, Outcome, SqlConnection, SqlError, display};

/// The first difference of all tables in the two databases.
pub(super) fn tables(
    control: &mut SqlConnection,
    databases: &[String; 2],
    engines: [&str; 2],
) -> Result<Option<Difference>> {
    let names = |control: &mut SqlConnection, database: &String| -> Result<Vec<String>> {
        let query = format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' ORDER BY 1"
        );
        Ok(control.rows(&query)?.into_iter().flatten().collect())
    };
    let here = names(control, &databases[0])?;
    let there = names(control, &databases[1])?;
    if here != there {
        let text = format!("tables of {}: {here:?}, of {}: {there:?}", engines[0], engines[1]);
        return Ok(Some(Difference::new(Category::Check, text)));
    }
    for table in &here {
        if let Some(difference) = one_table(control, databases, table)? {
            return Ok(Some(difference));
        }
    }
    Ok(None)
}

/// An index and its columns, in order.
struct Index {
    name: String,
    columns: Vec<String>,
}

fn one_table(
    control: &mut SqlConnection,
    databases: &[String; 2],
    table: &str,
) -> Result<Option<Difference>> {
    let walks = !is_partitioned(control, &databases[0], table)?;
    let indexes = indexes(control, &databases[0], table)?;
    // Without a primary key equal entries are in the order in which they were inserted,
    // which several connections, or the plan of an INSERT .. SELECT, decide.
    let total = indexes.iter().any(|index| index.name == "PRIMARY");
    for (query, compare) in queries(&indexes, table, total) {
        // HANDLER merges partitions by virtual columns that it has not computed.
        if query.starts_with("HANDLER") && !walks {
            continue;
        }
        let mut both = Vec::new();
        for database in databases {
            let answer = match control.run(&format!("USE {database}")) {
                Ok(_) => ask(control, &query, table),
                lost => lost,
            };
            both.push(answer);
        }
        let Some(difference) = differ(&query, compare, &both[0], &both[1]) else {
            continue;
        };
        if !innodb_has_lost_count(control, &query, compare, &both) {
            return Ok(Some(difference));
        }
    }
    check_table(control, &databases[0], table)
}

/// Whether InnoDB, whose database is in use, finds one of its own indexes damaged or
/// says without indexes what VAMOS says: those of virtual columns get out of step.
fn innodb_has_lost_count(
    control: &mut SqlConnection,
    query: &str,
    compare: Compare,
    both: &[Outcome],
) -> bool {
    const DAMAGED: u16 = 1034;
    if compare::code(&both[1]) == Some(DAMAGED) {
        return true;
    }
    query.starts_with("SELECT") && differ(query, compare, &both[0], &control.run(&plain(query))).is_none()
}

/// Runs a query; one that reads through HANDLER between its OPEN and CLOSE.
fn ask(control: &mut SqlConnection, query: &str, table: &str) -> Outcome {
    if !query.starts_with("HANDLER") {
        return control.run(query);
    }
    control.run(&format!("HANDLER {table} OPEN"))?;
    let outcome = control.run(query);
    control.run(&format!("HANDLER {table} CLOSE"))?;
    outcome
}

fn queries(indexes: &[Index], table: &str, total: bool) -> Vec<(String, Compare)> {
    let walk = if total {
        Compare::Ordered
    } else {
        Compare::Multiset
    };
    let mut queries = vec![
        (
            format!("SELECT * FROM {table} IGNORE INDEX (PRIMARY)"),
            Compare::Multiset,
        ),
        (format!("SELECT COUNT(*) FROM {table}"), Compare::Multiset),
    ];
    for Index { name, columns } in indexes {
        let list = columns.join(", ");
        let hinted = format!("FROM {table} FORCE INDEX ({name})");
        queries.push((format!("SELECT * {hinted} ORDER BY {list}"), Compare::Multiset));
        queries.push((format!("SELECT {list} {hinted}"), Compare::Multiset));
        queries.push((
            format!("SELECT COUNT(*) {hinted} WHERE {} IS NULL", columns[0]),
            Compare::Multiset,
        ));
        for end in ["FIRST", "LAST"] {
            queries.push((format!("HANDLER {table} READ `{name}` {end} LIMIT 1000000"), walk));
        }
    }
    queries
}

fn differ(query: &str, compare: Compare, vamos: &Outcome, innodb: &Outcome) -> Option<Difference> {
    let difference = match (vamos, innodb) {
        (Ok(Answer::Rows(vamos)), Ok(Answer::Rows(innodb))) => compare::rows(compare, vamos, innodb),
        (Ok(_), Ok(_)) => None,
        (Err(SqlError::Lost(why)), _) | (_, Err(SqlError::Lost(why))) => {
            return Some(Difference::new(Category::Crash, format!("{query}\n{why}")));
        }
        _ if compare::code(vamos) == compare::code(innodb) => None,
        _ => Some(Difference::new(
            Category::Check,
            format!("VAMOS: {vamos:?}\nInnoDB: {innodb:?}"),
        )),
    };
    difference.map(|found| Difference::new(Category::Check, format!("{query}\n{}", found.text)))
}

fn is_partitioned(control: &mut SqlConnection, database: &str, table: &str) -> Result<bool> {
    let options = control.value(&format!(
        "SELECT create_options FROM information_schema.tables \
         WHERE table_schema = '{database}' AND table_name = '{table}'"
    ))?;
    Ok(options.contains("partitioned"))
}

fn indexes(control: &mut SqlConnection, database: &str, table: &str) -> Result<Vec<Index>> {
    let rows = control.rows(&format!(
        "SELECT index_name, column_name FROM information_schema.statistics \
         WHERE table_schema = '{database}' AND table_name = '{table}' ORDER BY index_name, seq_in_index"
    ))?;
    let mut indexes: Vec<Index> = Vec::new();
    for row in rows {
        let [name, column]: [String; 2] = row.try_into().ok().context("an index has a name and columns")?;
        match indexes.last_mut() {
            Some(index) if index.name == name => index.columns.push(column),
            _ => indexes.push(Index {
                name,
                columns: vec![column],
            }),
        }
    }
    Ok(indexes)
}

/// What CHECK TABLE finds on VAMOS.
fn check_table(control: &mut SqlConnection, database: &str, table: &str) -> Result<Option<Difference>> {
    let answer = control.run(&format!("CHECK TABLE {database}.{table} EXTENDED"));
    let Ok(Answer::Rows(rows)) = answer else {
        return Ok(Some(Difference::new(
            Category::Crash,
            format!("CHECK TABLE: {answer:?}"),
        )));
    };
    let found: Vec<String> = rows
        .iter()
        .filter(|row| {
            row.get(2)
                .is_some_and(|kind| !matches!(kind.as_deref(), Some(b"status" | b"note")))
        })
        .map(|row| row.iter().map(display).collect::<Vec<_>>().join(" | "))
        .collect();
    let text = format!("CHECK TABLE {table} EXTENDED: {}", found.join("\n"));
    Ok((!found.is_empty()).then(|| Difference::new(Category::Check, text)))
}
