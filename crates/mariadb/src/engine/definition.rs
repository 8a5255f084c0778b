//! What this engine keeps with each of the host's tables.

use super::Error;
use super::foreign::ForeignKey;
use crate::codec::{Missing, Shape, Slot};
use serde::{Deserialize, Serialize};

/// The version of [`Definition`]'s form. The one before had no foreign keys.
const VERSION: u32 = 3;
const WITHOUT_FOREIGN_KEYS: u32 = 2;

/// How rows and keys are encoded: [`crate::codec`].
const ENCODING: u32 = 1;

/// A table's definition, encoded by postcard behind its version. An ALTER TABLE
/// changes it in one step with the table's indexes, so that after a crash they agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// How rows and keys are encoded.
    encoding: u32,
    /// The server's description of the table, as its `.frm` file has it, from
    /// which that file is made again if it is lost. Empty for partitions: the
    /// table that they are of has it.
    pub(crate) image: Vec<u8>,
    /// The server's list of the table's partitions, as its `.par` file has it;
    /// empty if it has none.
    pub(crate) partitions: Vec<u8>,
    /// The server's name for its description of the table (the 16 bytes of
    /// `TABLE_SHARE::tabledef_version`), by which an older one is refused; empty: any
    /// will do, as for partitions and tables of earlier versions of this plugin.
    pub(crate) version: Vec<u8>,
    /// What a row consists of, where that is not each stored column in its order.
    /// Columns are counted among the stored ones, so that virtual columns can
    /// come and go.
    pub(crate) slots: Option<Vec<Slot>>,
    /// What the table's rows refer to.
    pub(crate) foreign_keys: Vec<ForeignKey>,
}

impl Definition {
    pub(crate) fn new(image: &[u8], partitions: &[u8]) -> Self {
        Self {
            encoding: ENCODING,
            image: image.to_vec(),
            partitions: partitions.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        postcard::to_allocvec(&(VERSION, self)).map_err(|error| Error::OtherDefinition {
            what: format!("a table's definition cannot be encoded: {error}"),
        })
    }

    /// Reads the definition of table `name`.
    ///
    /// # Errors
    /// [`Error::OtherDefinition`] if it is none, or the table was made by an
    /// engine that encodes rows otherwise.
    pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let read = |bytes| {
            let (version, rest) = postcard::take_from_bytes::<u32>(bytes).ok()?;
            let definition = match version {
                VERSION => postcard::from_bytes::<Self>(rest).ok(),
                // An empty list of them is one zero byte.
                WITHOUT_FOREIGN_KEYS => postcard::from_bytes::<Self>(&[rest, &[0]].concat()).ok(),
                _ => None,
            };
            definition.filter(|definition| definition.encoding == ENCODING)
        };
        read(bytes).ok_or_else(|| Error::OtherDefinition {
            what: format!(
                "table {name} is defined on the host in a form that this plugin cannot read; \
                 use it with the plugin that made it"
            ),
        })
    }

    /// The table's shape with its rows' slots.
    ///
    /// # Errors
    /// [`Error::OldDefinition`] if the server's columns are not those that the
    /// rows have.
    pub(crate) fn shape(&self, shape: Shape) -> Result<Shape, Error> {
        let Some(slots) = &self.slots else {
            return Ok(shape);
        };
        let stored = stored_columns(&shape);
        let slots = renumbered(slots, |position| stored.get(position).copied());
        slots
            .and_then(|slots| shape.with_slots(slots))
            .ok_or(Error::OldDefinition)
    }

    /// Refuses a description of the server's that is not the table's last one.
    /// Without a name it may be any.
    ///
    /// # Errors
    /// [`Error::OldDefinition`].
    pub(crate) fn check_version(&self, version: &[u8]) -> Result<(), Error> {
        match self.version.is_empty() || version.is_empty() || self.version == version {
            true => Ok(()),
            false => Err(Error::OldDefinition),
        }
    }

    /// Takes over a shape's slots.
    pub(crate) fn set_slots(&mut self, shape: &Shape) {
        let stored = stored_columns(shape);
        let plain = shape.slots.len() == stored.len()
            && shape.slots.iter().zip(&stored).all(|(slot, stored)| {
                matches!(slot, Slot::Column { column, missing: Missing::Never } if column == stored)
            });
        let position = |column| stored.iter().position(|other| *other == column);
        self.slots = match plain {
            true => None,
            false => renumbered(&shape.slots, position),
        };
    }
}

fn stored_columns(shape: &Shape) -> Vec<usize> {
    let columns = shape.columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.stored)
        .map(|(number, _)| number)
        .collect()
}

/// The slots with their columns counted in another way; `None` if one has no
/// number in that.
fn renumbered(slots: &[Slot], number: impl Fn(usize) -> Option<usize>) -> Option<Vec<Slot>> {
    let renumber = |slot: &Slot| match slot {
        Slot::Column { column, missing } => Some(Slot::Column {
            column: number(*column)?,
            missing: missing.clone(),
        }),
        Slot::Dropped(skip) => Some(Slot::Dropped(*skip)),
    };
    slots.iter().map(renumber).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Skip;

    #[test]
    fn definitions_survive() {
        let mut definition = Definition::new(b"image", b"");
        definition.version = vec![7; 16];
        definition.slots = Some(vec![
            Slot::Dropped(Skip::ByLength),
            Slot::Column {
                column: 0,
                missing: Missing::Value([1, 2].into()),
            },
        ]);
        let bytes = definition.encode().unwrap();
        assert_eq!(Definition::decode("t", &bytes).unwrap(), definition);
    }

    #[test]
    fn definitions_from_before_foreign_keys_are_read() {
        let definition = Definition::new(b"image", b"");
        let mut bytes = definition.encode().unwrap();
        assert_eq!((bytes[0], bytes.pop()), (VERSION as u8, Some(0)));
        bytes[0] = WITHOUT_FOREIGN_KEYS as u8;
        assert_eq!(Definition::decode("t", &bytes).unwrap(), definition);
    }

    #[test]
    fn other_forms_are_refused() {
        let bytes = Definition::new(b"image", b"parts").encode().unwrap();
        assert!(Definition::decode("t", b"mariadb 1").is_err());
        assert!(Definition::decode("t", &bytes[..bytes.len() - 1]).is_err());
        assert!(Definition::decode("t", &[]).is_err());
        let later = [&[9], &bytes[1..]].concat();
        assert!(Definition::decode("t", &later).is_err());
    }
}
