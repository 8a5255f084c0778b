//! What a backup consists of.

use super::checkpoint::is_stores;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that this version writes.
const FORMAT: u32 = 1;

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Its number in its repository.
    pub number: u64,
    /// The guest whose store it was.
    pub guest: String,
    /// When it was taken, in seconds since 1970 (UTC).
    pub taken: u64,
    /// Its files.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// Its name in the store's directory.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// Where it was copied from.
    pub(super) source: Source,
}

/// Which file it was: table files never change, so that the next backup need not
/// read one that is the same still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) modified_s: i64,
    pub(super) modified_ns: i64,
}

impl Manifest {
    pub(super) fn new(number: u64, guest: &str, files: Vec<BackupFile>) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            format: FORMAT,
            number,
            guest: guest.to_owned(),
            taken: now.unwrap_or_default().as_secs(),
            files,
        }
    }

    /// The size of all files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a backup's manifest", path.display()))?;
        manifest
            .check()
            .with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(manifest)
    }

    /// Names and hashes become parts of paths: they must be what they seem.
    fn check(&self) -> Result<()> {
        if self.format != FORMAT {
            bail!("its format is {}, and this version reads {FORMAT}", self.format);
        }
        for file in &self.files {
            let is_hash = file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit());
            if !is_stores(&file.name) || !is_hash {
                bail!("it names a file {:?} with the hash {:?}", file.name, file.sha256);
            }
        }
        Ok(())
    }
}
