//! A checkpoint as a worker has made it.
//!
//! The worker may be anything but what it should be. It can put into its
//! directory what it likes, so that no link is followed here, and only plain
//! files with names of RocksDB's are read.

use super::manifest::Source;
use anyhow::{Context, Result, bail};
use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, open, openat};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// More files than any store has.
const MOST_FILES: usize = 1 << 20;

/// An open checkpoint.
#[derive(Debug)]
pub(super) struct Checkpoint {
    directory: OwnedFd,
    names: Vec<String>,
}

/// A file of it.
#[derive(Debug)]
pub(super) struct CheckpointFile {
    pub(super) file: File,
    pub(super) bytes: u64,
    pub(super) source: Source,
}

impl Checkpoint {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = open(path, flags, Mode::empty())
            .with_context(|| format!("cannot open the checkpoint {}", path.display()))?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).context("cannot list the checkpoint")? {
            let entry = entry.context("cannot list the checkpoint")?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_stores(&name) {
                names.push(name);
            }
            if names.len() > MOST_FILES {
                bail!("the checkpoint has more than {MOST_FILES} files");
            }
        }
        if !names.iter().any(|name| name == "CURRENT") {
            bail!(
                "the checkpoint {} is not one: it has no file CURRENT",
                path.display()
            );
        }
        names.sort();
        Ok(Self { directory, names })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn file(&self, name: &str) -> Result<CheckpointFile> {
        // NONBLOCK: what only pretends to be a file must not make us wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty())
            .with_context(|| format!("cannot open {name} of the checkpoint"))?;
        let stat = fstat(&file).with_context(|| format!("cannot look at {name} of the checkpoint"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            bail!("{name} of the checkpoint is not a plain file");
        }
        Ok(CheckpointFile {
            file: file.into(),
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            source: Source {
                device: stat.st_dev,
                inode: stat.st_ino,
                modified_s: stat.st_mtime,
                modified_ns: i64::try_from(stat.st_mtime_nsec).unwrap_or(0),
            },
        })
    }
}

/// Whether a file of this name belongs to a store.
pub(super) fn is_stores(name: &str) -> bool {
    let number =
        |text: &str| !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    let numbered = |start: &str, end: &str| {
        name.strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(number)
    };
    name == "CURRENT"
        || numbered("MANIFEST-", "")
        || numbered("OPTIONS-", "")
        || numbered("", ".sst")
        || numbered("", ".log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_store_are_taken() {
        for name in [
            "CURRENT",
            "MANIFEST-000004",
            "OPTIONS-000007",
            "000012.sst",
            "7.log",
        ] {
            assert!(is_stores(name), "{name}");
        }
        for name in [
            "",
            "LOG",
            "LOCK",
            ".sst",
            "../1.sst",
            "a.sst",
            "1.sst/",
            "MANIFEST-",
            "1.sst.tmp",
        ] {
            assert!(!is_stores(name), "{name}");
        }
    }

    #[test]
    fn links_and_pipes_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("CURRENT"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path("000001.sst")).unwrap();
        std::fs::create_dir(path("000002.sst")).unwrap();
        let checkpoint = Checkpoint::open(directory.path()).unwrap();
        assert!(checkpoint.file("CURRENT").is_ok());
        assert!(checkpoint.file("000001.sst").is_err());
        assert!(checkpoint.file("000002.sst").is_err());
        std::os::unix::fs::symlink(directory.path(), path("link")).unwrap();
        assert!(Checkpoint::open(&path("link")).is_err());
    }
}
