//! Tables whose files the server has lost: the host has all that they are made of.

use super::{Check, expect, expect_error};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use vamos_lab::local::LocalStack;

pub(super) const CHECKS: &[Check] = &[
    ("lost files come back", lost_files_come_back),
    ("changed tables come back as they are", changed_tables_come_back),
    ("partitioned tables come back", partitioned_tables_come_back),
    (
        "lost tables can be dropped and made anew",
        lost_tables_are_in_the_way,
    ),
    ("a host that is away is in nobody's way", absent_host),
    (
        "a table that the host does not know keeps its file",
        unknown_table_keeps_its_file,
    ),
];

/// Removes the description files of a database, as a lost disk would.
pub(super) fn lose_files(stack: &LocalStack, directory: &str) -> Result<()> {
    stack.server.sql("FLUSH TABLES")?;
    let directory = stack.server.datadir().join(directory);
    let mut lost = 0;
    for entry in fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "frm" || extension == "par")
        {
            fs::remove_file(&path)?;
            lost += 1;
        }
    }
    ensure!(lost > 0, "{} had no files to lose", directory.display());
    Ok(())
}

fn frm(stack: &LocalStack, table: &str) -> PathBuf {
    stack.server.datadir().join("kinds").join(format!("{table}.frm"))
}

fn lost_files_come_back(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds;
         CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT 'x', KEY (v)) ENGINE=VAMOS COMMENT='hello';
         INSERT INTO a VALUES (1, 'one'), (2, 'two');
         CREATE TABLE `odd name/#1 ü` (i INT) ENGINE=VAMOS;
         INSERT INTO `odd name/#1 ü` VALUES (7);
         CREATE OR REPLACE DATABASE `odd db/#P#`;
         CREATE TABLE `odd db/#P#`.`t#P#p` (i INT) ENGINE=VAMOS;
         INSERT INTO `odd db/#P#`.`t#P#p` VALUES (8)",
    )?;
    let before = stack.server.sql("SHOW CREATE TABLE kinds.a")?;
    lose_files(stack, "kinds")?;
    lose_files(stack, "odd@0020db@002f@0023P@0023")?;
    expect(stack, "SHOW TABLES", "a\nodd name/#1 ü")?;
    expect(stack, "SELECT * FROM a ORDER BY id", "1\tone\n2\ttwo")?;
    ensure!(
        frm(stack, "a").exists(),
        "a table that was found has no file again"
    );
    expect(stack, "SHOW CREATE TABLE a", before.trim_end())?;
    expect(stack, "SELECT * FROM `odd name/#1 ü`", "7")?;
    expect(stack, "SHOW TABLES FROM `odd db/#P#`", "t#P#p")?;
    expect(stack, "SELECT * FROM `odd db/#P#`.`t#P#p`", "8")?;
    expect(
        stack,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'kinds' AND table_rows IS NOT NULL",
        "a\nodd name/#1 ü",
    )?;
    // The same once more across a restart of the server.
    lose_files(stack, "kinds")?;
    stack.server.shutdown()?;
    stack.server.start_again()?;
    expect(
        stack,
        "INSERT INTO a VALUES (3, 'three'); SELECT COUNT(*) FROM a WHERE v > 'o'",
        "3",
    )?;
    stack.server.sql("DROP DATABASE `odd db/#P#`").map(drop)
}

