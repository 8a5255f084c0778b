//! SELECT statements.

use fastrand::Rng;

use super::{
    predicates::{add_where, condition, range},
    schema::{Column, Table},
    statement::{Compare, Kind, Statement},
    types::Type,
};

/// A query over some of the tables.
pub(super) fn query(rng: &mut Rng, tables: &[Table]) -> Statement {
    let table = &tables[rng.usize(..tables.len())];
    match rng.u8(..20) {
        0..=8 => rows(rng, table),
        9..=10 => aggregate(rng, table),
        11 => by_key(rng, table),
        12 => distinct(rng, table),
        13..=15 => join(rng, tables),
        16..=17 => subquery(rng, tables),
        18 => union(rng, table),
        _ => count(rng, table),
    }
}

fn select(text: String) -> Statement {
    Statement::new(Kind::Rows, Compare::Multiset, text)
}

/// Rows of one table: all columns or a key's (a covering read), in some order,
/// perhaps limited, perhaps locking.
fn rows(rng: &mut Rng, table: &Table) -> Statement {
    let mut statement = select(format!("SELECT {} FROM {}", columns(rng, table), table.name));
    statement.optional(hint(rng, table));
    add_where(rng, &mut statement, table, "");
    order_and_limit(rng, &mut statement, table);
    match rng.u8(..8) {
        0 => statement.optional(" FOR UPDATE"),
        1 => statement.optional(" LOCK IN SHARE MODE"),
        _ => {}
    }
    statement
}

fn columns(rng: &mut Rng, table: &Table) -> String {
    match rng.u8(..3) {
        0 => "*".into(),
        1 if !table.keys.is_empty() => {
            let key = &table.keys[rng.usize(..table.keys.len())];
            let names: Vec<&str> = key.parts.iter().map(|part| part.column.as_str()).collect();
            names.join(", ")
        }
        _ => {
            let count = rng.usize(1..=3);
            let names: Vec<&str> = (0..count).map(|_| table.any_column(rng).name.as_str()).collect();
            names.join(", ")
        }
    }
}

/// An index hint, or nothing.
pub(super) fn hint(rng: &mut Rng, table: &Table) -> String {
    if table.keys.is_empty() || rng.bool() {
        return String::new();
    }
    let key = &table.keys[rng.usize(..table.keys.len())];
    let how = ["FORCE", "FORCE", "USE", "IGNORE"][rng.usize(..4)];
    format!(" {how} INDEX ({})", key.name)
}

/// ` ORDER BY ...`: total where a primary key makes it so.
fn order_and_limit(rng: &mut Rng, statement: &mut Statement, table: &Table) {
    let direction = |rng: &mut Rng| ["", " DESC"][rng.usize(..2)];
    let mut ordered = false;
    if rng.u8(..3) != 0 {
        let mut by: Vec<String> = Vec::new();
        if rng.bool() {
            let column = table.any_column(rng);
            by.push(format!("{}{}", column.name, direction(rng)));
        }
        if let Some(total) = table.total_order() {
            let down = direction(rng);
            by.extend(total.split(", ").map(|column| format!("{column}{down}")));
            ordered = true;
            statement.compare = Compare::Ordered;
        }
        if !by.is_empty() {
            statement.add(format!(" ORDER BY {}", by.join(", ")));
        }
    }
    if rng.u8(..4) == 0 {
        if !ordered {
            statement.compare = Compare::Count;
        }
        match rng.u8(..3) {
            0 => statement.add(format!(" LIMIT {}, {}", rng.u8(..5), rng.u8(..10))),
            _ => statement.add(format!(" LIMIT {}", rng.u8(..10))),
        }
    }
}

/// An aggregate that is exact and says the same whichever of equal strings the
/// engine shows.
fn measure(rng: &mut Rng, column: &Column, prefix: &str) -> String {
    let name = format!("{prefix}{}", column.name);
    let kind = &column.kind;
    match rng.u8(..6) {
        0 => "COUNT(*)".into(),
        1 => format!("COUNT({name})"),
        2 => format!("COUNT(DISTINCT {name})"),
        3 | 4 if kind.has_open_extremes() => format!("MAX({name}) IS NULL"),
        3 => format!("MIN({name})"),
        // Shown as bytes or as a number: by how the server groups.
        4 if matches!(kind, Type::Bit(_)) => format!("MAX({name} + 0)"),
        4 => format!("MAX({name})"),
        _ if kind.is_exact_number() => format!("SUM({name})"),
        _ => format!("COUNT({name} = {name})"),
    }
}

