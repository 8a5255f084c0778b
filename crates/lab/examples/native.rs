//! Starts a native MariaDB, loads the plugins given as arguments, and tries it.

use std::{path::PathBuf, time::Instant};

use anyhow::{Result, ensure};
use vamos_lab::{
    mariadb_files::MariadbFiles,
    native::{NativeOptions, NativeServer},
};

fn main() -> Result<()> {
    let files = MariadbFiles::fetch()?;
    let plugin = std::env::args_os().nth(1).map(PathBuf::from);
    let begin = Instant::now();
    let mut server = NativeServer::start(
        &files,
        NativeOptions {
            plugin,
            ..Default::default()
        },
    )?;
    println!("started in {:?}: {}", begin.elapsed(), server.connect_hint());
    server.sql("CREATE DATABASE t; CREATE TABLE t.a (i INT PRIMARY KEY) ENGINE=InnoDB")?;
    server.sql("USE t; INSERT INTO a SELECT seq FROM seq_1_to_1000")?;

    let begin = Instant::now();
    server.kill();
    server.start_again()?;
    ensure!(server.sql("SELECT COUNT(*) FROM t.a")?.trim() == "1000");
    println!(
        "killed and started again in {:?}, every row is there",
        begin.elapsed()
    );

    let begin = Instant::now();
    server.shutdown()?;
    println!("shut down in {:?}", begin.elapsed());
    Ok(())
}
