//! INSERT, REPLACE, UPDATE and DELETE statements whose effect does not depend
//! on an order of rows that nothing asks for.

use fastrand::Rng;

use super::{
    predicates::{add_where, condition},
    queries::hint,
    schema::{Column, Table},
    statement::{Compare, Kind, Statement},
    types::Type,
    values,
};

/// A statement that changes rows of one of the tables.
pub(super) fn change(rng: &mut Rng, tables: &[Table]) -> Statement {
    let table = &tables[rng.usize(..tables.len())];
    let other = &tables[rng.usize(..tables.len())];
    match rng.u8(..20) {
        0..=7 => insert(rng, table),
        8 => insert_select(rng, table, other),
        9..=15 => update(rng, table),
        16 => multi_update(rng, table, other),
        17 => multi_delete(rng, table, other),
        _ => delete(rng, table),
    }
}

/// Rows for a new table.
pub(super) fn fill(rng: &mut Rng, table: &Table, rows: usize) -> Statement {
    let mut statement = affected("INSERT IGNORE INTO ", table);
    values_list(rng, &mut statement, table, rows, false);
    statement
}

fn affected(verb: &str, table: &Table) -> Statement {
    let text = format!("{verb}{}", table.name);
    Statement::new(Kind::Rows, Compare::Affected, text)
}

fn insert(rng: &mut Rng, table: &Table) -> Statement {
    let verb = [
        "INSERT INTO ",
        "INSERT INTO ",
        "INSERT INTO ",
        "INSERT IGNORE INTO ",
        "REPLACE INTO ",
    ][rng.usize(..5)];
    let mut statement = affected(verb, table);
    let rows = if rng.bool() { 1 } else { rng.usize(1..12) };
    let counted = rows > 1 && verb == "INSERT INTO " && table.columns[0].auto;
    values_list(rng, &mut statement, table, rows, counted);
    // Rows go to the host without waiting: a value that the server refuses in a
    // later row may be told before a duplicate that the host finds in an earlier.
    statement.any_data_error = rows > 1;
    if verb == "INSERT INTO " && rng.u8(..4) == 0 && table.unique_keys() == 1 {
        on_duplicate(rng, &mut statement, table, true);
    } else if rng.u8(..12) == 0 {
        statement.compare = Compare::Ordered;
        statement.add(format!(" RETURNING a, {}", table.any_column(rng).name));
    } else if table.unique_keys() <= 1 && !verb.contains("REPLACE") {
        statement.compare = Compare::AffectedAndWarnings;
    }
    statement
}

/// The columns that values are given for: the first one and others.
fn targets<'a>(rng: &mut Rng, table: &'a Table) -> Vec<&'a Column> {
    let some = rng.u8(..6) == 0;
    table.columns[1..]
        .iter()
        .filter(|column| !column.is_generated() && (!some || rng.bool()))
        .collect()
}

/// With `counted`, the engine gives the AUTO_INCREMENT values: how far a statement that
/// fails has come when it has counted up by its own values is open.
fn values_list(rng: &mut Rng, statement: &mut Statement, table: &Table, rows: usize, counted: bool) {
    let columns = targets(rng, table);
    statement.add(" (a");
    for column in &columns {
        statement.of_column(table.id(column), format!(", {}", column.name));
    }
    statement.add(") VALUES");
    for row in 0..rows {
        let first = match counted {
            true => "0".to_owned(),
            false => values::literal(rng, &table.columns[0].kind),
        };
        // A row's columns can go one by one from the first row only.
        if row == 0 {
            statement.add(format!(" ({first}"));
            for column in &columns {
                let value = value_of(rng, column);
                statement.of_column(table.id(column), format!(", {value}"));
            }
            statement.add(")");
        } else {
            let mut text = vec![first];
            text.extend(columns.iter().map(|column| value_of(rng, column)));
            statement.optional(format!(", ({})", text.join(", ")));
        }
    }
}