fn measures(rng: &mut Rng, table: &Table, prefix: &str) -> String {
    let list: Vec<String> = (0..rng.u8(1..=3))
        .map(|_| {
            let column = table.any_column(rng);
            measure(rng, column, prefix)
        })
        .collect();
    list.join(", ")
}

fn aggregate(rng: &mut Rng, table: &Table) -> Statement {
    let group: Vec<&Column> = (0..[0, 1, 1, 2][rng.usize(..4)])
        .map(|_| table.any_column(rng))
        .collect();
    let shown: String = group
        .iter()
        .filter(|column| !column.kind.is_loose())
        .map(|column| format!("{}, ", column.name))
        .collect();
    let mut statement = select(format!(
        "SELECT {shown}{} FROM {}",
        measures(rng, table, ""),
        table.name
    ));
    statement.optional(hint(rng, table));
    add_where(rng, &mut statement, table, "");
    if !group.is_empty() {
        let names: Vec<&str> = group.iter().map(|column| column.name.as_str()).collect();
        statement.add(format!(" GROUP BY {}", names.join(", ")));
        if rng.u8(..4) == 0 {
            statement.optional(" HAVING COUNT(*) > 1");
        }
    }
    match rng.u8(..16) {
        0 => statement.optional(" FOR UPDATE"),
        1 => statement.optional(" LOCK IN SHARE MODE"),
        _ => {}
    }
    statement
}

/// The least and the greatest values of a key's groups, which an index tells
/// without reading all of it.
fn by_key(rng: &mut Rng, table: &Table) -> Statement {
    let Some(key) = (!table.keys.is_empty()).then(|| &table.keys[rng.usize(..table.keys.len())]) else {
        return count(rng, table);
    };
    let columns: Vec<&Column> = key
        .parts
        .iter()
        .filter_map(|part| table.column(&part.column))
        .collect();
    let groups = rng.usize(..columns.len().max(1));
    let names: Vec<&str> = columns[..groups]
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let mut shown: Vec<String> = columns[..groups]
        .iter()
        .filter(|column| !column.kind.is_loose())
        .map(|column| column.name.clone())
        .collect();
    for function in ["MIN", "MAX"] {
        if let Some(column) = columns.get(groups) {
            shown.push(match column.kind.has_open_extremes() {
                true => format!("{function}({}) IS NULL", column.name),
                false => format!("{function}({})", column.name),
            });
        }
    }
    let mut statement = select(format!("SELECT {} FROM {}", shown.join(", "), table.name));
    statement.optional(format!(" FORCE INDEX ({})", key.name));
    if rng.bool() {
        statement.add(" WHERE 1");
        for column in &columns[..columns.len().min(groups + 1)] {
            if rng.bool() {
                statement.optional(format!(" AND {}", range(rng, column, "")));
            }
        }
    }
    if groups > 0 {
        statement.add(format!(" GROUP BY {}", names.join(", ")));
    }
    statement
}

fn distinct(rng: &mut Rng, table: &Table) -> Statement {
    let plain: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| !column.kind.is_loose())
        .collect();
    let mut names: Vec<&str> = (0..rng.u8(1..=2))
        .map(|_| plain[rng.usize(..plain.len())].name.as_str())
        .collect();
    names.dedup();
    let mut statement = select(format!(
        "SELECT DISTINCT {} FROM {}",
        names.join(", "),
        table.name
    ));
    statement.optional(hint(rng, table));
    add_where(rng, &mut statement, table, "");
    statement
}

fn count(rng: &mut Rng, table: &Table) -> Statement {
    let mut statement = select(format!("SELECT COUNT(*) FROM {}", table.name));
    statement.optional(hint(rng, table));
    add_where(rng, &mut statement, table, "");
    statement
}

