//! Guest sessions against a real vamosd, on real RocksDB.

mod crashes;
mod sessions;
mod support;
