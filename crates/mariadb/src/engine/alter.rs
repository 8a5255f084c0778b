//! ALTER TABLE without a copy: what a table becomes, and making it so.
//!
//! Columns come and go by the slots of rows ([`crate::codec::row`]); indexes are
//! built beside their users ([`super::build`]). The host changes the lists of
//! indexes and the definitions of all partitions in one step.

use super::batch::Batch;
use super::definition::Definition;
use super::discovery::{is_missing, partitioned};
use super::handler::Handler;
use super::share::Ids;
use super::{Connection, Error};
use crate::codec::record::{self, Record};
use crate::codec::row::{Plan, pack_column};
use crate::codec::{Missing, Shape, Slot};
use std::sync::Arc;
use vamos_guest::{AlterTable, AlterTables, BuildStep, Error as GuestError, IndexId, Rows, Session, TableId};

/// What the server says of a change.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The table as it will be.
    pub(crate) shape: Shape,
    /// For each of its columns, which it was.
    pub(crate) old_columns: Vec<Option<usize>>,
    /// For each of its keys, which it was; `None`: to be built.
    pub(crate) old_keys: Vec<Option<usize>>,
    /// Has the new columns' defaults.
    pub(crate) record: Record<'a>,
    /// The server's name for the new description, and the description.
    pub(crate) version: &'a [u8],
    pub(crate) image: &'a [u8],
    /// The table is a partition: what it is a partition of has the description.
    pub(crate) partition: bool,
}

/// Shows the row (of the altered table) that a duplicate belongs to.
pub(crate) type Show<'s> = &'s mut dyn FnMut(&Alteration, &[u8]) -> Result<(), Error>;

/// What one of the host's tables becomes.
struct Altered {
    table: TableId,
    definition: Vec<u8>,
    indexes: Vec<IndexId>,
}

/// A table's, or a partition's, part in an ALTER TABLE.
#[derive(Debug)]
pub(crate) struct Alteration {
    name: String,
    pub(super) shape: Shape,
    definition: Definition,
    image: Vec<u8>,
    /// The table's indexes from now on.
    pub(super) ids: Arc<Ids>,
    /// The keys that are to be built.
    pub(super) new_keys: Vec<usize>,
    /// About how many rows there are.
    pub(super) expected_rows: u64,
    /// The new indexes are the table's.
    finished: bool,
    pub(super) state: Buffers,
}

/// What a build uses again and again.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) rows: Rows,
    pub(super) batch: Batch,
    /// For each change in the batch, which row of `rows` it belongs to.
    pub(super) origins: Vec<usize>,
    /// Bytes written since the last commit.
    pub(super) written: usize,
    pub(super) record: Vec<u8>,
    pub(super) scratch: Vec<u8>,
    pub(super) first: Vec<u8>,
    pub(super) second: Vec<u8>,
}

impl Handler {
    /// Prepares a change of this handler's table. The server lets nobody else
    /// use it meanwhile.
    pub(crate) fn begin_alter(
        &self,
        connection: &mut Connection,
        change: Change<'_>,
    ) -> Result<Alteration, Error> {
        let slots = new_slots(self.shape(), &change);
        let shape = change.shape.with_slots(slots).ok_or(Error::OldDefinition)?;
        let old = self.share().ids();
        let new_keys: Vec<_> = (0..shape.keys.len())
            .filter(|&key| change.old_keys.get(key).copied().flatten().is_none())
            .collect();
        let (built, expected_rows) = match new_keys.len() {
            0 => (Vec::new(), 0),
            count => {
                connection.await_prepared(old.table)?;
                let count = u16::try_from(count).unwrap_or(u16::MAX);
                let building = connection.builder().begin_build(old.table, count)?;
                (building.indexes, building.rows)
            }
        };
        let mut indexes = vec![old.index(0); shape.keys.len() + usize::from(shape.primary.is_none())];
        let mut built = built.into_iter();
        for key in (0..shape.keys.len()).filter(|&key| Some(key) != shape.primary) {
            let index = match change.old_keys.get(key).copied().flatten() {
                Some(was) => old.indexes.get(self.shape().index_of(was)).copied(),
                None => built.next(),
            };
            if let Some(place) = indexes.get_mut(shape.index_of(key)) {
                *place = index.ok_or(Error::OldDefinition)?;
            }
        }
        let mut definition = self.share().definition().clone();
        definition.set_slots(&shape);
        definition.version = change.version.to_vec();
        if !change.partition {
            definition.image = change.image.to_vec();
        }
        Ok(Alteration {
            name: self.share().name().to_owned(),
            state: Buffers {
                record: shape.defaults.clone(),
                ..Buffers::default()
            },
            shape,
            definition,
            image: change.image.to_vec(),
            ids: Arc::new(Ids {
                table: old.table,
                indexes,
            }),
            new_keys,
            expected_rows,
            finished: false,
        })
    }

    /// How many slots a row has.
    pub(crate) fn slots(&self) -> usize {
        self.shape().slots.len()
    }
}

