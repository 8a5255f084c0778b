//! Rows as `LOAD DATA INFILE` reads them by default: fields end with a tab, rows
//! with a newline, a backslash escapes, and `\N` is NULL.

use std::io::{self, Write};

/// A row in the making. It is empty again after it was written.
#[derive(Debug, Default)]
pub(super) struct Row {
    line: String,
}

impl Row {
    /// Adds a text, or NULL.
    pub(super) fn text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => text.chars().for_each(|character| self.push(character)),
            None => self.line.push_str("\\N"),
        }
        self.line.push('\t');
        self
    }

    /// Adds a number, or NULL.
    pub(super) fn number(&mut self, value: Option<u64>) -> &mut Self {
        match value {
            Some(number) => self.line.push_str(&number.to_string()),
            None => self.line.push_str("\\N"),
        }
        self.line.push('\t');
        self
    }

    /// Writes the row and empties it.
    pub(super) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.line.pop();
        self.line.push('\n');
        let done = out.write_all(self.line.as_bytes());
        self.line.clear();
        done
    }

    fn push(&mut self, character: char) {
        let escaped = match character {
            '\\' => "\\\\",
            '\t' => "\\t",
            '\n' => "\\n",
            '\r' => "\\r",
            '\0' => "\\0",
            '\x1a' => "\\Z",
            other => return self.line.push(other),
        };
        self.line.push_str(escaped);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a row as the server does.
    fn read(row: &str) -> Vec<Option<String>> {
        let row = row.strip_suffix('\n').expect("a row ends with a newline");
        row.split('\t')
            .map(|field| (field != "\\N").then(|| unescape(field)))
            .collect()
    }

    fn unescape(field: &str) -> String {
        let mut out = String::new();
        let mut characters = field.chars();
        while let Some(character) = characters.next() {
            out.push(match character {
                '\\' => match characters.next().expect("an escape is whole") {
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    '0' => '\0',
                    'Z' => '\x1a',
                    other => other,
                },
                other => other,
            });
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            fields in prop::collection::vec(prop::option::of("(?s)[\\\\\t\n\r\0\x1aNa\"'é]{0,12}"), 1..5)
        ) {
            let mut row = Row::default();
            for field in &fields {
                row.text(field.as_deref());
            }
            let mut out = Vec::new();
            row.write(&mut out).expect("write");
            prop_assert_eq!(read(&String::from_utf8(out).expect("utf-8")), fields);
        }
    }
}
