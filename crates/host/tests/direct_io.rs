//! A store whose tables stay out of the page cache.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rustix::fs::OFlags;
use std::fs;
use std::path::Path;
use std::time::Duration;
use support::Daemon;
use vamos_guest::{
    Client, Config, CreateTable, Durability, Get, Isolation, Lock, Rows, Session, Table, Write, WriteOp,
};
use vamos_host::backup::{Repository, back_up, restore};

const ROWS: u32 = 500;

fn session(daemon: &Daemon) -> Session {
    let endpoint = format!("unix:{}", daemon.socket().display());
    Session::new(Client::new(Config::new(endpoint.parse().unwrap())))
}

fn value(row: u32) -> Vec<u8> {
    row.to_le_bytes().repeat(500)
}

fn fill(session: &mut Session) -> Table {
    let create = CreateTable {
        name: "t",
        definition: b"for tests",
        indexes: 1,
        counters: [1, 1],
    };
    let table = session.create_table(create).unwrap();
    session.begin(Isolation::ReadCommitted, Duration::from_secs(20));
    for row in 0..ROWS {
        let (key, value) = (row.to_be_bytes(), value(row));
        let put = WriteOp::Put {
            index: table.indexes[0],
            key: &key,
            value: &value,
        };
        session
            .write(Write {
                ops: vec![put],
                raise: vec![],
                row_delta: 1,
                answer: true,
                table: table.table,
            })
            .unwrap();
    }
    session.commit(Durability::Commit).unwrap();
    table
}

fn assert_filled(session: &mut Session, table: &Table) {
    let mut rows = Rows::default();
    for row in 0..ROWS {
        let get = Get {
            index: table.indexes[0],
            key: &row.to_be_bytes(),
            lock: Lock::None,
            fetch: None,
        };
        assert!(session.get(&get, &mut rows).unwrap());
        assert_eq!(rows.row().unwrap().value, value(row));
    }
}

/// For each table file that a process has open, whether it bypasses the page cache.
fn open_tables(pid: u32) -> Vec<bool> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let numbers = descriptors.filter_map(|entry| {
        let entry = entry.unwrap();
        let target = fs::read_link(entry.path()).ok()?;
        (target.extension()? == "sst").then(|| entry.file_name())
    });
    numbers
        .map(|number| {
            let info = format!("/proc/{pid}/fdinfo/{}", number.display());
            let info = fs::read_to_string(info).unwrap();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
            OFlags::from_bits_retain(flags).contains(OFlags::DIRECT)
        })
        .collect()
}

fn back_up_into(daemon: &Daemon, directory: &Path) -> Repository {
    let repository = Repository::create(directory).unwrap();
    let socket = daemon.dir.path().join("status.sock");
    back_up(&socket, "g", &repository, || {}).unwrap();
    repository
}

/// A directory on the disk of the build: that of temporary files may know no direct I/O.
fn on_disk() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

#[test]
fn tables_bypass_the_page_cache_and_can_be_backed_up() {
    let place = on_disk();
    let settings = |direct: bool| {
        let store = place.path().join("store");
        format!("direct_io = {direct}\nstore = \"{}\"", store.display())
    };
    let mut daemon = Daemon::start(&settings(true));
    let table = fill(&mut session(&daemon));
    let backups = tempfile::tempdir().unwrap();
    // The checkpoint of the backup writes what is in memory into table files.
    let repository = back_up_into(&daemon, backups.path());
    assert!(daemon.terminate().success());
    daemon.start_again();
    assert_filled(&mut session(&daemon), &table);
    let direct = open_tables(daemon.guest().unwrap().pid.unwrap());
    assert!(
        !direct.is_empty() && direct.iter().all(|direct| *direct),
        "{direct:?}"
    );
    assert!(daemon.terminate().success());

    // The same store without the setting, and the backup in its place.
    let mut daemon = Daemon::start(&settings(false));
    assert_filled(&mut session(&daemon), &table);
    let direct = open_tables(daemon.guest().unwrap().pid.unwrap());
    assert!(
        !direct.is_empty() && direct.iter().all(|direct| !direct),
        "{direct:?}"
    );
    assert!(daemon.terminate().success());
    let store = place.path().join("store");
    fs::remove_dir_all(&store).unwrap();
    let newest = repository.find(None, Some("g")).unwrap();
    restore(&repository, &newest, &store, None).unwrap();
    daemon.start_again();
    assert_filled(&mut session(&daemon), &table);
}
