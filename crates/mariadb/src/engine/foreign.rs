//! Foreign keys: what they are, and which tables have them.
//!
//! Each is kept with the definition of the table whose rows refer (the child).
//! Which tables refer to a given one (the parent) is kept in memory, made from all
//! definitions when a table is first opened. The host has one server, so that
//! every change of that comes by here.

mod link;
mod names;
mod registry;
mod renaming;

pub(crate) use link::{Children, Link, LinkParts, Other, OtherIndex, Side};
use names::repaired;
pub(crate) use registry::{
    changed as registry_changed, doubted as registry_doubted, has_children, keys_of, name_taken,
    referring_to, registry_version,
};

use super::definition::Definition;
use super::discovery::{is_description, is_missing};
use super::{Connection, Error};
use serde::{Deserialize, Serialize};
use vamos_guest::Session;

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForeignKey {
    /// The constraint's name.
    pub(crate) name: String,
    /// The columns that refer.
    pub(crate) columns: Vec<String>,
    /// The host's name for the table that they refer to.
    pub(crate) parent: String,
    /// The host's number of that table when the key was made or the table last
    /// renamed; 0: there was none. By it a renaming is found that was made and did
    /// not come to the keys.
    pub(crate) parent_id: u32,
    /// The columns that they refer to.
    pub(crate) parent_columns: Vec<String>,
    /// The server's number (`enum_fk_option`) for what a DELETE does.
    pub(crate) on_delete: u8,
    /// And an UPDATE.
    pub(crate) on_update: u8,
}

/// Whether the server made this table for itself: one that ALTER TABLE fills or
/// has put aside.
fn is_passing(name: &str) -> bool {
    name.contains('#')
}

impl Connection {
    /// Learns all foreign keys, if that was not done yet.
    pub(crate) fn load_foreign_keys(&mut self) -> Result<(), Error> {
        registry::load(|| {
            let mut names = Vec::new();
            self.session.list_tables("", |name| {
                if !is_passing(name) && !is_description(name) {
                    names.push(name.to_owned());
                }
                true
            })?;
            let mut found = Vec::new();
            for name in names {
                if let Some(table) = read(&mut self.session, &name)? {
                    found.push((name, table));
                }
            }
            for (name, definition) in repaired(&mut found) {
                self.session.set_definition(&name, &definition.encode()?)?;
            }
            let keys = |(name, (_, definition)): (String, (_, Definition))| (name, definition.foreign_keys);
            Ok(found.into_iter().map(keys).collect())
        })
    }

    /// Tells the new table's foreign keys the numbers of the tables that they refer to.
    pub(crate) fn number_parents(&mut self, keys: &mut [ForeignKey]) -> Result<(), Error> {
        for key in keys {
            key.parent_id = number_of(&mut self.session, &key.parent)?;
        }
        Ok(())
    }

    /// Notes a table that was created with these keys.
    pub(crate) fn note_keys(name: &str, keys: Vec<ForeignKey>) {
        registry::set(name, keys);
    }

    /// Notes a table that was renamed to this name.
    pub(crate) fn note_table(&mut self, name: &str) -> Result<(), Error> {
        if is_passing(name) {
            registry::changed();
            return Ok(());
        }
        let keys = read(&mut self.session, name)?.map(|(_, definition)| definition.foreign_keys);
        registry::set(name, keys.unwrap_or_default());
        Ok(())
    }

    /// Notes that a table is gone. With one that ALTER TABLE had put aside its name may
    /// be free: the new table may have another.
    pub(crate) fn forget_table(&mut self, name: &str) {
        registry::set(name, Vec::new());
        if let Some(before) = registry::take_aside(name)
            && self.note_table(&before).is_err()
        {
            registry::doubted();
        }
    }
}

/// A table's number and definition; `None` if there is no such table, or it was
/// made by another plugin.
fn read(session: &mut Session, name: &str) -> Result<Option<(u32, Definition)>, Error> {
    match session.open_table(name) {
        Ok(table) => Ok(Definition::decode(name, &table.definition)
            .ok()
            .map(|definition| (table.table.0, definition))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn number_of(session: &mut Session, name: &str) -> Result<u32, Error> {
    Ok(read(session, name)?.map_or(0, |(id, _)| id))
}
