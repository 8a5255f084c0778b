//! A directory of backups.
//!
//! `contents/HASH` holds each different content once; `backups/NUMBER.json` says
//! which contents a backup has; `new/` is where unfinished files are; `lock` is
//! held while backups are added or removed.

use super::checkpoint::{Checkpoint, CheckpointFile};
use super::content::{copy, sync_directory};
use super::manifest::{BackupFile, Manifest};
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A directory of backups.
#[derive(Debug)]
pub struct Repository {
    path: PathBuf,
}

/// What a backup took.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The backup.
    pub manifest: Manifest,
    /// Files that were copied; the others were there.
    pub copied_files: u64,
    /// Bytes that were copied.
    pub copied_bytes: u64,
}

impl Repository {
    /// The backups in a directory, which is made if it does not exist.
    ///
    /// # Errors
    /// It cannot be made, or holds something else.
    pub fn create(path: &Path) -> Result<Self> {
        let repository = Self {
            path: path.to_owned(),
        };
        if path.exists() && !repository.backups().is_dir() {
            let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            ensure!(
                empty,
                "{} holds something else than backups; name an empty directory, or one that does not exist",
                path.display()
            );
        }
        for directory in [repository.contents(), repository.fresh(), repository.backups()] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        Ok(repository)
    }

    /// The backups in a directory.
    ///
    /// # Errors
    /// There are none.
    pub fn open(path: &Path) -> Result<Self> {
        let repository = Self {
            path: path.to_owned(),
        };
        ensure!(
            repository.backups().is_dir(),
            "there are no backups in {}",
            path.display()
        );
        Ok(repository)
    }

    fn contents(&self) -> PathBuf {
        self.path.join("contents")
    }

    fn fresh(&self) -> PathBuf {
        self.path.join("new")
    }

    fn backups(&self) -> PathBuf {
        self.path.join("backups")
    }

    /// Where a content lies.
    pub(super) fn content(&self, sha256: &str) -> PathBuf {
        self.contents().join(sha256)
    }

    /// One process at a time changes it; the lock ends with the file.
    fn lock(&self) -> Result<File> {
        let path = self.path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .with_context(|| format!("another process changes the backups in {}", self.path.display()))?;
        Ok(file)
    }

