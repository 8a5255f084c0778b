//! Copying while hashing.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Read at once.
const BUFFER: usize = 1 << 20;

/// Copies at most so many bytes; their number, and their SHA-256 in hexadecimal.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write, most: u64) -> std::io::Result<(u64, String)> {
    let mut from = from.take(most);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..length).unwrap_or_default();
        hash.update(part);
        to.write_all(part)?;
        bytes += length as u64;
    }
    let hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hash))
}

/// Makes what was done in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .with_context(|| format!("cannot sync the directory {}", path.display()))
}
