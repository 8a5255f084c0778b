//! Tables: columns, keys, partitions, and their definitions.

use fastrand::Rng;

use super::{
    statement::{ColumnId, Compare, Kind, Statement},
    types::Type,
    values,
};

/// A table as the generator knows it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) keys: Vec<Key>,
    /// How many rows it began with, at most.
    pub(super) rows: usize,
    partition: Option<String>,
    /// The column that the partitions depend on; every unique key has it.
    partitioned_by: Option<String>,
    /// Numbers new names.
    next: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) nullable: bool,
    pub(super) default: Option<String>,
    pub(super) generated: Option<Generated>,
    pub(super) auto: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Generated {
    expression: String,
    stored: bool,
    /// The columns that it is computed from.
    from: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Primary,
    Unique,
    Plain,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) kind: KeyKind,
    pub(super) parts: Vec<KeyPart>,
}

#[derive(Clone, Debug)]
pub(super) struct KeyPart {
    pub(super) column: String,
    prefix: Option<u16>,
    descending: bool,
}

impl Key {
    pub(super) fn is_unique(&self) -> bool {
        self.kind != KeyKind::Plain
    }

    /// Its text in a definition or an ALTER.
    pub(super) fn sql(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(KeyPart::sql).collect();
        let parts = parts.join(", ");
        match self.kind {
            KeyKind::Primary => format!("PRIMARY KEY ({parts})"),
            KeyKind::Unique => format!("UNIQUE KEY {} ({parts})", self.name),
            KeyKind::Plain => format!("KEY {} ({parts})", self.name),
        }
    }
}

impl KeyPart {
    fn sql(&self) -> String {
        let prefix = self
            .prefix
            .map(|length| format!("({length})"))
            .unwrap_or_default();
        format!(
            "{}{prefix}{}",
            self.column,
            if self.descending { " DESC" } else { "" }
        )
    }
}

impl Column {
    /// Its text in a definition.
    pub(super) fn sql(&self) -> String {
        let mut text = format!("{} {}", self.name, self.kind.sql());
        if let Some(generated) = &self.generated {
            let how = if generated.stored { "STORED" } else { "VIRTUAL" };
            text.push_str(&format!(" AS ({}) {how}", generated.expression));
            return text;
        }
        text.push_str(if self.nullable { " NULL" } else { " NOT NULL" });
        if self.auto {
            text.push_str(" AUTO_INCREMENT");
        }
        match &self.default {
            Some(default) => text.push_str(&format!(" DEFAULT {default}")),
            // Without it a first TIMESTAMP updates itself.
            None if matches!(self.kind, Type::Timestamp(_)) && !self.nullable => {
                text.push_str(" DEFAULT '2024-01-01 00:00:00'")
            }
            None => {}
        }
        text
    }

    pub(super) fn is_generated(&self) -> bool {
        self.generated.is_some()
    }

    fn is_virtual(&self) -> bool {
        self.generated.as_ref().is_some_and(|generated| !generated.stored)
    }
}

impl Table {
    /// A table of a random shape.
    pub(super) fn any(rng: &mut Rng, name: &str) -> Self {
        let mut table = Self {
            name: name.to_owned(),
            columns: Vec::new(),
            keys: Vec::new(),
            rows: 0,
            partition: None,
            partitioned_by: None,
            next: 0,
        };
        // One column that shrinking never takes, so that lists begin with it.
        table.columns.push(Column {
            name: "a".into(),
            kind: Type::int(rng),
            nullable: false,
            default: None,
            generated: None,
            auto: false,
        });
        for _ in 0..rng.u8(1..8) {
            let column = table.new_column(rng);
            table.columns.push(column);
        }
        if rng.u8(..8) != 0 {
            let primary = table.primary_key(rng);
            table.keys.push(primary);
        }
        for _ in 0..rng.u8(..5) {
            let key = table.new_key(rng);
            table.keys.push(key);
        }
        table.maybe_auto_increment(rng);
        table.maybe_partition(rng);
        table
    }

