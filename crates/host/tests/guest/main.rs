//! Guest sessions against a real vamosd, on real RocksDB.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ahead;
mod crashes;
mod failing;
mod idle;
mod locks;
mod patience;
mod scans;
mod sessions;
mod snapshots;
mod support;
mod undecided;
