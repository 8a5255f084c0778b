//! What this engine keeps with each of the host's tables.

use super::Error;
use serde::{Deserialize, Serialize};

/// The version of [`Definition`]'s form.
const VERSION: u32 = 2;

/// How rows and keys are encoded: [`crate::codec`].
const ENCODING: u32 = 1;

/// A table's definition, encoded by postcard behind its version.
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
}

impl Definition {
    pub(crate) fn new(image: &[u8], partitions: &[u8]) -> Self {
        Self {
            encoding: ENCODING,
            image: image.to_vec(),
            partitions: partitions.to_vec(),
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
            (version == VERSION)
                .then(|| postcard::from_bytes::<Self>(rest).ok())
                .flatten()
                .filter(|definition| definition.encoding == ENCODING)
        };
        read(bytes).ok_or_else(|| Error::OtherDefinition {
            what: format!(
                "table {name} is defined on the host in a form that this plugin cannot read; \
                 use it with the plugin that made it"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_survive() {
        let definition = Definition::new(b"image", b"");
        let bytes = definition.encode().unwrap();
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