fn value_of(rng: &mut Rng, column: &Column) -> String {
    match rng.u8(..25) {
        0 if column.default.is_some() || column.nullable => "DEFAULT".into(),
        _ if column.nullable => values::nullable(rng, &column.kind),
        1 if rng.u8(..4) == 0 => "NULL".into(),
        _ => values::literal(rng, &column.kind),
    }
}

/// With `old`, of the value that is there, too: its name means one column only.
fn on_duplicate(rng: &mut Rng, statement: &mut Statement, table: &Table, old: bool) {
    let settable: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| !column.is_generated() && (!column.auto || rng.bool()))
        .collect();
    let Some(column) = (!settable.is_empty()).then(|| settable[rng.usize(..settable.len())]) else {
        return;
    };
    let value = match rng.u8(..3) {
        0 => format!("VALUES({})", column.name),
        1 if column.kind.is_int() && old => format!("{} + 1", column.name),
        _ => values::literal(rng, &column.kind),
    };
    statement.add(format!(" ON DUPLICATE KEY UPDATE {} = {value}", column.name));
}

/// Rows of another table, in a total order where there is one, or of the same one: by
/// an index in that order the server would come to rows that it has just inserted.
fn insert_select(rng: &mut Rng, table: &Table, from: &Table) -> Statement {
    let order = from.total_order().filter(|_| from.name != table.name);
    let verb = match order {
        Some(_) => ["INSERT INTO ", "INSERT IGNORE INTO ", "REPLACE INTO "][rng.usize(..3)],
        None => "INSERT INTO ",
    };
    let mut statement = affected(verb, table);
    let mut names = vec!["a".to_owned()];
    let counted = order.is_some() && verb == "INSERT INTO " && table.columns[0].auto;
    let mut shown = vec![match counted {
        true => "0".to_owned(),
        false => format!("a + {}", rng.u8(..60)),
    }];
    for column in &table.columns[1..] {
        let alike = from.columns.iter().find(|other| {
            std::mem::discriminant(&other.kind) == std::mem::discriminant(&column.kind) && rng.u8(..3) != 0
        });
        if column.is_generated() || (alike.is_none() && rng.bool()) {
            continue;
        }
        names.push(column.name.clone());
        shown.push(match alike {
            Some(other) => other.name.clone(),
            // Else 'A' would be called as the column is that rows are ordered by.
            None => format!("{} AS v", value_of(rng, column).replace("DEFAULT", "NULL")),
        });
    }
    statement.add(format!(
        " ({}) SELECT {} FROM {}",
        names.join(", "),
        shown.join(", "),
        from.name
    ));
    statement.optional(hint(rng, from));
    add_where(rng, &mut statement, from, "");
    // Nor is an order enough: see insert().
    statement.any_data_error = true;
    if let Some(order) = order {
        statement.add(format!(" ORDER BY {order} LIMIT {}", rng.u8(1..30)));
        if verb == "INSERT INTO " && table.unique_keys() == 1 && rng.bool() {
            on_duplicate(rng, &mut statement, table, false);
        }
    }
    statement
}

/// What to set a column to: a literal, or something made of the row's own
/// values.
fn new_value(rng: &mut Rng, column: &Column, prefix: &str) -> String {
    let name = format!("{prefix}{}", column.name);
    match (&column.kind, rng.u8(..4)) {
        (Type::Int { .. }, 0) => format!("{name} + {}", rng.u8(1..40)),
        (Type::Int { unsigned: false, .. }, 1) => format!("{name} - {}", rng.u8(1..40)),
        (Type::VarChar { .. } | Type::Text { .. }, 0) => format!("CONCAT({name}, 'a')"),
        (Type::VarChar { .. } | Type::Char { .. }, 1) => format!("UPPER({name})"),
        _ if column.nullable => values::nullable(rng, &column.kind),
        _ => values::literal(rng, &column.kind),
    }
}

