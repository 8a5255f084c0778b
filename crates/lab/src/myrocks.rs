//! MyRocks of the pinned MariaDB: the peer that has our cut within one process.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    mariadb_files::MariadbFiles,
    packages,
    paths::{self, Lock},
};

/// What its plugin is linked with, beyond what the server needs.
pub const RUNTIME: &[&str] = &["liblz4-1", "libsnappy1v5", "libzstd1"];

/// The plugin `ha_rocksdb.so`, fetched at the first call.
///
/// # Errors
/// If Debian's package of that version can't be had.
pub fn plugin(files: &MariadbFiles) -> Result<PathBuf> {
    packages::ensure(RUNTIME)?;
    let dir = paths::lab_dir()?.join(format!("myrocks-{}", files.version));
    let _lock = Lock::wait("myrocks")?;
    paths::make_whole(&dir, |dir| {
        println!("lab: downloading MyRocks {}", files.version);
        files.unpack_more(&["mariadb-plugin-rocksdb"], dir)
    })?;
    Ok(dir.join("usr/lib/mysql/plugin/ha_rocksdb.so"))
}