fn changed_tables_come_back(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds;
         CREATE TABLE renamed_soon (i INT) ENGINE=VAMOS; INSERT INTO renamed_soon VALUES (1);
         RENAME TABLE renamed_soon TO renamed;
         CREATE TABLE truncated (i INT AUTO_INCREMENT PRIMARY KEY) ENGINE=VAMOS;
         INSERT INTO truncated VALUES (NULL), (NULL);
         TRUNCATE truncated; INSERT INTO truncated VALUES (NULL);
         CREATE TABLE copied (i INT) ENGINE=VAMOS; INSERT INTO copied VALUES (1);
         ALTER TABLE copied ADD j INT NOT NULL DEFAULT 5, ALGORITHM=COPY;
         CREATE TABLE described (i INT) ENGINE=VAMOS; INSERT INTO described VALUES (1);
         ALTER TABLE described COMMENT='new', ALTER i SET DEFAULT 9;
         INSERT INTO described VALUES ();
         CREATE TABLE came (i INT) ENGINE=InnoDB; INSERT INTO came VALUES (4);
         ALTER TABLE came ENGINE=VAMOS;
         CREATE TABLE went (i INT) ENGINE=VAMOS; ALTER TABLE went ENGINE=InnoDB; DROP TABLE went;
         CREATE TABLE dropped (i INT) ENGINE=VAMOS; DROP TABLE dropped;
         CREATE TABLE selected ENGINE=VAMOS AS SELECT 3 AS three;
         CREATE TABLE likewise LIKE copied;
         CREATE OR REPLACE TABLE likewise (k INT) ENGINE=VAMOS",
    )?;
    lose_files(stack, "kinds")?;
    expect(
        stack,
        "SHOW TABLES",
        "came\ncopied\ndescribed\nlikewise\nrenamed\nselected\ntruncated",
    )?;
    expect(stack, "SELECT * FROM renamed", "1")?;
    expect(stack, "SELECT * FROM truncated", "1")?;
    expect(stack, "SELECT * FROM copied", "1\t5")?;
    expect(stack, "SELECT * FROM described ORDER BY i", "1\n9")?;
    expect(
        stack,
        "SELECT table_comment FROM information_schema.tables WHERE table_schema = 'kinds' AND table_name = 'described'",
        "new",
    )?;
    expect(stack, "SELECT * FROM came", "4")?;
    expect(stack, "SELECT * FROM selected", "3")?;
    expect(stack, "SELECT COUNT(k) FROM likewise", "0")?;
    expect_error(stack, "SELECT * FROM dropped", "ERROR 1146")
}

fn partitioned_tables_come_back(stack: &mut LocalStack) -> Result<()> {
    stack.server.sql(
        "USE kinds;
         CREATE TABLE p (i INT PRIMARY KEY) ENGINE=VAMOS PARTITION BY RANGE (i)
           (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (20));
         INSERT INTO p VALUES (1), (11);
         CREATE TABLE h (i INT, j INT) ENGINE=VAMOS PARTITION BY LIST (i) SUBPARTITION BY HASH (j) SUBPARTITIONS 2
           (PARTITION a VALUES IN (1), PARTITION b VALUES IN (2));
         INSERT INTO h VALUES (1, 1), (1, 2), (2, 1);
         CREATE TABLE x (i INT PRIMARY KEY) ENGINE=VAMOS; INSERT INTO x VALUES (5), (6)",
    )?;
    lose_files(stack, "kinds")?;
    expect(stack, "SHOW TABLES", "h\np\nx")?;
    expect(stack, "SELECT * FROM p ORDER BY i", "1\n11")?;
    expect(stack, "SELECT * FROM h PARTITION (a) ORDER BY j", "1\t1\n1\t2")?;
    stack.server.sql(
        "USE kinds;
         ALTER TABLE p ADD PARTITION (PARTITION c VALUES LESS THAN (30));
         INSERT INTO p VALUES (21);
         ALTER TABLE p REORGANIZE PARTITION b INTO (PARTITION b1 VALUES LESS THAN (15), PARTITION b2 VALUES LESS THAN (20));
         ALTER TABLE p EXCHANGE PARTITION a WITH TABLE x;
         ALTER TABLE h COMMENT='two levels';
         RENAME TABLE h TO g",
    )?;
    lose_files(stack, "kinds")?;
    expect(stack, "SHOW TABLES", "g\np\nx")?;
    expect(stack, "SELECT * FROM p ORDER BY i", "5\n6\n11\n21")?;
    expect(stack, "SELECT * FROM p PARTITION (b1, c) ORDER BY i", "11\n21")?;
    expect(stack, "SELECT * FROM x", "1")?;
    expect(stack, "SELECT COUNT(*) FROM g", "3")?;
    stack
        .server
        .sql("USE kinds; ALTER TABLE p DROP PARTITION c; ALTER TABLE g REMOVE PARTITIONING; ALTER TABLE x PARTITION BY KEY (i) PARTITIONS 3")?;
    lose_files(stack, "kinds")?;
    expect(stack, "SELECT * FROM p ORDER BY i", "5\n6\n11")?;
    expect(stack, "SELECT COUNT(*) FROM g", "3")?;
    expect(stack, "SELECT * FROM x", "1")?;
    stack.server.sql("USE kinds; DROP TABLE p, g, x")?;
    expect(stack, "SHOW TABLES", "")
}