    /// All backups, the oldest first.
    ///
    /// # Errors
    /// A manifest cannot be read.
    pub fn list(&self) -> Result<Vec<Manifest>> {
        let directory = self.backups();
        let mut manifests = Vec::new();
        let entries =
            fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot list {}", directory.display()))?
                .path();
            if path.extension().is_some_and(|extension| extension == "json") {
                manifests.push(Manifest::load(&path)?);
            }
        }
        manifests.sort_by_key(|manifest| manifest.number);
        Ok(manifests)
    }

    /// The backup with this number, or the newest one (of this guest).
    ///
    /// # Errors
    /// There is none such.
    pub fn find(&self, number: Option<u64>, guest: Option<&str>) -> Result<Manifest> {
        let of_guest = |manifest: &Manifest| guest.is_none_or(|guest| manifest.guest == guest);
        let mut manifests = self.list()?;
        manifests.retain(|manifest| number.is_none_or(|number| manifest.number == number));
        manifests.retain(of_guest);
        let guests: HashSet<_> = manifests.iter().map(|manifest| &manifest.guest).collect();
        ensure!(
            guests.len() <= 1,
            "there are backups of several guests in {}; say of which, or the backup's number",
            self.path.display()
        );
        manifests
            .pop()
            .with_context(|| format!("there is no such backup in {}", self.path.display()))
    }

    /// Adds a backup.
    pub(super) fn add(&self, guest: &str, checkpoint: &Checkpoint) -> Result<Summary> {
        let _lock = self.lock()?;
        self.empty_fresh()?;
        let earlier = self.list()?;
        let known: HashMap<_, _> = earlier
            .iter()
            // Each guest's worker can set the times of its files, but not of others'.
            .filter(|manifest| manifest.guest == guest)
            .flat_map(|manifest| &manifest.files)
            .map(|file| ((&file.name, file.bytes, file.source), file))
            .collect();
        let mut summary = Summary {
            manifest: Manifest::new(
                earlier.last().map_or(1, |last| last.number + 1),
                guest,
                Vec::new(),
            ),
            copied_files: 0,
            copied_bytes: 0,
        };
        for name in checkpoint.names() {
            let file = checkpoint.file(name)?;
            let is_table = name.ends_with(".sst");
            let same = known
                .get(&(name, file.bytes, file.source))
                .filter(|same| is_table && self.has(&same.sha256, file.bytes));
            let file = match same {
                Some(same) => BackupFile::clone(same),
                None => self.store(name, file, &mut summary)?,
            };
            summary.manifest.files.push(file);
        }
        sync_directory(&self.contents())?;
        self.publish(&summary.manifest)?;
        Ok(summary)
    }

    /// What an earlier attempt has left unfinished.
    fn empty_fresh(&self) -> Result<()> {
        for entry in fs::read_dir(self.fresh()).context("cannot list the directory `new`")? {
            let path = entry.context("cannot list the directory `new`")?.path();
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn has(&self, sha256: &str, bytes: u64) -> bool {
        fs::metadata(self.content(sha256)).is_ok_and(|file| file.is_file() && file.len() == bytes)
    }

    /// Copies a file in. If its content is there, that is replaced: it may have been
    /// damaged since, and the copy is known to be whole.
    fn store(&self, name: &str, mut from: CheckpointFile, summary: &mut Summary) -> Result<BackupFile> {
        let fresh = self.fresh().join(name);
        let copied = (|| {
            let mut to = File::create(&fresh)?;
            let copied = copy(&mut from.file, &mut to, from.bytes)?;
            to.sync_all()?;
            std::io::Result::Ok(copied)
        })();
        let (bytes, sha256) = copied.with_context(|| format!("cannot copy {name} to {}", fresh.display()))?;
        ensure!(bytes == from.bytes, "{name} became shorter while it was copied");
        let is_new = !self.has(&sha256, bytes);
        let content = self.content(&sha256);
        fs::rename(&fresh, &content).with_context(|| format!("cannot make {}", content.display()))?;
        if is_new {
            summary.copied_files += 1;
            summary.copied_bytes += bytes;
        }
        Ok(BackupFile {
            name: name.to_owned(),
            bytes,
            sha256,
            source: from.source,
        })
    }

    /// From here on the backup exists.
    fn publish(&self, manifest: &Manifest) -> Result<()> {
        let fresh = self.fresh().join("manifest");
        let path = self.manifest_path(manifest.number);
        let write = || {
            let mut file = File::create(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        sync_directory(&self.backups())
    }

    fn manifest_path(&self, number: u64) -> PathBuf {
        self.backups().join(format!("{number:06}.json"))
    }

    /// Removes all but the newest backups of a guest, and contents that no backup
    /// has. Returns how many backups were removed.
    ///
    /// # Errors
    /// A manifest cannot be read (nothing is removed then), or a file cannot be
    /// removed.
    pub fn keep(&self, guest: &str, newest: usize) -> Result<usize> {
        if newest == 0 {
            bail!("at least one backup is kept");
        }
        let _lock = self.lock()?;
        let manifests = self.list()?;
        let of_guest: Vec<_> = manifests
            .iter()
            .filter(|manifest| manifest.guest == guest)
            .map(|manifest| manifest.number)
            .collect();
        let removed: HashSet<_> = of_guest.iter().rev().skip(newest).copied().collect();
        for &number in &removed {
            let path = self.manifest_path(number);
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        sync_directory(&self.backups())?;
        let used: HashSet<_> = manifests
            .iter()
            .filter(|manifest| !removed.contains(&manifest.number))
            .flat_map(|manifest| &manifest.files)
            .map(|file| file.sha256.as_str())
            .collect();
        for entry in fs::read_dir(self.contents()).context("cannot list the contents")? {
            let path = entry.context("cannot list the contents")?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if !used.contains(name) {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(removed.len())
    }

    /// Reads all of a backup; what is wrong with it, file by file.
    pub fn verify(&self, manifest: &Manifest) -> Vec<String> {
        let wrong = |file: &BackupFile| {
            let path = self.content(&file.sha256);
            let read =
                File::open(&path).and_then(|mut content| copy(&mut content, &mut std::io::sink(), u64::MAX));
            match read {
                Ok((bytes, sha256)) if bytes == file.bytes && sha256 == file.sha256 => None,
                Ok((bytes, _)) => Some(format!(
                    "{}: {} is damaged ({bytes} bytes, should be {})",
                    file.name,
                    path.display(),
                    file.bytes
                )),
                Err(error) => Some(format!(
                    "{}: {} cannot be read: {error}",
                    file.name,
                    path.display()
                )),
            }
        };
        manifest.files.iter().filter_map(wrong).collect()
    }
}
