//! Names that follow the renaming of a table.

use crate::engine::definition::Definition;
use std::collections::{HashMap, HashSet};

/// The table's own name in the host's name for it.
fn table_of(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, table)| table)
}

/// The new name of a constraint whose name was made of its table's, if it was.
pub(crate) fn rename_generated(constraint: &str, from: &str, to: &str) -> Option<String> {
    let number = constraint.strip_prefix(table_of(from))?.strip_prefix("_ibfk_")?;
    let generated = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    generated.then(|| format!("{}_ibfk_{number}", table_of(to)))
}

/// Mends keys that refer to a name that a table no longer has: the table was
/// renamed, and the server died before the keys were. Returns what was changed.
pub(crate) fn repaired(tables: &mut [(String, (u32, Definition))]) -> Vec<(String, Definition)> {
    let names: HashSet<_> = tables.iter().map(|(name, _)| name.clone()).collect();
    let numbers: HashMap<_, _> = tables.iter().map(|(name, (id, _))| (*id, name.clone())).collect();
    let mut changed = Vec::new();
    for (name, (_, definition)) in tables {
        let mut mended = false;
        for key in &mut definition.foreign_keys {
            if !names.contains(&key.parent)
                && let Some(now) = numbers.get(&key.parent_id)
            {
                key.parent.clone_from(now);
                mended = true;
            }
        }
        if mended {
            changed.push((name.clone(), definition.clone()));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::foreign::ForeignKey;

    #[test]
    fn generated_names_follow_their_table() {
        let renamed = |name| rename_generated(name, "db/old", "db/new");
        assert_eq!(renamed("old_ibfk_12").as_deref(), Some("new_ibfk_12"));
        assert_eq!(renamed("old_ibfk_"), None);
        assert_eq!(renamed("old_ibfk_1x"), None);
        assert_eq!(renamed("mine"), None);
    }

    #[test]
    fn keys_find_a_table_that_was_renamed_without_them() {
        let key = |parent: &str, parent_id| ForeignKey {
            name: "k".into(),
            columns: vec!["a".into()],
            parent: parent.into(),
            parent_id,
            parent_columns: vec!["b".into()],
            on_delete: 0,
            on_update: 0,
        };
        let table = |keys| {
            let mut definition = Definition::new(b"", b"");
            definition.foreign_keys = keys;
            definition
        };
        let child = table(vec![key("d/p", 7), key("d/gone", 8), key("d/q", 9)]);
        let mut tables = [
            ("d/c".to_owned(), (5, child)),
            ("d/renamed".to_owned(), (7, table(vec![]))),
            ("d/q".to_owned(), (6, table(vec![]))),
        ];
        let changed = repaired(&mut tables);
        let expected = table(vec![key("d/renamed", 7), key("d/gone", 8), key("d/q", 9)]);
        assert_eq!(changed, [("d/c".to_owned(), expected)]);
    }
}
