//! The state of one moment, as files that others can copy.

use crate::{Store, StoreError};
use std::path::{Path, PathBuf};

/// The checkpoint's directory, in the store's own: the worker may write nowhere
/// else, and table files can be linked there.
const DIRECTORY: &str = "checkpoint";
/// What RocksDB calls it until it is whole.
const UNFINISHED: &str = "checkpoint.tmp";

impl Store {
    /// Makes a checkpoint: all that was committed before is in it, and no
    /// transaction by half. Table files are linked, the log is copied. One made
    /// earlier is removed. Blocks; commits go on.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub fn make_checkpoint(&self) -> Result<PathBuf, StoreError> {
        remove_checkpoint(&self.engine.directory)?;
        let path = self.engine.directory.join(DIRECTORY);
        self.engine.db.checkpoint()?.create(&path)?;
        Ok(path)
    }

    /// Removes the checkpoint; no error if there is none.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub fn remove_checkpoint(&self) -> Result<(), StoreError> {
        remove_checkpoint(&self.engine.directory)
    }
}

/// Removes what a checkpoint has left in a store's directory.
pub(crate) fn remove_checkpoint(store: &Path) -> Result<(), StoreError> {
    for name in [DIRECTORY, UNFINISHED] {
        let path = store.join(name);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Storage {
                    reason: format!("cannot remove the old checkpoint {}: {error}", path.display()),
                });
            }
            _ => {}
        }
    }
    Ok(())
}
