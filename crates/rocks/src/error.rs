//! RocksDB's errors, which its C interface tells as text.

use crate::ffi;
use std::ffi::{CStr, c_char};

/// What kind of failure an [`Error`] is, as far as RocksDB's words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Data on disk is damaged.
    Corruption,
    /// The disk is full; this passes when it no longer is.
    OutOfSpace,
    /// The operating system refused a read or a write for another reason.
    Io,
    /// Another process (or this one) has the database open.
    Locked,
    /// The file system knows no direct I/O.
    NoDirectIo,
    /// The answer is not in the cache and the read said not to look further.
    NotCached,
    /// Anything else.
    Other,
}

/// A failure, in RocksDB's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    pub(crate) fn new(message: String) -> Self {
        let kind = if message.contains("lock file") || message.contains("lock hold by") {
            ErrorKind::Locked
        } else if message.starts_with("Corruption") {
            ErrorKind::Corruption
        } else if message.starts_with("IO error") && message.contains("No space left on device") {
            ErrorKind::OutOfSpace
        } else if message.starts_with("IO error") {
            ErrorKind::Io
        } else if message.contains("Direct I/O is not supported") {
            ErrorKind::NoDirectIo
        } else if message.starts_with("Result incomplete") {
            ErrorKind::NotCached
        } else {
            ErrorKind::Other
        };
        Self { kind, message }
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Calls a C function that reports failure by its `errptr` argument.
pub(crate) fn checked<T>(call: impl FnOnce(*mut *mut c_char) -> T) -> Result<T, Error> {
    let mut error: *mut c_char = std::ptr::null_mut();
    let value = call(&mut error);
    match take_message(error) {
        None => Ok(value),
        Some(error) => Err(error),
    }
}

/// Takes over a message that RocksDB allocated; `None` if there is none.
pub(crate) fn take_message(error: *mut c_char) -> Option<Error> {
    take_string(error).map(Error::new)
}

/// Takes over a string that RocksDB allocated; `None` if it is null.
pub(crate) fn take_string(string: *mut c_char) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: every caller passes what a RocksDB function just gave out as its
    // own: null or a NUL-terminated string from malloc.
    let text = unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned();
    // SAFETY: it came from malloc and nobody else has it.
    unsafe { ffi::rocksdb_free(string.cast()) };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let kind = |message: &str| Error::new(message.to_owned()).kind();
        let full =
            "IO error: No space left on device: While appending to file: /s/4.log: No space left on device";
        assert_eq!(kind(full), ErrorKind::OutOfSpace);
        let broken = "IO error: While fdatasync: /s/4.log: Input/output error";
        assert_eq!(kind(broken), ErrorKind::Io);
    }
}
