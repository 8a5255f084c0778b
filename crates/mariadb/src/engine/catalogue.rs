//! DDL: the host's catalogue has a table for each of the server's.

use super::definition::Definition;
use super::discovery::is_missing;
use super::foreign::{ForeignKey, registry_doubted};
use super::{Connection, Error, Share};
use std::sync::Arc;
use vamos_guest::{CreateTable, Error as GuestError, Session};

/// A table that is to be made.
#[derive(Debug)]
pub(crate) struct NewTable<'a> {
    /// The host's name for it.
    pub(crate) name: &'a str,
    pub(crate) indexes: u32,
    pub(crate) auto_increment: u64,
    /// The server's description of it; empty for a partition.
    pub(crate) image: &'a [u8],
    /// The server's name for that description; empty: the table goes with any.
    pub(crate) version: &'a [u8],
    pub(crate) temporary: bool,
    pub(crate) foreign_keys: Vec<ForeignKey>,
}

/// Creates a table.
pub(crate) fn create(connection: &mut Connection, mut new: NewTable<'_>) -> Result<(), Error> {
    let mut keys = std::mem::take(&mut new.foreign_keys);
    connection.number_parents(&mut keys)?;
    let mut definition = Definition::new(new.image, &[]);
    definition.version = new.version.to_vec();
    definition.foreign_keys.clone_from(&keys);
    let definition = definition.encode()?;
    let table = CreateTable {
        name: new.name,
        definition: &definition,
        indexes: u16::try_from(new.indexes.max(1)).unwrap_or(u16::MAX),
        counters: [new.auto_increment.max(1), 1],
    };
    if new.temporary {
        connection.session.create_temporary_table(table)?;
        return Ok(());
    }
    connection.surely(
        false,
        |session| session.create_table(table.clone()).map(|_| ()),
        |session, _| Ok(!new.version.is_empty() && is_made(session, &table)?),
    )?;
    Connection::note_keys(new.name, keys);
    Ok(())
}

/// Whether the host's table is the one that was to be made: by the server's name for its
/// description, which no other has.
fn is_made(session: &mut Session, table: &CreateTable<'_>) -> Result<bool, GuestError> {
    match session.open_table(table.name) {
        Ok(made) => Ok(made.definition == table.definition),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Drops a table. `undoes`: a statement that made it failed, perhaps since the host went
/// away: then the host is waited for, or what is in the table by then would stay.
pub(crate) fn drop(connection: &mut Connection, name: &str, undoes: bool) -> Result<(), Error> {
    let dropped = match undoes {
        true => connection.surely(
            true,
            |session| session.drop_table(name),
            |_, error| Ok(is_missing(error)),
        ),
        false => connection.when_free(|session| session.drop_table(name)),
    };
    match &dropped {
        Ok(()) => connection.forget_table(name),
        Err(Error::Guest(error)) if is_missing(error) => connection.forget_table(name),
        // The answer may have been lost.
        Err(_) => registry_doubted(),
    }
    dropped
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

/// Finds a table and checks that it is what the server believes; `version` is the server's
/// name for its description of it (of a partition: of what it is a partition of), if it
/// has one.
///
/// # Errors
/// [`Error::OldDefinition`] if that is not the last one.
pub(crate) fn open(
    connection: &mut Connection,
    name: &str,
    indexes: u32,
    version: &[u8],
) -> Result<Arc<Share>, Error> {
    let table = connection.session.open_table(name)?;
    let definition = Definition::decode(name, &table.definition)?;
    match name.split_once("#P#") {
        Some((base, _)) => connection.check_partitioned(base, version)?,
        None => definition.check_version(version)?,
    }
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