/// A condition that joins two tables, on columns that compare well.
fn join_condition(rng: &mut Rng, left: &Table, right: &Table, names: (&str, &str)) -> String {
    let pairs: Vec<(&Column, &Column)> = left
        .columns
        .iter()
        .flat_map(|one| right.columns.iter().map(move |other| (one, other)))
        .filter(|(one, other)| std::mem::discriminant(&one.kind) == std::mem::discriminant(&other.kind))
        .collect();
    let (one, other) = match pairs.is_empty() {
        true => (&left.columns[0], &right.columns[0]),
        false => pairs[rng.usize(..pairs.len())],
    };
    let mut text = format!("{}.{} = {}.{}", names.0, one.name, names.1, other.name);
    if rng.u8(..5) == 0 {
        text.push_str(&format!(
            " AND {}",
            condition(rng, right, &format!("{}.", names.1))
        ));
    }
    text
}

fn join(rng: &mut Rng, tables: &[Table]) -> Statement {
    let pick = |rng: &mut Rng| &tables[rng.usize(..tables.len())];
    let (first, second, third) = (pick(rng), pick(rng), pick(rng));
    let kind = ["JOIN", "JOIN", "LEFT JOIN", "STRAIGHT_JOIN"][rng.usize(..4)];
    // What joins many rows is only counted.
    let grouped = rng.u8(..3) == 0 || first.rows * second.rows > 10_000;
    let shown = match grouped {
        true => format!("{}, {}", measures(rng, first, "x."), measures(rng, second, "y.")),
        false => format!(
            "x.a, x.{}, y.{}",
            first.any_column(rng).name,
            second.any_column(rng).name
        ),
    };
    let mut statement = select(format!("SELECT {shown} FROM {} x", first.name));
    statement.optional(hint(rng, first));
    statement.add(format!(" {kind} {} y", second.name));
    statement.optional(hint(rng, second));
    statement.add(format!(" ON {}", join_condition(rng, first, second, ("x", "y"))));
    if rng.u8(..4) == 0 && first.rows * second.rows * third.rows < 500_000 {
        statement.optional(format!(
            " {kind} {} z ON {}",
            third.name,
            join_condition(rng, second, third, ("y", "z"))
        ));
    }
    add_where(rng, &mut statement, first, "x.");
    let limited = rng.u8(..3) == 0;
    if limited {
        statement.compare = if grouped {
            Compare::Multiset
        } else {
            Compare::Count
        };
        statement.add(format!(" LIMIT {}", rng.u8(1..20)));
    } else {
        match rng.u8(..16) {
            0 => statement.optional(" FOR UPDATE"),
            1 => statement.optional(" LOCK IN SHARE MODE"),
            _ => {}
        }
    }
    statement
}

fn subquery(rng: &mut Rng, tables: &[Table]) -> Statement {
    let pick = |rng: &mut Rng| &tables[rng.usize(..tables.len())];
    let (outer, inner) = (pick(rng), pick(rng));
    let mut statement = select(format!(
        "SELECT x.{}, x.a FROM {} x",
        outer.any_column(rng).name,
        outer.name
    ));
    statement.optional(hint(rng, outer));
    let not = ["", "", "NOT "][rng.usize(..3)];
    match rng.u8(..3) {
        0 => {
            statement.add(format!(" WHERE x.a {not}IN (SELECT y.a FROM {} y", inner.name));
            statement.optional(hint(rng, inner));
            add_where(rng, &mut statement, inner, "y.");
        }
        1 => {
            let on = join_condition(rng, outer, inner, ("x", "y"));
            statement.add(format!(
                " WHERE {not}EXISTS (SELECT 1 FROM {} y WHERE {on}",
                inner.name
            ));
            statement.optional(format!(" AND {}", condition(rng, inner, "y.")));
        }
        _ => {
            let function = ["MIN", "MAX", "COUNT"][rng.usize(..3)];
            statement.add(format!(
                " WHERE x.a >= (SELECT {function}(y.a) FROM {} y",
                inner.name
            ));
            add_where(rng, &mut statement, inner, "y.");
        }
    }
    statement.add(")");
    statement.optional(format!(" AND {}", condition(rng, outer, "x.")));
    statement
}

fn union(rng: &mut Rng, table: &Table) -> Statement {
    let all = rng.bool();
    let plain: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| all || !column.kind.is_loose())
        .collect();
    let name = &plain[rng.usize(..plain.len())].name;
    let mut statement = select(format!("SELECT {name} FROM {}", table.name));
    add_where(rng, &mut statement, table, "");
    statement.add(format!(
        " UNION {}SELECT {name} FROM {}",
        if all { "ALL " } else { "" },
        table.name
    ));
    statement.optional(hint(rng, table));
    add_where(rng, &mut statement, table, "");
    statement
}
