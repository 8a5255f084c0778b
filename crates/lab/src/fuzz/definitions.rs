//! Changes of a table's definition. Each gives the table as it is afterwards,
//! should the statement succeed.

use fastrand::Rng;

use super::{
    schema::{KeyKind, Table},
    statement::{Compare, Kind, Statement},
    types::Type,
    values,
};

/// An ALTER, TRUNCATE or the like, and the table after it.
pub(super) fn definition(rng: &mut Rng, table: &Table) -> (Statement, Table) {
    let mut after = table.clone();
    let text = match rng.u8(..23) {
        0..=3 => add_key(rng, &mut after),
        4..=5 => drop_key(rng, &mut after),
        6..=8 => add_column(rng, &mut after),
        9 => drop_column(rng, &mut after),
        10..=11 => modify_column(rng, &mut after),
        12 => return (simple(format!("TRUNCATE TABLE {}", table.name)), after),
        13 => set_default(rng, &mut after),
        14 => Some("FORCE".into()),
        15 => several(rng, &mut after, &[add_column, add_key]),
        16 => several(rng, &mut after, &[add_column, add_column, drop_column]),
        17 => several(rng, &mut after, &[drop_key, add_key]),
        18 => rename_key(rng, &mut after),
        19 => move_column(rng, &mut after),
        20 => rename_column(rng, &mut after),
        21 => return (simple(format!("OPTIMIZE TABLE {}", table.name)), after),
        _ => return (simple(format!("ANALYZE TABLE {}", table.name)), after),
    };
    match text {
        Some(text) => (simple(format!("ALTER TABLE {} {text}", table.name)), after),
        None => (simple(format!("FLUSH TABLE {}", table.name)), table.clone()),
    }
}

fn simple(text: String) -> Statement {
    Statement::new(Kind::Definition, Compare::Success, text)
}

type Change = fn(&mut Rng, &mut Table) -> Option<String>;

/// Several changes in one ALTER TABLE.
fn several(rng: &mut Rng, table: &mut Table, changes: &[Change]) -> Option<String> {
    let texts: Vec<String> = changes.iter().filter_map(|change| change(rng, table)).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn rename_key(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let name = table.new_name("k");
    let among: Vec<usize> = (0..table.keys.len())
        .filter(|number| table.keys[*number].kind != KeyKind::Primary)
        .collect();
    let key = &mut table.keys[*rng.choice(&among)?];
    let text = format!("RENAME KEY {} TO {name}", key.name);
    key.name = name;
    Some(text)
}

/// A column at another place; the generator knows columns by their names only.
fn move_column(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let number = rng.usize(1..table.columns.len().max(2));
    let column = table
        .columns
        .get(number)
        .filter(|column| !column.is_generated())?;
    let place = match rng.bool() {
        true => "FIRST".to_owned(),
        false => "AFTER a".to_owned(),
    };
    Some(format!("MODIFY COLUMN {} {place}", column.sql()))
}

fn rename_column(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let number = free_column(rng, table)?;
    let name = table.new_name("c");
    let column = &mut table.columns[number];
    let text = format!("RENAME COLUMN {} TO {name}", column.name);
    column.name = name;
    Some(text)
}

fn add_key(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let key = table.new_key(rng);
    let text = format!("ADD {}", key.sql());
    table.keys.push(key);
    Some(text)
}

fn drop_key(rng: &mut Rng, table: &mut Table) -> Option<String> {
    if table.keys.is_empty() {
        return None;
    }
    let key = table.keys.remove(rng.usize(..table.keys.len()));
    Some(match key.kind {
        KeyKind::Primary => "DROP PRIMARY KEY".into(),
        _ => format!("DROP KEY {}", key.name),
    })
}

fn add_column(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let column = table.new_column(rng);
    let place = match rng.u8(..3) {
        0 => format!(" AFTER {}", table.columns[0].name),
        1 => " FIRST".to_owned(),
        _ => String::new(),
    };
    let text = format!("ADD COLUMN {}{place}", column.sql());
    table.columns.push(column);
    Some(text)
}

/// A column that no key and no generated column needs.
fn free_column(rng: &mut Rng, table: &Table) -> Option<usize> {
    let free: Vec<usize> = (1..table.columns.len())
        .filter(|number| {
            let name = &table.columns[*number].name;
            let in_key = table
                .keys
                .iter()
                .any(|key| key.parts.iter().any(|part| part.column == *name));
            !in_key && !table.is_base(name)
        })
        .collect();
    (!free.is_empty()).then(|| free[rng.usize(..free.len())])
}

fn drop_column(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let column = table.columns.remove(free_column(rng, table)?);
    Some(format!("DROP COLUMN {}", column.name))
}

/// Another type, or NULL allowed or not.
fn modify_column(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let number = match rng.u8(..3) {
        0 => rng.usize(1..table.columns.len().max(2)),
        _ => free_column(rng, table)?,
    };
    let in_primary = |name: &str| {
        table
            .keys
            .iter()
            .any(|key| key.kind == KeyKind::Primary && key.parts.iter().any(|part| part.column == name))
    };
    let fixed = table
        .columns
        .get(number)
        .is_none_or(|column| in_primary(&column.name) || column.is_generated());
    if fixed {
        return None;
    }
    let column = &mut table.columns[number];
    match &column.kind {
        Type::Int { bytes, unsigned } if rng.bool() => {
            column.kind = Type::Int {
                bytes: if *bytes < 8 { bytes + 1 } else { 4 },
                unsigned: *unsigned,
            };
            if column.kind
                == (Type::Int {
                    bytes: 5,
                    unsigned: false,
                })
            {
                column.kind = Type::Int {
                    bytes: 8,
                    unsigned: false,
                };
            }
        }
        Type::VarChar { length, collation } if rng.bool() => {
            column.kind = Type::VarChar {
                length: length + 3,
                collation,
            };
        }
        // A NULL that must go becomes the default of before where InnoDB rebuilds the
        // table in place, and 0 or nothing where a table is copied.
        _ => column.nullable = !column.nullable || column.default.is_some(),
    }
    Some(format!("MODIFY COLUMN {}", column.sql()))
}

fn set_default(rng: &mut Rng, table: &mut Table) -> Option<String> {
    let number = rng.usize(..table.columns.len());
    let column = &mut table.columns[number];
    if column.is_generated() || column.auto {
        return None;
    }
    let default = values::literal(rng, &column.kind);
    let text = format!("ALTER COLUMN {} SET DEFAULT ({default})", column.name);
    column.default = Some(format!("({default})"));
    Some(text)
}