    /// A name that nothing in the table has had.
    pub(super) fn new_name(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}{}", self.next)
    }

    /// A further column; it is not added.
    pub(super) fn new_column(&mut self, rng: &mut Rng) -> Column {
        self.next += 1;
        let name = format!("c{}", self.next);
        let mut kind = Type::any(rng);
        let generated = (rng.u8(..6) == 0).then(|| self.generated(rng));
        if let Some((of, _)) = &generated {
            kind = of.clone();
        }
        let nullable = rng.u8(..3) != 0;
        let default = (rng.u8(..4) == 0).then(|| match nullable {
            true => values::nullable(rng, &kind),
            false => values::literal(rng, &kind),
        });
        Column {
            name,
            kind,
            nullable,
            default,
            generated: generated.map(|(_, generated)| generated),
            auto: false,
        }
    }

    /// A generated column over a column that is there.
    fn generated(&self, rng: &mut Rng) -> (Type, Generated) {
        let base: Vec<&Column> = self
            .columns
            .iter()
            .filter(|column| !column.is_generated())
            .collect();
        let from = base[rng.usize(..base.len())];
        let name = &from.name;
        let big = Type::Int {
            bytes: 8,
            unsigned: false,
        };
        let (kind, expression) = match &from.kind {
            Type::Int { unsigned: false, .. } => match rng.u8(..3) {
                0 => (big, format!("{name} % 5")),
                1 => (big, format!("{name} * 2")),
                _ => (
                    Type::VarChar {
                        length: 40,
                        collation: "latin1_swedish_ci",
                    },
                    format!("CONCAT('v', {name})"),
                ),
            },
            Type::Char { collation, .. } | Type::VarChar { collation, .. } => match rng.u8(..3) {
                0 => (big, format!("CHAR_LENGTH({name})")),
                1 => (Type::VarChar { length: 8, collation }, format!("LEFT({name}, 3)")),
                _ => (
                    Type::VarChar {
                        length: 300,
                        collation,
                    },
                    format!("UPPER({name})"),
                ),
            },
            Type::Date | Type::DateTime(_) => (big, format!("YEAR({name})")),
            _ => (big, format!("{name} IS NULL")),
        };
        let generated = Generated {
            expression,
            stored: rng.bool(),
            from: vec![name.clone()],
        };
        (kind, generated)
    }

    fn primary_key(&mut self, rng: &mut Rng) -> Key {
        let mut parts: Vec<KeyPart> = Vec::new();
        let wanted = if rng.u8(..3) == 0 { rng.usize(2..=3) } else { 1 };
        for _ in 0..wanted {
            // The plain integer most often: rows meet by it.
            let column = match rng.bool() {
                true => &self.columns[0],
                false => &self.columns[rng.usize(..self.columns.len())],
            };
            let usable = !column.is_generated() && !parts.iter().any(|part| part.column == column.name);
            if usable {
                parts.push(key_part(rng, column));
            }
        }
        if parts.is_empty() {
            parts.push(key_part(rng, &self.columns[0]));
        }
        for part in &parts {
            for column in &mut self.columns {
                if column.name == part.column {
                    column.nullable = false;
                    if column.default.as_deref() == Some("NULL") {
                        column.default = None;
                    }
                }
            }
        }
        Key {
            name: "PRIMARY".into(),
            kind: KeyKind::Primary,
            parts,
        }
    }

    /// A further secondary key; it is not added.
    pub(super) fn new_key(&mut self, rng: &mut Rng) -> Key {
        self.next += 1;
        let mut parts: Vec<KeyPart> = Vec::new();
        for _ in 0..rng.usize(1..=3) {
            let column = &self.columns[rng.usize(..self.columns.len())];
            if self.partition.is_some() && column.is_virtual() {
                continue;
            }
            if !parts.iter().any(|part| part.column == column.name) {
                parts.push(key_part(rng, column));
            }
        }
        if parts.is_empty() {
            parts.push(key_part(rng, &self.columns[0]));
        }
        let unique = rng.u8(..4) == 0;
        if unique
            && let Some(by) = &self.partitioned_by
            && let Some(column) = self.column(by)
            && !parts.iter().any(|part| part.column == *by)
        {
            parts.push(key_part(rng, column));
        }
        Key {
            name: format!("k{}", self.next),
            kind: if unique { KeyKind::Unique } else { KeyKind::Plain },
            parts,
        }
    }

    fn maybe_auto_increment(&mut self, rng: &mut Rng) {
        let first_of_key = self
            .keys
            .iter()
            .any(|key| key.parts[0].column == "a" && !key.parts[0].descending);
        if first_of_key && rng.u8(..5) == 0 {
            self.columns[0].auto = true;
        }
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.partition.is_some()
    }

    fn maybe_partition(&mut self, rng: &mut Rng) {
        if rng.u8(..10) != 0 {
            return;
        }
        let in_all = |key: &Key| {
            !key.is_unique()
                || key
                    .parts
                    .iter()
                    .any(|part| part.column == "a" && part.prefix.is_none())
        };
        // The server merges partitions by columns that nobody has computed then.
        let is_virtual = |part: &KeyPart| self.column(&part.column).is_some_and(Column::is_virtual);
        let virtual_key = |key: &Key| key.parts.iter().any(is_virtual);
        if !self.keys.iter().all(in_all) || self.keys.iter().any(virtual_key) {
            return;
        }
        self.partitioned_by = Some("a".into());
        self.partition = Some(match rng.u8(..3) {
            0 => format!("PARTITION BY HASH (a) PARTITIONS {}", rng.u8(1..=5)),
            1 => format!("PARTITION BY KEY (a) PARTITIONS {}", rng.u8(1..=5)),
            _ => "PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN (10), \
                  PARTITION p2 VALUES LESS THAN MAXVALUE)"
                .into(),
        });
    }

    /// The statement that makes it.
    pub(super) fn create(&self) -> Statement {
        let mut statement = Statement::new(
            Kind::Definition,
            Compare::Success,
            format!("CREATE TABLE {} (", self.name),
        );
        for (number, column) in self.columns.iter().enumerate() {
            match number {
                0 => statement.add(column.sql()),
                _ => statement.of_column(self.id(column), format!(", {}", column.sql())),
            }
        }
        for key in &self.keys {
            statement.optional(format!(", {}", key.sql()));
        }
        statement.add(") ENGINE=$ENGINE");
        if let Some(partition) = &self.partition {
            statement.optional(format!(" {partition}"));
        }
        statement
    }

    pub(super) fn id(&self, column: &Column) -> ColumnId {
        ColumnId::new(&self.name, &column.name)
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn any_column<'a>(&'a self, rng: &mut Rng) -> &'a Column {
        &self.columns[rng.usize(..self.columns.len())]
    }

    /// The columns whose order leaves no two rows equal, if there are such.
    pub(super) fn total_order(&self) -> Option<String> {
        let key = self.keys.iter().find(|key| key.kind == KeyKind::Primary)?;
        let columns: Vec<&str> = key.parts.iter().map(|part| part.column.as_str()).collect();
        Some(columns.join(", "))
    }

    /// Whether a change of this column can meet a unique key or move a row.
    pub(super) fn is_in_unique_key(&self, name: &str) -> bool {
        let depends = |part: &KeyPart| {
            part.column == name
                || self
                    .column(&part.column)
                    .and_then(|column| column.generated.as_ref())
                    .is_some_and(|generated| generated.from.iter().any(|from| from == name))
        };
        self.keys
            .iter()
            .any(|key| key.is_unique() && key.parts.iter().any(depends))
    }

    /// Whether a generated column is computed from it.
    pub(super) fn is_base(&self, name: &str) -> bool {
        self.columns
            .iter()
            .filter_map(|column| column.generated.as_ref())
            .any(|generated| generated.from.iter().any(|from| from == name))
    }

    pub(super) fn unique_keys(&self) -> usize {
        self.keys.iter().filter(|key| key.is_unique()).count()
    }
}

fn key_part(rng: &mut Rng, column: &Column) -> KeyPart {
    let length = column.kind.length();
    let prefix = match length {
        Some(length) if column.kind.needs_prefix() || (length > 2 && rng.u8(..6) == 0) => {
            Some(rng.u16(1..length.min(20)))
        }
        // Long keys with four bytes a letter stay below the limit.
        Some(length) if length > 200 => Some(100),
        _ => None,
    };
    KeyPart {
        column: column.name.clone(),
        prefix,
        descending: rng.u8(..5) == 0,
    }
}