fn lost_tables_are_in_the_way(stack: &mut LocalStack) -> Result<()> {
    stack
        .server
        .sql("USE kinds; CREATE TABLE a (i INT) ENGINE=VAMOS; CREATE TABLE b (i INT) ENGINE=VAMOS; CREATE TABLE c (i INT) ENGINE=VAMOS; CREATE TABLE d (i INT) ENGINE=VAMOS")?;
    lose_files(stack, "kinds")?;
    expect_error(stack, "CREATE TABLE a (j INT) ENGINE=VAMOS", "ERROR 1050")?;
    expect_error(stack, "CREATE TABLE a (j INT) ENGINE=InnoDB", "ERROR 1050")?;
    expect(
        stack,
        "CREATE OR REPLACE TABLE b (j INT) ENGINE=VAMOS; SHOW COLUMNS FROM b",
        "j\tint(11)\tYES\t\tNULL",
    )?;
    expect(stack, "DROP TABLE c; SHOW TABLES", "a\nb\nd")?;
    lose_files(stack, "kinds")?;
    expect(
        stack,
        "DROP DATABASE kinds; CREATE DATABASE kinds; SHOW TABLES FROM kinds",
        "",
    )?;
    expect(
        stack,
        "CREATE TABLE d (j INT) ENGINE=VAMOS; SELECT COUNT(j) FROM d",
        "0",
    )
}

fn absent_host(stack: &mut LocalStack) -> Result<()> {
    stack
        .server
        .sql("USE kinds; CREATE TABLE v (i INT) ENGINE=VAMOS; CREATE TABLE p (i INT) ENGINE=InnoDB")?;
    stack.server.sql("FLUSH TABLES")?;
    stack.daemon.stop()?;
    expect(stack, "SHOW TABLES", "p\nv")?;
    expect(
        stack,
        "CREATE TABLE q (i INT) ENGINE=InnoDB; INSERT INTO q VALUES (1); SELECT * FROM q",
        "1",
    )?;
    expect(
        stack,
        "RENAME TABLE q TO r; DROP TABLE IF EXISTS nosuch; DROP TABLE r; SELECT COUNT(*) FROM p",
        "0",
    )?;
    expect_error(stack, "SELECT * FROM nosuch", "ERROR 1146")?;
    expect_error(stack, "RENAME TABLE p TO v", "ERROR 1050")?;
    expect_error(stack, "SELECT * FROM v", "ERROR 1429")?;
    expect_error(stack, "CREATE TABLE w (i INT) ENGINE=VAMOS", "ERROR 1")?;
    stack.daemon.start_again()?;
    expect(stack, "SELECT COUNT(*) FROM v", "0")
}

fn unknown_table_keeps_its_file(stack: &mut LocalStack) -> Result<()> {
    stack
        .server
        .sql("USE kinds; CREATE TABLE a (i INT) ENGINE=VAMOS")?;
    let file = frm(stack, "a");
    let elsewhere = frm(stack, "b");
    fs::copy(&file, &elsewhere)?;
    expect_error(stack, "SELECT * FROM b", "ERROR 1932")?;
    expect_error(stack, "SELECT * FROM b", "ERROR 1932")?;
    ensure!(
        elsewhere.exists(),
        "the server threw away a file of a table that the host does not know"
    );
    stack.server.sql("USE kinds; DROP TABLE b")?;
    ensure!(!elsewhere.exists(), "a dropped table has a file");
    Ok(())
}
