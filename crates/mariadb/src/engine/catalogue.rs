//! DDL: the host's catalogue has a table for each of the server's.

use super::definition::Definition;
use super::discovery::is_missing;
use super::foreign::ForeignKey;
use super::{Connection, Error, Share};
use std::sync::Arc;
use vamos_guest::CreateTable;

/// Creates a table with so many indexes; `image` is the server's description of it.
pub(crate) fn create(
    connection: &mut Connection,
    name: &str,
    indexes: u32,
    auto_increment: u64,
    image: &[u8],
    temporary: bool,
    mut foreign_keys: Vec<ForeignKey>,
) -> Result<(), Error> {
    connection.number_parents(&mut foreign_keys)?;
    let mut definition = Definition::new(image, &[]);
    definition.foreign_keys = foreign_keys;
    let definition = definition.encode()?;
    let table = CreateTable {
        name,
        definition: &definition,
        indexes: u16::try_from(indexes.max(1)).unwrap_or(u16::MAX),
        counters: [auto_increment.max(1), 1],
    };
    match temporary {
        true => connection.session.create_temporary_table(table)?,
        false => connection.session.create_table(table)?,
    };
    connection.note_table(name)
}

pub(crate) fn drop(connection: &mut Connection, name: &str) -> Result<(), Error> {
    connection.when_free(|session| session.drop_table(name))?;
    Connection::forget_table(name);
    Ok(())
}

pub(crate) fn rename(connection: &mut Connection, from: &str, to: &str) -> Result<(), Error> {
    connection.rename_with_keys(from, to)
}

/// Drops a table that may be missing.
pub(crate) fn drop_if_there(connection: &mut Connection, name: &str) -> Result<(), Error> {
    match connection.session.drop_table(name) {
        Err(error) if is_missing(&error) => Ok(()),
        result => Ok(result?),
    }
}

/// Finds a table and checks that it is what the server believes.
pub(crate) fn open(connection: &mut Connection, name: &str, indexes: u32) -> Result<Arc<Share>, Error> {
    let table = connection.session.open_table(name)?;
    let definition = Definition::decode(name, &table.definition)?;
    if table.indexes.len() != indexes.max(1) as usize {
        return Err(Error::OtherDefinition {
            what: format!(
                "table {name} has {} indexes on the host and {indexes} in MariaDB",
                table.indexes.len()
            ),
        });
    }
    Ok(Arc::new(Share::new(name, table, definition)))
}
