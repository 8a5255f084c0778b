//! Tables whose files are those from before an ALTER TABLE that the host has made: so it
//! is when the server could not learn that it was made.

use super::{Check, expect};
use anyhow::{Context, Result};
use std::fs;
use vamos_lab::local::LocalStack;

pub(super) const CHECKS: &[Check] = &[
    ("old files of tables are replaced", |stack| {
        old_files_are_replaced(stack, "")
    }),
    ("old files of partitioned tables are replaced", |stack| {
        old_files_are_replaced(stack, "PARTITION BY HASH (id) PARTITIONS 3")
    }),
];

/// ALTERs that make no new table. With an old file some would give columns each
/// other's values; another one has the host's table have an index more.
const ALTERS: &[(&str, &str)] = &[
    ("MODIFY b INT AFTER id", "1\t20\t10\n2\t40\t30"),
    ("DROP b, ADD c INT DEFAULT 7", "1\t10\t7\n2\t30\t7"),
    (
        "ADD c INT FIRST, ADD INDEX (b)",
        "NULL\t1\t10\t20\nNULL\t2\t30\t40",
    ),
    ("DROP INDEX a", "1\t10\t20\n2\t30\t40"),
];

fn old_files_are_replaced(stack: &mut LocalStack, partitions: &str) -> Result<()> {
    for (alter, rows) in ALTERS {
        stack.server.sql(&format!(
            "USE kinds;
             CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY a (a)) ENGINE=VAMOS {partitions};
             INSERT INTO t VALUES (1, 10, 20), (2, 30, 40)"
        ))?;
        let file = stack.server.datadir().join("kinds/t.frm");
        let old = fs::read(&file).context("the table has no file")?;
        stack
            .server
            .sql(&format!("USE kinds; ALTER TABLE t {alter}, ALGORITHM=NOCOPY"))?;
        let after = stack.server.sql("SHOW CREATE TABLE kinds.t")?;
        stack.server.sql("FLUSH TABLES")?;
        fs::write(&file, old)?;
        let read = || {
            expect(stack, "SELECT * FROM t ORDER BY id", rows)?;
            expect(stack, "SHOW CREATE TABLE t", after.trim_end())
        };
        read().with_context(|| format!("after {alter}"))?;
        expect(
            stack,
            "INSERT INTO t (id) VALUES (3); SELECT COUNT(*) FROM t",
            "3",
        )?;
    }
    Ok(())
}
