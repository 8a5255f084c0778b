//! The value of an entry in a secondary index.

use crate::DecodeError;

/// Where the primary key of a secondary index's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryKey<'a> {
    /// In the entry's value: the entry's key is unique without it.
    InValue(&'a [u8]),
    /// The last so many bytes of the entry's key: an index that is not unique,
    /// or an entry of a unique one that has NULLs.
    KeySuffix(usize),
}

/// The value of an entry in a secondary index: tells the primary key, so that
/// the host can fetch the row without knowing anything of columns, and carries
/// what the client needs to give columns back without the row.
///
/// Encoded as a little-endian `u16` with the number of key bytes that are the
/// primary key, or [`u16::MAX`], a second `u16` with its length and the primary
/// key itself; then the extra bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// The primary key's place.
    pub primary_key: PrimaryKey<'a>,
    /// The client's own bytes.
    pub extra: &'a [u8],
}

impl<'a> IndexEntry<'a> {
    /// Appends the entry's bytes to `out`. A primary key is at most
    /// [`MAX_KEY_LEN`](crate::MAX_KEY_LEN) bytes long, so its length fits.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.primary_key {
            PrimaryKey::KeySuffix(length) => out.extend_from_slice(&(length as u16).to_le_bytes()),
            PrimaryKey::InValue(key) => {
                out.extend_from_slice(&u16::MAX.to_le_bytes());
                out.extend_from_slice(&(key.len() as u16).to_le_bytes());
                out.extend_from_slice(key);
            }
        }
        out.extend_from_slice(self.extra);
    }

    /// Reads an entry from its value.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if it breaks off.
    pub fn decode(value: &'a [u8]) -> Result<Self, DecodeError> {
        let truncated = DecodeError::Truncated {
            what: "index entry",
            at: value.len(),
        };
        let (length, rest) = value.split_first_chunk::<2>().ok_or(truncated)?;
        let length = u16::from_le_bytes(*length);
        if length != u16::MAX {
            return Ok(Self {
                primary_key: PrimaryKey::KeySuffix(length.into()),
                extra: rest,
            });
        }
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(truncated)?;
        let (key, extra) = rest
            .split_at_checked(u16::from_le_bytes(*length).into())
            .ok_or(truncated)?;
        Ok(Self {
            primary_key: PrimaryKey::InValue(key),
            extra,
        })
    }

    /// The primary key, given the key of the entry.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the key is shorter than the entry says.
    pub fn primary_key_of(&self, entry_key: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        match self.primary_key {
            PrimaryKey::InValue(key) => Ok(key),
            PrimaryKey::KeySuffix(length) => entry_key
                .len()
                .checked_sub(length)
                .and_then(|start| entry_key.get(start..))
                .ok_or(DecodeError::Truncated {
                    what: "index entry's key",
                    at: entry_key.len(),
                }),
        }
    }
}
