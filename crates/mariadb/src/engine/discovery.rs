//! Finding tables that the server has no file of.
//!
//! Each of the host's tables carries the server's description of it. Partitions
//! are tables of the host's own; what they are partitions of has an entry of its
//! own beside them ([`partitioned`]), which has no rows, only the description.

use super::definition::Definition;
use super::{Connection, Error, host};
use std::time::{Duration, Instant};
use vamos_guest::{CreateTable, ErrorCode, Session};

/// A question that the absent host cost this long is not asked again for as long
/// as [`PAUSE`]: the tables asked for are mostly none of ours.
const SLOW: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_secs(5);

static NOT_BEFORE: parking_lot::Mutex<Option<Instant>> = parking_lot::Mutex::new(None);

/// The name of the entry for a partitioned table. No table's name has a `#` that
/// is not the server's own.
pub(crate) fn partitioned(table: &str) -> String {
    format!("{table}#par")
}

/// Whether an entry of this name has a description only, and no rows.
pub(crate) fn is_description(name: &str) -> bool {
    name.ends_with("#par")
}

impl Connection {
    /// The description of a table, by its name.
    pub(crate) fn discover(&mut self, name: &str) -> Result<Definition, Error> {
        self.ask(|session| {
            let (name, table) = match session.open_table(name) {
                Err(error) if is_missing(&error) => {
                    let name = partitioned(name);
                    let table = session.open_table(&name)?;
                    (name, table)
                }
                result => (name.to_owned(), result?),
            };
            Definition::decode(&name, &table.definition)
        })
    }

    /// Whether there is a table of this name.
    pub(crate) fn exists(&mut self, name: &str) -> Result<bool, Error> {
        match self.discover(name) {
            Err(Error::Guest(error)) if is_missing(&error) => Ok(false),
            // It is there, and opening it will say what is wrong with it.
            Ok(_) | Err(Error::OtherDefinition { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Visits the names, as those of files, of a database's tables; `false` ends
    /// that. `database` is the name of its directory.
    pub(crate) fn list(&mut self, database: &str, mut visit: impl FnMut(&str) -> bool) -> Result<(), Error> {
        let prefix = format!("{database}/");
        self.ask(|session| {
            Ok(
                session.list_tables(&prefix, |name| match listed(name.strip_prefix(&prefix)) {
                    Some(table) => visit(table),
                    None => true,
                })?,
            )
        })
    }

    /// Drops what the host still has of a database whose tables the server has
    /// dropped: what failed statements and crashes have left. What a prepared
    /// transaction changes stays, with an error. Returns how many tables were dropped.
    pub(crate) fn drop_database(&mut self, database: &str) -> Result<usize, Error> {
        let prefix = format!("{database}/");
        let names = self.ask(|session| {
            let mut names = Vec::new();
            session.list_tables(&prefix, |name| {
                names.push(name.to_owned());
                true
            })?;
            Ok(names)
        })?;
        let (mut dropped, mut failed) = (0, None);
        for name in names {
            match self.session.drop_table(&name) {
                Ok(()) => dropped += 1,
                Err(error) => failed = Some(error),
            }
            self.forget_table(&name);
        }
        match failed {
            None => Ok(dropped),
            Some(error) => Err(error.into()),
        }
    }

    /// Keeps the server's new description of a table.
    pub(crate) fn define(&mut self, name: &str, image: &[u8]) -> Result<(), Error> {
        let table = self.session.open_table(name)?;
        let mut definition = Definition::decode(name, &table.definition)?;
        if definition.image != image {
            definition.image = image.to_vec();
            // A table that was a partition has another name for it.
            definition.version.clear();
            self.session.set_definition(name, &definition.encode()?)?;
        }
        Ok(())
    }

    /// Keeps the server's description of a partitioned table.
    pub(crate) fn define_partitioned(
        &mut self,
        name: &str,
        image: &[u8],
        partitions: &[u8],
    ) -> Result<(), Error> {
        let name = partitioned(name);
        let definition = Definition::new(image, partitions).encode()?;
        match self.session.set_definition(&name, &definition) {
            Err(error) if is_missing(&error) => {}
            result => return Ok(result?),
        }
        self.session.create_table(CreateTable {
            name: &name,
            definition: &definition,
            indexes: 1,
            counters: [1, 1],
        })?;
        Ok(())
    }

    /// Refuses a description of a partitioned table that is not its last one. The
    /// partitions' own say nothing: EXCHANGE PARTITION brings them from elsewhere.
    ///
    /// # Errors
    /// [`Error::OldDefinition`].
    pub(super) fn check_partitioned(&mut self, name: &str, version: &[u8]) -> Result<(), Error> {
        let name = partitioned(name);
        match self.session.open_table(&name) {
            Err(error) if is_missing(&error) => Ok(()),
            entry => Definition::decode(&name, &entry?.definition)?.check_version(version),
        }
    }

    /// Asks outside the transaction: in a session of its own if that one's lane
    /// was lost, which is for the transaction's own statements to hear of. A lane
    /// that had been lost unnoticed is replaced.
    fn ask<T>(&mut self, mut question: impl FnMut(&mut Session) -> Result<T, Error>) -> Result<T, Error> {
        let start = Instant::now();
        if let Some(not_before) = *NOT_BEFORE.lock()
            && start < not_before
        {
            return Err(Error::HostAwayLately);
        }
        let mut ask_once = || match self.session.is_lost() {
            false => question(&mut self.session),
            true => question(&mut Session::new(host::client())),
        };
        let answer = match ask_once() {
            Err(Error::Guest(vamos_guest::Error::ConnectionLost { .. })) => ask_once(),
            answer => answer,
        };
        if let Err(Error::Guest(vamos_guest::Error::HostAway { .. })) = &answer
            && start.elapsed() > SLOW
        {
            *NOT_BEFORE.lock() = Some(Instant::now() + PAUSE);
        }
        answer
    }
}

/// The table's name, if it is one that the user sees: none of those that the
/// server makes for itself, nor a partition.
fn listed(name: Option<&str>) -> Option<&str> {
    let name = name?;
    let name = name.strip_suffix("#par").unwrap_or(name);
    (!name.contains('#')).then_some(name)
}

pub(super) fn is_missing(error: &vamos_guest::Error) -> bool {
    matches!(
        error,
        vamos_guest::Error::Failed {
            code: ErrorCode::NoSuchTable,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_makes_for_itself_is_not_listed() {
        assert_eq!(listed(Some("t")), Some("t"));
        assert_eq!(listed(Some("t@0023P")), Some("t@0023P"));
        assert_eq!(listed(Some("t#par")), Some("t"));
        assert_eq!(listed(Some("t#P#p0")), None);
        assert_eq!(listed(Some("#sql-alter-1-2")), None);
        assert_eq!(listed(Some("#sql-alter-1-2#par")), None);
        assert_eq!(listed(None), None);
    }
}
