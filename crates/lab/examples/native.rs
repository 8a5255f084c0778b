//! Starts a native MariaDB, loads the plugins given as arguments, and tries it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

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

    waits_are_seen(&server)?;

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

/// A statement that waits for another connection's lock is seen to wait, and
/// its outcome comes when the lock is free.
fn waits_are_seen(server: &NativeServer) -> Result<()> {
    let mut holder = server.connect()?;
    let waiter = server.session()?;
    waiter.run("USE t")?;
    holder.execute("BEGIN")?;
    holder.execute("UPDATE t.a SET i = -1 WHERE i = 1")?;
    waiter.start("UPDATE a SET i = -2 WHERE i = 1");
    ensure!(waiter.outcome_within(Duration::from_millis(300)).is_none());
    holder.execute("ROLLBACK")?;
    println!("after its wait: {:?}", waiter.outcome()?);
    println!("a duplicate: {:?}", waiter.run("INSERT INTO a VALUES (2)"));
    ensure!(holder.value("SELECT COUNT(*) FROM t.a WHERE i = -2")? == "1");
    waiter.run("UPDATE a SET i = 1 WHERE i = -2")?;
    Ok(())
}
