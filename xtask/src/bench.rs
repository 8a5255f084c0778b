//! `cargo xtask bench`: lanes, and the store through them, beside their peers.

use crate::artifacts;
use anyhow::Result;
use vamos_lab::eval::micro;

/// Builds what it needs, measures, and prints the table.
pub(crate) fn run() -> Result<()> {
    let (bench, vamosd) = artifacts::bench()?;
    micro::run(&bench, &vamosd).map(drop)
}
