//! Files that the server's recovery leaves behind.
//!
//! An ALTER TABLE in place of a partitioned table makes `#sql-alter-*.frm` and
//! `#sql-alter-*.par`, of which the first becomes the table's when the engine is
//! done. If the server dies between, its recovery (`ddl_log_execute_action()` in
//! MariaDB's sql/ddl_log.cc) renames the .frm file, but forgets the .par file, of
//! whatever engine the table is. No table has it then, and DROP DATABASE fails by
//! it with error 1010.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where a .par file has the number of partitions, in 4 bytes, little endian; their
/// engines' numbers follow, each a byte (sql/ha_partition.cc).
const PARTS: usize = 8;
const ENGINES: usize = 12;

/// The server has no more partitions in a table.
const MOST_PARTS: usize = 8192;

/// Removes the .par files below the server's directory of data that recovery has
/// left of tables whose partitions are all of the engine with this number. To be
/// called when no ALTER TABLE can run. Returns what it has removed; what cannot be
/// read or removed stays.
pub(crate) fn remove(datadir: &Path, engine: u8) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    for database in entries(datadir).filter(|path| path.is_dir()) {
        for file in entries(&database).filter(|file| is_leftover(file)) {
            if is_of(engine, &file).unwrap_or(false) && fs::remove_file(&file).is_ok() {
                removed.push(file);
            }
        }
    }
    removed
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.flatten().map(|entry| entry.path())
}

fn is_leftover(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.starts_with("#sql-alter-") && name.ends_with(".par") && !file.with_extension("frm").exists()
}

/// Whether a .par file names this engine alone.
fn is_of(engine: u8, file: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    fs::File::open(file)?
        .take((ENGINES + MOST_PARTS) as u64)
        .read_to_end(&mut start)?;
    let parts = start.get(PARTS..ENGINES).and_then(|bytes| bytes.try_into().ok());
    let parts = parts.map_or(0, u32::from_le_bytes) as usize;
    let engines = start.get(ENGINES..).and_then(|engines| engines.get(..parts));
    Ok(engines.is_some_and(|engines| !engines.is_empty() && engines.iter().all(|&found| found == engine)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a .par file.
    fn par(engines: &[u8]) -> Vec<u8> {
        let parts = u32::try_from(engines.len()).expect("few");
        [&[9, 0, 0, 0, 1, 2, 3, 4], &parts.to_le_bytes()[..], engines].concat()
    }

    #[test]
    fn only_what_no_table_has_is_removed() {
        let datadir = tempfile::tempdir().expect("tempdir");
        let file = |name: &str, bytes: &[u8]| {
            let path = datadir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            fs::write(&path, bytes).expect("write");
            path
        };
        let leftover = file("d/#sql-alter-1a-2.par", &par(&[43, 43]));
        let stays = [
            file("d/t.par", &par(&[43, 43])),
            file("d/#sql-alter-1a-3.frm", b""),
            file("d/#sql-alter-1a-3.par", &par(&[43])),
            file("d/#sql-alter-1a-4.par", &par(&[12, 12])),
            file("d/#sql-alter-1a-5.par", &par(&[43, 12])),
            file("d/#sql-alter-1a-6.par", &par(&[])),
            file("d/#sql-alter-1a-7.par", &par(&[43, 43])[..13]),
            file("d/#sql-alter-1a-8.par", b""),
            file("#sql-alter-1a-9.par", &par(&[43])),
        ];
        fs::create_dir(datadir.path().join("d/#sql-alter-1b-1.par")).expect("mkdir");
        assert_eq!(remove(datadir.path(), 43), std::slice::from_ref(&leftover));
        assert!(!leftover.exists());
        for path in stays {
            assert!(path.exists(), "{} is gone", path.display());
        }
        assert_eq!(remove(&datadir.path().join("none"), 43), Vec::<PathBuf>::new());
    }
}
