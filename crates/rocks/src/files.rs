//! The table files of a database: which there are, and whether they are whole.

use crate::db::c_string;
use crate::error::take_message;
use crate::{Db, Error, ffi};
use std::ffi::{CStr, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A table file that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFile {
    /// Its number; the file is `NUMBER.sst` in the database's directory.
    pub number: u64,
    /// The name of its column family.
    pub family: String,
    /// Its level.
    pub level: u32,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its first key.
    pub smallest: Vec<u8>,
    /// Its last key.
    pub largest: Vec<u8>,
}

impl LiveFile {
    /// The file's name in its directory.
    pub fn name(&self) -> String {
        format!("{:06}.sst", self.number)
    }
}

impl Db {
    /// The table files of all column families that are in use now.
    pub fn live_files(&self) -> Vec<LiveFile> {
        // SAFETY: the database is alive; the list is ours, read within its
        // bounds, and destroyed once.
        unsafe {
            let list = ffi::rocksdb_livefiles(self.shared.db());
            let files = (0..ffi::rocksdb_livefiles_count(list))
                .filter_map(|index| live_file(list, index))
                .collect();
            ffi::rocksdb_livefiles_destroy(list);
            files
        }
    }
}

/// # Safety
/// `list` is alive and has an element at `index`.
unsafe fn live_file(list: *const ffi::rocksdb_livefiles_t, index: c_int) -> Option<LiveFile> {
    type Key =
        unsafe extern "C" fn(*const ffi::rocksdb_livefiles_t, c_int, *mut usize) -> *const std::ffi::c_char;
    let key = |get: Key| {
        let mut length = 0;
        // SAFETY: the caller's promise; the bytes live as long as the list.
        unsafe {
            let start = get(list, index, &mut length);
            if start.is_null() || length == 0 {
                return Vec::new();
            }
            std::slice::from_raw_parts(start.cast::<u8>(), length).to_vec()
        }
    };
    // SAFETY: the caller's promise; names are C strings that live as long as
    // the list.
    unsafe {
        let name = CStr::from_ptr(ffi::rocksdb_livefiles_name(list, index)).to_string_lossy();
        let family = CStr::from_ptr(ffi::rocksdb_livefiles_column_family_name(list, index));
        Some(LiveFile {
            number: name.trim_start_matches('/').strip_suffix(".sst")?.parse().ok()?,
            family: family.to_string_lossy().into_owned(),
            level: u32::try_from(ffi::rocksdb_livefiles_level(list, index)).unwrap_or(0),
            bytes: ffi::rocksdb_livefiles_size(list, index) as u64,
            smallest: key(ffi::rocksdb_livefiles_smallestkey),
            largest: key(ffi::rocksdb_livefiles_largestkey),
        })
    }
}

/// Reads a table file from beginning to end, past the block cache, and holds
/// every block against its checksum.
///
/// # Errors
/// RocksDB's: [`ErrorKind::Corruption`](crate::ErrorKind::Corruption) says which
/// block; [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be read.
pub fn verify_table_file(path: &Path) -> Result<(), Error> {
    let path = c_string(path.as_os_str().as_bytes())?;
    // SAFETY: the path is for the call; the message becomes ours.
    match take_message(unsafe { ffi::vamos_rocks_verify_file(path.as_ptr()) }) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}
