//! Files that the server's recovery of an interrupted ALTER TABLE leaves behind.

use super::{Check, expect};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use vamos_lab::local::LocalStack;

pub(super) const CHECKS: &[Check] = &[(
    "interrupted ALTERs leave no files",
    interrupted_alters_leave_no_files,
)];

/// The database's directory has no file that an ALTER TABLE has made for itself.
pub(super) fn ensure_no_leftovers(stack: &LocalStack) -> Result<()> {
    let directory = file(stack, "");
    let list = || format!("cannot list {}", directory.display());
    for entry in fs::read_dir(&directory).with_context(list)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(
            !name.starts_with("#sql-"),
            "an interrupted ALTER TABLE left {name}"
        );
    }
    Ok(())
}

fn file(stack: &LocalStack, name: &str) -> PathBuf {
    stack.server.datadir().join("kinds").join(name)
}

/// A kill hits the moment in which the server forgets the file in one of some
/// hundred ALTER TABLEs; so the file is made here.
fn interrupted_alters_leave_no_files(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds;
         CREATE TABLE p (i INT PRIMARY KEY) ENGINE=VAMOS PARTITION BY HASH (i) PARTITIONS 2;
         CREATE TABLE other (i INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH (i) PARTITIONS 2;
         INSERT INTO p VALUES (1), (2)",
    )?;
    stack.server.shutdown()?;
    for (from, to) in [
        ("p.par", "#sql-alter-1a-2.par"),
        ("p.par", "#sql-alter-1a-3.par"),
        ("p.frm", "#sql-alter-1a-3.frm"),
        ("other.par", "#sql-alter-1a-4.par"),
    ] {
        let (from, to) = (file(stack, from), file(stack, to));
        fs::copy(&from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    stack.server.start_again()?;
    ensure!(
        !file(stack, "#sql-alter-1a-2.par").exists(),
        "a .par file that no table has was left"
    );
    for not_ours in [
        "#sql-alter-1a-3.par",
        "#sql-alter-1a-3.frm",
        "#sql-alter-1a-4.par",
    ] {
        let path = file(stack, not_ours);
        fs::remove_file(&path).with_context(|| format!("{not_ours} should have stayed"))?;
    }
    expect(stack, "SELECT * FROM p ORDER BY i", "1\n2")?;
    stack
        .server
        .sql("DROP DATABASE kinds; CREATE DATABASE kinds")
        .map(drop)
}
