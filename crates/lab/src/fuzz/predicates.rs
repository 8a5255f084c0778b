//! Conditions: comparisons of columns with values that may be there.

use fastrand::Rng;

use super::{
    schema::{Column, Table},
    statement::Statement,
    types::Type,
    values,
};

/// Adds ` WHERE ...` with conditions of which most can be left out.
pub(super) fn add_where(rng: &mut Rng, statement: &mut Statement, table: &Table, prefix: &str) {
    if rng.u8(..8) == 0 {
        return;
    }
    statement.add(" WHERE 1");
    for _ in 0..rng.u8(1..=3) {
        statement.optional(format!(" AND {}", condition(rng, table, prefix)));
    }
}

/// A condition over a table; `prefix` stands before each column.
pub(super) fn condition(rng: &mut Rng, table: &Table, prefix: &str) -> String {
    match rng.u8(..14) {
        0 => format!(
            "({} OR {})",
            simple(rng, table, prefix),
            simple(rng, table, prefix)
        ),
        1 => format!("NOT ({})", simple(rng, table, prefix)),
        2..=4 => by_key(rng, table, prefix),
        5 => nested(rng, table, prefix, 3),
        6 => computed(rng, table, prefix),
        _ => simple(rng, table, prefix),
    }
}

/// Conditions within conditions.
fn nested(rng: &mut Rng, table: &Table, prefix: &str, depth: u8) -> String {
    if depth == 0 {
        return simple(rng, table, prefix);
    }
    let mut one = || nested(rng, table, prefix, depth - 1);
    let (left, right) = (one(), one());
    match rng.u8(..6) {
        0..=1 => format!("({left} AND {right})"),
        2..=3 => format!("({left} OR {right})"),
        4 => format!("NOT ({left} AND {right})"),
        _ => format!("(({left}) IS NOT TRUE OR {right})"),
    }
}

/// A comparison of something that is computed of columns.
fn computed(rng: &mut Rng, table: &Table, prefix: &str) -> String {
    let column = table.any_column(rng);
    let name = format!("{prefix}{}", column.name);
    let literal = values::comparable(rng, &column.kind);
    let operator = ["=", "<", ">=", "<>", "<=>"][rng.usize(..5)];
    match &column.kind {
        Type::Int { .. } => {
            let small = rng.u8(1..9);
            let value = rng.u8(..30);
            match rng.u8(..5) {
                0 => format!("{name} + {small} {operator} {literal}"),
                1 => format!("{name} - {small} {operator} {value}"),
                2 => format!("{name} % {small} {operator} {}", rng.u8(..4)),
                3 => format!("{name} & {small} {operator} {}", rng.u8(..8)),
                _ => format!("{name} DIV {small} {operator} {value}"),
            }
        }
        kind if kind.is_string() => format!("LENGTH({name}) {operator} {}", rng.u8(..12)),
        Type::Date | Type::DateTime(_) => match rng.bool() {
            true => format!("YEAR({name}) {operator} 2024"),
            false => format!("{name} {operator} '2024-01-15'"),
        },
        _ => match rng.bool() {
            true => format!("COALESCE({name}, {literal}) {operator} {literal}"),
            false => format!("(({name} {operator} {literal}) IS NULL) = {}", rng.u8(..2)),
        },
    }
}

/// Equality on the first columns of a key, perhaps a range on the next one.
fn by_key(rng: &mut Rng, table: &Table, prefix: &str) -> String {
    if table.keys.is_empty() {
        return simple(rng, table, prefix);
    }
    let key = &table.keys[rng.usize(..table.keys.len())];
    let columns: Vec<&Column> = key
        .parts
        .iter()
        .filter_map(|part| table.column(&part.column))
        .collect();
    let equal = rng.usize(0..=columns.len());
    let mut conditions: Vec<String> = columns[..equal]
        .iter()
        .map(|column| {
            format!(
                "{prefix}{} = {}",
                column.name,
                values::comparable(rng, &column.kind)
            )
        })
        .collect();
    if let Some(column) = columns.get(equal) {
        conditions.push(range(rng, column, prefix));
    }
    format!("({})", conditions.join(" AND "))
}

pub(super) fn range(rng: &mut Rng, column: &Column, prefix: &str) -> String {
    let name = format!("{prefix}{}", column.name);
    let kind = &column.kind;
    match rng.u8(..5) {
        0 => format!(
            "{name} BETWEEN {} AND {}",
            values::comparable(rng, kind),
            values::comparable(rng, kind)
        ),
        1 => format!(
            "{name} > {} AND {name} < {}",
            values::comparable(rng, kind),
            values::comparable(rng, kind)
        ),
        2 => format!("{name} >= {}", values::comparable(rng, kind)),
        3 => format!("{name} < {}", values::comparable(rng, kind)),
        _ => format!("{name} <= {}", values::comparable(rng, kind)),
    }
}

fn simple(rng: &mut Rng, table: &Table, prefix: &str) -> String {
    let column = table.any_column(rng);
    let name = format!("{prefix}{}", column.name);
    let kind = &column.kind;
    match rng.u8(..16) {
        0..=3 => range(rng, column, prefix),
        4..=6 => format!("{name} = {}", values::comparable(rng, kind)),
        7 => format!("{name} <> {}", values::comparable(rng, kind)),
        8 => format!("{name} IS NULL"),
        9 => format!("{name} IS NOT NULL"),
        10 => format!("{name} <=> {}", values::comparable(rng, kind)),
        11..=12 => {
            let list: Vec<String> = (0..rng.u8(1..=6))
                .map(|_| values::comparable(rng, kind))
                .collect();
            format!("{name} IN ({})", list.join(", "))
        }
        13 if kind.is_string() && !kind.is_wide() => format!("{name} LIKE {}", values::pattern(rng)),
        14 => with_another(rng, table, column, prefix),
        15 if kind.is_exact_number() => format!("{name} % 3 = {}", rng.u8(..3)),
        _ => format!("{name} IS NOT NULL"),
    }
}

/// A comparison of two columns of the same sort, if there are such.
fn with_another(rng: &mut Rng, table: &Table, column: &Column, prefix: &str) -> String {
    let other = table.any_column(rng);
    let alike = std::mem::discriminant(&other.kind) == std::mem::discriminant(&column.kind);
    if !alike || matches!(column.kind, Type::Float | Type::Double) {
        return format!("{prefix}{} IS NULL", column.name);
    }
    let operator = ["=", "<", ">=", "<>"][rng.usize(..4)];
    format!("{prefix}{} {operator} {prefix}{}", column.name, other.name)
}
