//! A backup becomes a store again.

use super::content::{copy, sync_directory};
use super::{BackupFile, Manifest, Repository};
use crate::supervisor::find_user;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

/// Copies a backup into a store's directory, which must not exist or be empty,
/// and holds each file against its hash. The store is there as a whole or not at
/// all. `user` is whom it is to belong to: the guest's `user` in vamosd's
/// configuration.
///
/// # Errors
/// The directory is not empty, a file is missing, damaged, or cannot be written.
pub fn restore(repository: &Repository, manifest: &Manifest, store: &Path, user: Option<&str>) -> Result<()> {
    let user = user.map(find_user).transpose()?;
    if store.exists() {
        let empty = fs::read_dir(store).is_ok_and(|mut entries| entries.next().is_none());
        ensure!(
            empty,
            "{} is not empty; a backup is restored into a directory of its own",
            store.display()
        );
    }
    let unfinished = unfinished(store)?;
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).with_context(|| {
            format!(
                "cannot remove {}, left by an earlier attempt",
                unfinished.display()
            )
        })?;
    }
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&unfinished)
        .with_context(|| format!("cannot make {}", unfinished.display()))?;
    for file in &manifest.files {
        let path = unfinished.join(&file.name);
        restore_file(repository, file, &path)?;
        if let Some(user) = user {
            chown(&path, Some(user.uid), Some(user.gid))
                .with_context(|| format!("cannot give {} to its user", path.display()))?;
        }
    }
    if let Some(user) = user {
        chown(&unfinished, Some(user.uid), Some(user.gid))
            .with_context(|| format!("cannot give {} to its user", unfinished.display()))?;
    }
    sync_directory(&unfinished)?;
    // Takes the place of an empty directory, too.
    fs::rename(&unfinished, store)
        .with_context(|| format!("cannot rename {} to {}", unfinished.display(), store.display()))?;
    sync_directory(parent(store))
}

/// Where the files are until all are there.
fn unfinished(store: &Path) -> Result<PathBuf> {
    let name = store
        .file_name()
        .with_context(|| format!("{} is no directory for a store", store.display()))?;
    let mut name = name.to_owned();
    name.push(".restoring");
    Ok(parent(store).join(name))
}

fn parent(store: &Path) -> &Path {
    match store.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn restore_file(repository: &Repository, file: &BackupFile, path: &Path) -> Result<()> {
    let content = repository.content(&file.sha256);
    let mut from = File::open(&content).with_context(|| format!("cannot open {}", content.display()))?;
    let mut to = File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
    let (bytes, sha256) = copy(&mut from, &mut to, u64::MAX)
        .with_context(|| format!("cannot copy {} to {}", content.display(), path.display()))?;
    ensure!(
        bytes == file.bytes && sha256 == file.sha256,
        "{} is damaged: this backup cannot be restored; see `vamos backup list` for others",
        content.display()
    );
    to.sync_all()
        .with_context(|| format!("cannot sync {}", path.display()))
}
