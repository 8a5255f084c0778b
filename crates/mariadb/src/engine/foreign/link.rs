//! A foreign key as an open table uses it: the way from a row to the rows of the
//! other table that refer to it, or to which it refers.
//!
//! The values that both tables share have the same bytes in their indexes, but for
//! what an index says of its own parts (NULL, descending): a link has the columns of
//! its own table and those parts of the other's index.

use crate::codec::record::Record;
use crate::codec::{KeyPart, key};
use crate::engine::definition::Definition;
use crate::engine::{Connection, Error, Handler};
use vamos_guest::{Direction, Get, IndexId, KeyRange, Lock, LockWait, Rows, ScanSpec, TableId};

/// From which side a link leads to the other table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// To the table that rows refer to.
    Parent,
    /// To a table whose rows refer to this one's.
    Child,
}

/// One part of the other table's index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkParts {
    /// The column of this table.
    pub(crate) column: usize,
    /// In a table that refers to itself: the column at the link's other end.
    pub(crate) other_column: usize,
    /// The other's part has a byte for NULL.
    pub(crate) nullable: bool,
    /// The other's part descends.
    pub(crate) reverse: bool,
}

/// The other table's index, by its position among the host's, of so many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherIndex {
    pub(crate) position: usize,
    pub(crate) count: usize,
    /// One row at most has the key that the link searches for.
    pub(crate) unique: bool,
}

/// The other table, as the server describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Other<'a> {
    /// The host's name for it.
    pub(crate) name: &'a str,
    /// The server's name for its description; empty: it has none.
    pub(crate) version: &'a [u8],
    pub(crate) index: OtherIndex,
}

/// A link.
#[derive(Debug)]
pub(crate) struct Link {
    table: TableId,
    index: IndexId,
    /// Where its rows are, if `index` is a secondary one.
    primary: Option<IndexId>,
    /// One row at most has the key.
    unique: bool,
    /// The other table is this one.
    to_itself: bool,
    parts: Vec<KeyPart>,
    other_parts: Vec<KeyPart>,
}

/// Rows of a child that are to follow a row of their parent.
#[derive(Debug)]
pub(crate) struct Children {
    /// The position, among the child's indexes, of the one by which they refer.
    index: usize,
    parts: usize,
    /// What they refer by.
    key: Vec<u8>,
    rows: std::vec::IntoIter<Vec<u8>>,
}

impl Children {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.as_slice().is_empty()
    }
}

impl Handler {
    /// Forgets the links: tables have changed.
    pub(crate) fn clear_links(&mut self) {
        self.parents.clear();
        self.children.clear();
    }

    /// Adds a link to a table by its index at a position.
    ///
    /// # Errors
    /// [`Error::OldDefinition`] if the host's table is another one than is described;
    /// and the host's.
    pub(crate) fn add_link(
        &mut self,
        connection: &mut Connection,
        side: Side,
        other: Other<'_>,
        parts: &[LinkParts],
    ) -> Result<(), Error> {
        let index = other.index;
        let to_itself = other.name == self.share.name();
        let (table, ids) = match to_itself {
            true => {
                let ids = self.share.ids();
                (ids.table, ids.indexes.clone())
            }
            false => {
                let table = connection.session.open_table(other.name)?;
                Definition::decode(other.name, &table.definition)?.check_version(other.version)?;
                (table.table, table.indexes)
            }
        };
        let (Some(&first), Some(&found), true) =
            (ids.first(), ids.get(index.position), ids.len() == index.count)
        else {
            return Err(Error::OldDefinition);
        };
        let part = |column: usize, part: &LinkParts| {
            Some(KeyPart {
                column,
                length: self.shape.columns.get(column)?.length,
                nullable: part.nullable,
                variable: false,
                reverse: part.reverse,
                prefix: false,
            })
        };
        let own: Option<Vec<_>> = parts.iter().map(|at| part(at.column, at)).collect();
        let others: Option<Vec<_>> = match to_itself {
            true => parts.iter().map(|at| part(at.other_column, at)).collect(),
            false => Some(Vec::new()),
        };
        let link = Link {
            table,
            index: found,
            primary: (index.position != 0).then_some(first),
            unique: index.unique,
            to_itself,
            parts: own.ok_or(Error::OldDefinition)?,
            other_parts: others.ok_or(Error::OldDefinition)?,
        };
        match side {
            Side::Parent => self.parents.push(link),
            Side::Child => self.children.push(link),
        }
        Ok(())
    }

