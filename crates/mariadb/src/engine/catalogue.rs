//! DDL: the host's catalogue has a table for each of the server's.

use super::{Connection, Error, Share};
use std::sync::Arc;
use vamos_guest::CreateTable;

/// What the host keeps for us with each table: who made it, and how its rows
/// and keys are encoded.
const DEFINITION: &[u8] = b"mariadb 1";

/// Creates a table with so many indexes.
pub(crate) fn create(
    connection: &mut Connection,
    name: &str,
    indexes: u32,
    auto_increment: u64,
) -> Result<(), Error> {
    connection.session.create_table(CreateTable {
        name,
        definition: DEFINITION,
        indexes: u16::try_from(indexes.max(1)).unwrap_or(u16::MAX),
        counters: [auto_increment.max(1), 1],
    })?;
    Ok(())
}

pub(crate) fn drop(connection: &mut Connection, name: &str) -> Result<(), Error> {
    Ok(connection.session.drop_table(name)?)
}

pub(crate) fn rename(connection: &mut Connection, from: &str, to: &str) -> Result<(), Error> {
    Ok(connection.session.rename_table(from, to)?)
}

/// Finds a table and checks that it is what the server believes.
pub(crate) fn open(connection: &mut Connection, name: &str, indexes: u32) -> Result<Arc<Share>, Error> {
    let table = connection.session.open_table(name)?;
    if table.definition != DEFINITION {
        let theirs = String::from_utf8_lossy(&table.definition).into_owned();
        let ours = String::from_utf8_lossy(DEFINITION);
        return Err(Error::OtherDefinition {
            what: format!(
                "table {name} is encoded as {theirs:?} on the host, and this plugin reads {ours:?}"
            ),
        });
    }
    if table.indexes.len() != indexes.max(1) as usize {
        return Err(Error::OtherDefinition {
            what: format!(
                "table {name} has {} indexes on the host and {indexes} in MariaDB",
                table.indexes.len()
            ),
        });
    }
    Ok(Arc::new(Share::new(name, table)))
}
