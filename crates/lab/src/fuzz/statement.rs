//! A statement of a fuzzing program: text in parts, so that shrinking can leave
//! parts out, and how its outcomes on the two engines are compared.

/// What the outcomes on the two engines must have in common if both succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// The same rows in the same order.
    Ordered,
    /// The same rows in any order.
    Multiset,
    /// As many rows: a LIMIT without a total order.
    Count,
    /// The same number of changed rows.
    Affected,
    /// The same number of changed rows, and of warnings.
    AffectedAndWarnings,
    /// Nothing but success.
    Success,
}

/// When a part of a statement may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keep {
    Always,
    Optional,
    /// Only together with everything else of this column in the whole program.
    Column(ColumnId),
}

/// A column in the whole program: its table's and its own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ColumnId {
    /// The table.
    pub(super) table: String,
    /// The column.
    pub(super) column: String,
}

impl ColumnId {
    /// The column of a table.
    #[must_use]
    pub(super) fn new(table: &str, column: &str) -> Self {
        Self {
            table: table.to_owned(),
            column: column.to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    text: String,
    keep: Keep,
}

/// What kind of statement it is, as far as the runner must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads or changes rows inside a transaction.
    Rows,
    /// Defines something, which ends a transaction.
    Definition,
    /// Begins or ends a transaction.
    Boundary,
    /// Sets a variable or a savepoint.
    Setting,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    parts: Vec<Part>,
    /// How outcomes are compared.
    pub(super) compare: Compare,
    /// Its kind.
    pub(super) kind: Kind,
    /// Whether which error comes first depends on the order of rows that no
    /// ORDER BY asks for.
    pub(super) any_data_error: bool,
}

impl Statement {
    /// A statement that begins with this text.
    #[must_use]
    pub(super) fn new(kind: Kind, compare: Compare, text: impl Into<String>) -> Self {
        let mut statement = Self {
            parts: Vec::new(),
            compare,
            kind,
            any_data_error: false,
        };
        statement.add(text);
        statement
    }

    /// More text.
    pub(super) fn add(&mut self, text: impl Into<String>) {
        self.push(text, Keep::Always);
    }

    /// Text that can be left out.
    pub(super) fn optional(&mut self, text: impl Into<String>) {
        self.push(text, Keep::Optional);
    }

    /// Text that can be left out with its column.
    pub(super) fn of_column(&mut self, column: ColumnId, text: impl Into<String>) {
        self.push(text, Keep::Column(column));
    }

    fn push(&mut self, text: impl Into<String>, keep: Keep) {
        let text = text.into();
        if !text.is_empty() {
            self.parts.push(Part { text, keep });
        }
    }

    /// Its text.
    #[must_use]
    pub(super) fn sql(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }

    /// How many parts can be left out one by one.
    #[must_use]
    pub(super) fn optional_parts(&self) -> usize {
        self.parts
            .iter()
            .filter(|part| part.keep == Keep::Optional)
            .count()
    }

    /// The same without the optional parts from `first` to before `end`.
    #[must_use]
    pub(super) fn without_parts(&self, first: usize, end: usize) -> Self {
        let mut number = 0;
        let mut shorter = self.clone();
        shorter.parts.retain(|part| {
            if part.keep != Keep::Optional {
                return true;
            }
            number += 1;
            !(first..end).contains(&(number - 1))
        });
        shorter
    }

    /// The columns whose parts can be left out.
    pub(super) fn columns(&self) -> impl Iterator<Item = &ColumnId> {
        self.parts.iter().filter_map(|part| match &part.keep {
            Keep::Column(column) => Some(column),
            _ => None,
        })
    }

    /// The same without a column's parts.
    #[must_use]
    pub(super) fn without_column(&self, column: &ColumnId) -> Self {
        let mut shorter = self.clone();
        shorter
            .parts
            .retain(|part| part.keep != Keep::Column(column.clone()));
        shorter
    }
}

/// A statement on one of the program's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The connection, counted from 0.
    pub(super) connection: usize,
    /// The statement.
    pub(super) statement: Statement,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_columns_can_be_left_out() {
        let mut statement = Statement::new(Kind::Rows, Compare::Affected, "INSERT INTO t (a");
        statement.of_column(ColumnId::new("t", "b"), ", b");
        statement.add(") VALUES (1");
        statement.of_column(ColumnId::new("t", "b"), ", 2");
        statement.add(")");
        statement.optional(", (3, 4)");
        statement.optional(", (5, 6)");
        assert_eq!(
            statement.sql(),
            "INSERT INTO t (a, b) VALUES (1, 2), (3, 4), (5, 6)"
        );
        assert_eq!(statement.optional_parts(), 2);
        assert_eq!(
            statement.without_parts(0, 1).sql(),
            "INSERT INTO t (a, b) VALUES (1, 2), (5, 6)"
        );
        let narrow = statement
            .without_column(&ColumnId::new("t", "b"))
            .without_parts(0, 2);
        assert_eq!(narrow.sql(), "INSERT INTO t (a) VALUES (1)");
    }
}