/// Assignments, and whether one of them can meet a unique key or an order.
fn assignments(rng: &mut Rng, table: &Table, prefix: &str, unique: bool) -> (Vec<String>, bool) {
    let mut chosen: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| !column.is_generated() && (unique || !table.is_in_unique_key(&column.name)))
        .collect();
    let mut set = Vec::new();
    let mut delicate = false;
    for _ in 0..rng.u8(1..=2) {
        if chosen.is_empty() {
            break;
        }
        let column = chosen.remove(rng.usize(..chosen.len()));
        delicate |= table.is_in_unique_key(&column.name) || table.is_base(&column.name);
        set.push(format!(
            "{prefix}{} = {}",
            column.name,
            new_value(rng, column, prefix)
        ));
    }
    (set, delicate)
}

/// After a query that none of a table's partitions had rows for, the server takes them
/// still for such in a change that takes its first rows by an index, with any engine.
fn can_be_limited(table: &Table) -> bool {
    !table.is_partitioned()
}

fn update(rng: &mut Rng, table: &Table) -> Statement {
    let order = table.total_order();
    let unique = order.is_some() && rng.u8(..3) == 0;
    let (set, delicate) = assignments(rng, table, "", unique);
    if set.is_empty() {
        return delete(rng, table);
    }
    let ignore = order.is_some() && rng.u8(..10) == 0;
    let mut statement = affected(if ignore { "UPDATE IGNORE " } else { "UPDATE " }, table);
    statement.any_data_error = true;
    statement.optional(hint(rng, table));
    statement.add(format!(" SET {}", set.join(", ")));
    add_where(rng, &mut statement, table, "");
    let limited = can_be_limited(table) && rng.u8(..6) == 0;
    if let Some(order) = order
        && (unique || delicate || ignore || limited)
    {
        statement.add(format!(
            " ORDER BY {order}{}",
            if rng.bool() { " DESC" } else { "" }
        ));
        if limited {
            statement.add(format!(" LIMIT {}", rng.u8(1..8)));
        }
    }
    statement
}

fn delete(rng: &mut Rng, table: &Table) -> Statement {
    let mut statement = affected("DELETE FROM ", table);
    statement.any_data_error = true;
    statement.add(format!(" WHERE {}", condition(rng, table, "")));
    statement.optional(format!(" AND {}", condition(rng, table, "")));
    match table.total_order() {
        Some(order) if can_be_limited(table) && rng.u8(..4) == 0 => {
            statement.add(format!(" ORDER BY {order} LIMIT {}", rng.u8(1..8)));
        }
        _ if rng.u8(..10) == 0 => {
            statement.compare = Compare::Multiset;
            statement.add(format!(" RETURNING {}", table.any_column(rng).name));
        }
        _ => {}
    }
    statement
}

fn multi_update(rng: &mut Rng, table: &Table, other: &Table) -> Statement {
    let (set, _) = assignments(rng, table, "x.", false);
    if set.is_empty() {
        return insert(rng, table);
    }
    let mut statement = affected("UPDATE ", table);
    statement.any_data_error = true;
    statement.add(format!(
        " x JOIN {} y ON x.a = y.a SET {}",
        other.name,
        set.join(", ")
    ));
    statement.add(format!(" WHERE {}", condition(rng, other, "y.")));
    statement.optional(format!(" AND {}", condition(rng, table, "x.")));
    statement
}

fn multi_delete(rng: &mut Rng, table: &Table, other: &Table) -> Statement {
    let both = rng.bool() && table.name != other.name;
    let text = format!(
        "DELETE {} FROM {} x JOIN {} y ON x.a = y.a",
        if both { "x, y" } else { "x" },
        table.name,
        other.name
    );
    let mut statement = Statement::new(Kind::Rows, Compare::Affected, text);
    statement.any_data_error = true;
    statement.add(format!(" WHERE {}", condition(rng, other, "y.")));
    statement.add(format!(" AND {}", condition(rng, table, "x.")));
    statement
}