/// The slots of a table's rows after a change: columns keep theirs, dropped ones
/// leave them behind, new ones get the next.
fn new_slots(old: &Shape, change: &Change<'_>) -> Vec<Slot> {
    let columns = &change.shape.columns;
    let now = |was: usize| {
        let found = change.old_columns.iter().position(|old| *old == Some(was));
        found.filter(|&column| columns.get(column).is_some_and(|column| column.stored))
    };
    let mut slots: Vec<_> = old
        .slots
        .iter()
        .map(|slot| match slot {
            Slot::Column { column, missing } => match now(*column) {
                Some(column) => Slot::Column {
                    column,
                    missing: missing.clone(),
                },
                None => Slot::Dropped(old.columns[*column].skip()),
            },
            Slot::Dropped(skip) => Slot::Dropped(*skip),
        })
        .collect();
    for (number, column) in columns.iter().enumerate().filter(|(_, column)| column.stored) {
        if change.old_columns.get(number).copied().flatten().is_none() {
            let missing = match record::is_null(column, &change.record) {
                true => Missing::Null,
                false => {
                    let mut value = Vec::new();
                    pack_column(column, change.record, &mut value);
                    Missing::Value(value.into())
                }
            };
            slots.push(Slot::Column {
                column: number,
                missing,
            });
        }
    }
    slots
}

impl Alteration {
    /// Every column, for a row that is to be shown.
    pub(super) fn whole(&self) -> Plan {
        Plan::new(&self.shape, |_| true)
    }

    /// Gives up what was begun and not finished.
    pub(crate) fn end(self, connection: &mut Connection) {
        if self.new_keys.is_empty() || self.finished {
            return;
        }
        let builder = connection.builder();
        // What fails here ends with the session's lane.
        let _ = builder.rollback();
        let _ = builder.abandon_build(self.ids.table);
    }
}

/// Makes the alterations of all partitions (or of the one table) visible. The
/// server lets nobody else use the table meanwhile.
pub(crate) fn commit(
    connection: &mut Connection,
    alterations: &mut [&mut Alteration],
    base: Option<&str>,
    show: Show<'_>,
) -> Result<(), Error> {
    for alteration in alterations.iter_mut() {
        // What is prepared now is among the changes to catch up with when it has ended.
        connection.await_prepared(alteration.ids.table)?;
        alteration.catch_up(connection, show)?;
    }
    let session = connection.builder();
    if alterations
        .iter()
        .any(|alteration| !alteration.new_keys.is_empty())
    {
        session.commit(vamos_guest::Durability::Commit)?;
    }
    let mut encoded = Vec::new();
    for alteration in alterations.iter() {
        let ids = &alteration.ids;
        encoded.push(Altered {
            table: ids.table,
            definition: alteration.definition.encode()?,
            indexes: ids.indexes.clone(),
        });
    }
    if let (Some(base), Some(first)) = (base, alterations.first()) {
        encoded.extend(base_of(session, base, first)?);
    }
    let tables = encoded.iter().map(|altered| AlterTable {
        table: altered.table,
        definition: &altered.definition,
        indexes: altered.indexes.clone(),
    });
    let altered = session.alter_tables(AlterTables {
        tables: tables.collect(),
    });
    match (altered, alterations.first()) {
        (Err(error @ (GuestError::ConnectionLost { .. } | GuestError::Protocol { .. })), Some(first)) => {
            if !was_made(session, &first.name, &first.definition.version)? {
                return Err(error.into());
            }
        }
        (altered, _) => altered?,
    }
    super::foreign::registry_changed();
    alterations
        .iter_mut()
        .for_each(|alteration| alteration.finished = true);
    Ok(())
}

/// The entry by which a partitioned table is found, as it will be.
fn base_of(session: &mut Session, base: &str, part: &Alteration) -> Result<Option<Altered>, Error> {
    let name = partitioned(base);
    let entry = match session.open_table(&name) {
        Err(error) if is_missing(&error) => return Ok(None),
        entry => entry?,
    };
    let mut definition = Definition::decode(&name, &entry.definition)?;
    definition.version.clone_from(&part.definition.version);
    definition.image.clone_from(&part.image);
    Ok(Some(Altered {
        table: entry.table,
        definition: definition.encode()?,
        indexes: entry.indexes,
    }))
}

/// Whether an alteration whose answer was lost was made: the host is asked when
/// it is there again.
fn was_made(session: &mut Session, name: &str, version: &[u8]) -> Result<bool, Error> {
    match session.table_after_loss(name) {
        Ok(table) => Ok(Definition::decode(name, &table.definition)?.version == version),
        Err(GuestError::HostAway { .. } | GuestError::ConnectionLost { .. }) => {
            let reason = "the host could not be asked whether the table was altered".into();
            Err(GuestError::ConnectionLost { reason }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a table, or what it is partitioned into, has this version.
pub(crate) fn is_version(connection: &mut Connection, name: &str, version: &[u8]) -> Result<bool, Error> {
    let table = match connection.session.open_table(name) {
        Err(error) if is_missing(&error) => connection.session.open_table(&partitioned(name)),
        table => table,
    };
    match table {
        Err(error) if is_missing(&error) => Ok(false),
        table => Ok(Definition::decode(name, &table?.definition)?.version == version),
    }
}

impl Alteration {
    /// The next rows of the build.
    pub(super) fn fetch(&mut self, session: &mut Session, what: BuildStep) -> Result<bool, Error> {
        let last = session.build_rows(self.ids.table, what, &mut self.state.rows)?;
        Ok(last == vamos_guest::BuildRows::Last)
    }
}
