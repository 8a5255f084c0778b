//! Writes the package index's tables, loads them into a native MariaDB, and
//! checks that the server has read what was written.

use std::time::Instant;

use anyhow::{Result, ensure};
use vamos_lab::{
    mariadb_files::MariadbFiles,
    native::{NativeOptions, NativeServer},
    run_dir::RunDir,
    workload::debian_index,
};

const SCHEMA: &str = "CREATE DATABASE d CHARACTER SET utf8mb4; USE d;
CREATE TABLE packages (id INT PRIMARY KEY, name VARCHAR(120) NOT NULL, version VARCHAR(120) NOT NULL,
    architecture VARCHAR(16) NOT NULL, section VARCHAR(64), priority VARCHAR(16), maintainer VARCHAR(255),
    installed_kib BIGINT, size BIGINT, sha256 CHAR(64), description TEXT);
CREATE TABLE dependencies (package INT, kind VARCHAR(16), position SMALLINT UNSIGNED,
    target VARCHAR(120) NOT NULL, constraint_text VARCHAR(160), PRIMARY KEY (package, kind, position));";

fn main() -> Result<()> {
    let dir = RunDir::create("index")?;
    let begin = Instant::now();
    let index = debian_index::write(dir.path(), None)?;
    println!(
        "{} packages ({} bytes), {} dependencies ({} bytes) written in {:?}",
        index.packages.rows,
        index.packages.bytes()?,
        index.dependencies.rows,
        index.dependencies.bytes()?,
        begin.elapsed()
    );
    let server = NativeServer::start(&MariadbFiles::fetch()?, NativeOptions::default())?;
    server.sql(SCHEMA)?;
    let begin = Instant::now();
    for (table, file) in [
        ("packages", &index.packages),
        ("dependencies", &index.dependencies),
    ] {
        let path = file.path.display();
        let warnings = server.sql(&format!(
            "USE d; LOAD DATA INFILE '{path}' INTO TABLE {table} CHARACTER SET utf8mb4; SHOW WARNINGS LIMIT 5"
        ))?;
        ensure!(warnings.is_empty(), "{warnings}");
        let rows = server.sql(&format!("SELECT COUNT(*) FROM d.{table}"))?;
        ensure!(rows.trim() == file.rows.to_string(), "{table}: {rows}");
    }
    println!("loaded in {:?}", begin.elapsed());
    print!(
        "{}",
        server.sql("SELECT * FROM d.packages WHERE name IN ('apt', 'mariadb-server')")?
    );
    print!("{}", server.sql("SELECT kind, COUNT(*), MAX(LENGTH(target)), MAX(LENGTH(constraint_text)) FROM d.dependencies GROUP BY kind")?);
    print!("{}", server.sql("SELECT MAX(LENGTH(name)), MAX(LENGTH(version)), MAX(LENGTH(maintainer)), MAX(LENGTH(section)) FROM d.packages")?);
    Ok(())
}