    /// The bytes of some parts; `None` if one is NULL.
    fn link_key(&mut self, parts: &[KeyPart], record: Record<'_>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for part in parts {
            if key::put_part(&self.shape, part, record, &mut self.scratch, &mut bytes) {
                return None;
            }
        }
        Some(bytes)
    }

    /// Whether the row that this one refers to by a link is there, which then stays
    /// until the transaction ends. A row that does not refer, or refers to the same
    /// as before, is as good.
    pub(crate) fn has_parent(
        &mut self,
        connection: &mut Connection,
        link: usize,
        old: Option<Record<'_>>,
        new: Record<'_>,
    ) -> Result<bool, Error> {
        let parents = std::mem::take(&mut self.parents);
        let found = match parents.get(link) {
            Some(link) => self.find_parent(connection, link, old, new),
            None => Err(Error::OldDefinition),
        };
        self.parents = parents;
        found
    }

    fn find_parent(
        &mut self,
        connection: &mut Connection,
        link: &Link,
        old: Option<Record<'_>>,
        new: Record<'_>,
    ) -> Result<bool, Error> {
        let Some(wanted) = self.link_key(&link.parts, new) else {
            return Ok(true);
        };
        if let Some(old) = old
            && self.link_key(&link.parts, old).as_ref() == Some(&wanted)
        {
            return Ok(true);
        }
        if link.to_itself && self.link_key(&link.other_parts, new).as_ref() == Some(&wanted) {
            return Ok(true);
        }
        let mut rows = Rows::default();
        connection.flush_table(link.table)?;
        if link.unique {
            let get = Get {
                index: link.index,
                key: &wanted,
                lock: Lock::Shared(self.link_wait()),
                fetch: link.primary,
            };
            return Ok(connection.reader(link.table).get(&get, &mut rows)?);
        }
        let lock = Lock::Shared(self.link_wait());
        let mut found = false;
        self.visit(connection, link, &wanted, lock, 1, |_| found = true)?;
        Ok(found)
    }

    /// Whether rows refer to this one by a link, be it the row itself. If none does,
    /// none can begin to until the transaction ends.
    pub(crate) fn has_children(
        &mut self,
        connection: &mut Connection,
        link: usize,
        record: Record<'_>,
    ) -> Result<bool, Error> {
        let children = std::mem::take(&mut self.children);
        let found = match children.get(link) {
            Some(link) => self.find_child(connection, link, record),
            None => Err(Error::OldDefinition),
        };
        self.children = children;
        found
    }

    fn find_child(
        &mut self,
        connection: &mut Connection,
        link: &Link,
        record: Record<'_>,
    ) -> Result<bool, Error> {
        let Some(wanted) = self.link_key(&link.parts, record) else {
            return Ok(false);
        };
        connection.flush_table(link.table)?;
        let lock = Lock::Shared(self.link_wait());
        let mut found = false;
        self.visit(connection, link, &wanted, lock, 1, |_| found = true)?;
        Ok(found)
    }

    /// Locks the rows that refer to this one by a link, and lists them.
    pub(crate) fn list_children(
        &mut self,
        connection: &mut Connection,
        link: usize,
        index: usize,
        record: Record<'_>,
    ) -> Result<Children, Error> {
        let children = std::mem::take(&mut self.children);
        let listed = match children.get(link) {
            Some(link) => self.list(connection, link, index, record),
            None => Err(Error::OldDefinition),
        };
        self.children = children;
        listed
    }

    fn list(
        &mut self,
        connection: &mut Connection,
        link: &Link,
        index: usize,
        record: Record<'_>,
    ) -> Result<Children, Error> {
        let key = self.link_key(&link.parts, record);
        let mut rows = Vec::new();
        if let Some(key) = &key {
            connection.flush_table(link.table)?;
            let lock = Lock::Exclusive(self.link_wait());
            self.visit(connection, link, key, lock, 0, |primary| {
                rows.push(primary.to_vec())
            })?;
        }
        Ok(Children {
            index,
            parts: link.parts.len(),
            key: key.unwrap_or_default(),
            rows: rows.into_iter(),
        })
    }

    /// Reads the next of them that is still there; `self` is the child's handler.
    /// A row that a cascade has changed meanwhile may refer to something else.
    pub(crate) fn read_child(
        &mut self,
        connection: &mut Connection,
        children: &mut Children,
        record: &mut [u8],
    ) -> Result<bool, Error> {
        for primary in children.rows.by_ref() {
            if self.get(connection, record, 0, &primary, false)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a row refers to what these do.
    pub(crate) fn is_child(&mut self, children: &Children, record: Record<'_>) -> Result<bool, Error> {
        let shape = std::rc::Rc::clone(&self.shape);
        let key = shape.key_of(children.index).ok_or(Error::OldDefinition)?;
        let parts = shape.keys[key].parts.get(..children.parts);
        let bytes = self.link_key(parts.ok_or(Error::OldDefinition)?, record);
        Ok(bytes.as_ref() == Some(&children.key))
    }

    /// Visits the primary keys of rows that a link leads to, `most` at most (0: all).
    fn visit(
        &mut self,
        connection: &mut Connection,
        link: &Link,
        key: &[u8],
        lock: Lock,
        most: u64,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let high = KeyRange::successor(key);
        let session = connection.reader(link.table);
        let mut cursor = session.scan(&ScanSpec {
            range: KeyRange {
                index: link.index,
                low: key,
                high: &high,
            },
            direction: Direction::Forward,
            lock,
            fetch: link.primary,
            batch_rows: if most == 0 { 64 } else { 1 },
            max_batch_rows: if most == 0 { 256 } else { 1 },
            limit: most,
            first_rows: 0,
        })?;
        let mut result = Ok(());
        loop {
            match session.next(&mut cursor) {
                Ok(true) => {
                    let row = cursor.row();
                    visit(if link.primary.is_some() {
                        row.primary_key
                    } else {
                        row.key
                    });
                }
                Ok(false) => break,
                Err(error) => {
                    result = Err(error.into());
                    break;
                }
            }
        }
        session.close(cursor);
        result
    }

    /// How long a link waits for locks: NOWAIT and SKIP LOCKED are not for it.
    fn link_wait(&self) -> LockWait {
        match self.lock.lock {
            Lock::Shared(LockWait::Fail) | Lock::Exclusive(LockWait::Fail) => LockWait::Fail,
            _ => LockWait::Wait,
        }
    }
}
