//! Backups: taken while transactions run, and restored whole.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::{Daemon, kill};
use vamos_guest::{
    Client, Config, CreateTable, Durability, IndexId, Isolation, Lock, LockWait, Rows, ScanSpec, Session,
    Table, Write, WriteOp,
};
use vamos_host::backup::{Repository, back_up, restore};
use vamos_host::status::GuestState;

const ACCOUNTS: u32 = 40;
const START: i64 = 1000;

fn session(daemon: &Daemon) -> Session {
    let endpoint = format!("unix:{}", daemon.socket().display());
    Session::new(Client::new(Config::new(endpoint.parse().unwrap())))
}

fn socket(daemon: &Daemon) -> PathBuf {
    daemon.dir.path().join("status.sock")
}

fn put(table: &Table, session: &mut Session, key: &[u8], value: &[u8]) {
    let index = table.indexes[0];
    session
        .write(Write {
            ops: vec![WriteOp::Put { index, key, value }],
            raise: vec![],
            row_delta: 0,
            answer: true,
            table: table.table,
        })
        .unwrap();
}

fn create(session: &mut Session, name: &str) -> Table {
    session
        .create_table(CreateTable {
            name,
            definition: b"for tests",
            indexes: 1,
            counters: [1, 1],
        })
        .unwrap()
}

fn begin(session: &mut Session) {
    session.begin(Isolation::RepeatableRead, Duration::from_secs(20));
}

/// All keys and values of an index.
fn all(session: &mut Session, index: IndexId) -> Vec<(Vec<u8>, Vec<u8>)> {
    begin(session);
    let range = vamos_guest::KeyRange {
        index,
        low: b"",
        high: b"",
    };
    let mut cursor = session.scan(&ScanSpec::new(range)).unwrap();
    let mut rows = Vec::new();
    while session.next(&mut cursor).unwrap() {
        rows.push((cursor.row().key.to_vec(), cursor.row().value.to_vec()));
    }
    session.rollback().unwrap();
    rows
}

fn balance(session: &mut Session, table: &Table, account: u32) -> i64 {
    let mut rows = Rows::default();
    let get = vamos_guest::Get {
        index: table.indexes[0],
        key: &account.to_be_bytes(),
        lock: Lock::Exclusive(LockWait::Wait),
        fetch: None,
    };
    assert!(session.get(&get, &mut rows).unwrap());
    i64::from_le_bytes(rows.row().unwrap().value.try_into().unwrap())
}

/// Moves money until told to stop; counts what was acknowledged, in the table too.
fn transfer(
    mut session: Session,
    accounts: &Table,
    log: &Table,
    number: u8,
    stop: &AtomicBool,
    done: &AtomicU64,
) {
    let mut step = u64::from(number);
    while !stop.load(Ordering::Relaxed) {
        step = step
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (from, to) = ((step >> 33) as u32 % ACCOUNTS, (step >> 43) as u32 % ACCOUNTS);
        if from == to {
            continue;
        }
        begin(&mut session);
        // In one order, so that nobody waits in a circle.
        let (low, high) = (from.min(to), from.max(to));
        let (a, b) = (
            balance(&mut session, accounts, low),
            balance(&mut session, accounts, high),
        );
        put(accounts, &mut session, &low.to_be_bytes(), &(a - 7).to_le_bytes());
        put(
            accounts,
            &mut session,
            &high.to_be_bytes(),
            &(b + 7).to_le_bytes(),
        );
        let next = done.load(Ordering::SeqCst) + 1;
        put(log, &mut session, &[number], &next.to_le_bytes());
        session.commit(Durability::Commit).unwrap();
        done.store(next, Ordering::SeqCst);
    }
}

/// The restored store, served by a vamosd of its own.
fn serve_restored(repository: &Repository) -> Daemon {
    let daemon = Daemon::start("");
    let store = daemon.dir.path().join("state/g");
    let mut daemon = daemon;
    assert!(daemon.terminate().success());
    fs::remove_dir_all(&store).unwrap();
    let newest = repository.find(None, Some("g")).unwrap();
    restore(repository, &newest, &store, None).unwrap();
    daemon.start_again();
    daemon
}

#[test]
fn what_was_committed_before_a_backup_is_restored_and_nothing_by_half() {
    let mut daemon = Daemon::start("");
    let mut first = session(&daemon);
    let accounts = Arc::new(create(&mut first, "accounts"));
    let log = Arc::new(create(&mut first, "log"));
    begin(&mut first);
    for account in 0..ACCOUNTS {
        put(
            &accounts,
            &mut first,
            &account.to_be_bytes(),
            &START.to_le_bytes(),
        );
    }
    first.commit(Durability::Commit).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::create(&directory.path().join("backups")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let done: Vec<_> = (0..3).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let writers: Vec<_> = done
        .iter()
        .zip(0..)
        .map(|(done, number)| {
            let (accounts, log, stop, done) = (accounts.clone(), log.clone(), stop.clone(), done.clone());
            let session = session(&daemon);
            std::thread::spawn(move || transfer(session, &accounts, &log, number, &stop, &done))
        })
        .collect();
    let mut before = Vec::new();
    for round in 1..=3 {
        while done.iter().any(|done| done.load(Ordering::SeqCst) < round * 20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        before = done.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        back_up(&socket(&daemon), "g", &repository, || {}).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    drop(first);
    kill(daemon.child.id(), Signal::KILL);
    daemon.wait();
    fs::remove_dir_all(daemon.dir.path().join("state")).unwrap();

    assert!(
        repository
            .list()
            .unwrap()
            .iter()
            .all(|backup| repository.verify(backup).is_empty())
    );
    let restored = serve_restored(&repository);
    let mut session = session(&restored);
    let accounts = session.open_table("accounts").unwrap();
    let log = session.open_table("log").unwrap();
    let balances = all(&mut session, accounts.indexes[0]);
    let sum: i64 = balances
        .iter()
        .map(|(_, value)| i64::from_le_bytes(value[..].try_into().unwrap()))
        .sum();
    assert_eq!(
        (balances.len(), sum),
        (ACCOUNTS as usize, START * i64::from(ACCOUNTS))
    );
    for ((_, count), before) in all(&mut session, log.indexes[0]).iter().zip(before) {
        let count = u64::from_le_bytes(count[..].try_into().unwrap());
        assert!(
            count >= before,
            "{count} transactions of at least {before} are there"
        );
    }
}

fn fill(session: &mut Session, table: &Table, from: u32) {
    begin(session);
    for number in from..from + 500 {
        let noise = number.wrapping_mul(2_654_435_761).to_le_bytes().repeat(50);
        put(table, session, &number.to_be_bytes(), &noise);
    }
    session.commit(Durability::Commit).unwrap();
}

#[test]
fn a_second_backup_copies_what_is_new_and_old_ones_go() {
    let daemon = Daemon::start("");
    let mut session = session(&daemon);
    let table = create(&mut session, "t");
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::create(directory.path()).unwrap();
    fill(&mut session, &table, 0);
    let first = back_up(&socket(&daemon), "g", &repository, || {}).unwrap();
    let second = back_up(&socket(&daemon), "g", &repository, || {}).unwrap();
    assert!(
        second.copied_bytes * 5 < first.copied_bytes,
        "{} bytes, and then {}",
        first.copied_bytes,
        second.copied_bytes
    );
    fill(&mut session, &table, 1000);
    back_up(&socket(&daemon), "g", &repository, || {}).unwrap();
    assert_eq!(repository.keep("g", 1).unwrap(), 2);
    let left = repository.list().unwrap();
    assert_eq!(left.iter().map(|backup| backup.number).collect::<Vec<_>>(), [3]);
    assert_eq!(repository.verify(&left[0]), [""; 0]);
    let contents = fs::read_dir(directory.path().join("contents")).unwrap().count();
    assert!(
        contents <= left[0].files.len(),
        "contents of removed backups are gone"
    );
    // The worker keeps nothing of it.
    assert!(!daemon.dir.path().join("state/g/checkpoint").exists());
}

/// Changes a byte in the middle of the largest content.
fn damage(repository: &Path) {
    let largest = fs::read_dir(repository.join("contents"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, bytes).unwrap();
}

#[test]
fn a_damaged_backup_is_found_and_not_restored() {
    let daemon = Daemon::start("");
    let mut session = session(&daemon);
    let table = create(&mut session, "t");
    fill(&mut session, &table, 0);
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::create(directory.path()).unwrap();
    let backup = back_up(&socket(&daemon), "g", &repository, || {})
        .unwrap()
        .manifest;
    damage(directory.path());
    assert!(repository.verify(&backup)[0].contains("damaged"));
    let store = daemon.dir.path().join("restored");
    let error = restore(&repository, &backup, &store, None).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error:#}");
    assert!(!store.exists(), "there is no store by half");
}

#[test]
fn what_breaks_off_leaves_the_earlier_backups() {
    let daemon = Daemon::start("");
    let mut session = session(&daemon);
    let table = create(&mut session, "t");
    fill(&mut session, &table, 0);
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::create(directory.path()).unwrap();
    back_up(&socket(&daemon), "g", &repository, || {}).unwrap();

    // What a killed `vamos backup` leaves behind: a file by half, a content
    // without a backup; and a killed worker a checkpoint.
    fs::write(directory.path().join("new/000123.sst"), "half").unwrap();
    fs::write(directory.path().join("contents/no-backup-has-this"), "x").unwrap();
    let lease = vamos_host::supervisor::Lease::take(&socket(&daemon), "g").unwrap();
    assert!(lease.directory().join("CURRENT").exists());
    let other = back_up(&socket(&daemon), "g", &repository, || {}).unwrap_err();
    assert!(other.to_string().contains("another backup"), "{other:#}");
    daemon.kill_worker();
    daemon.wait_for("a new worker serves", |guest| {
        guest.restarts == 1 && guest.state == GuestState::Running
    });
    assert!(!lease.directory().exists(), "the new worker has removed it");
    drop(lease);

    assert_eq!(repository.list().unwrap().len(), 1);
    let again = loop {
        // The lease's end is noticed a little later.
        match back_up(&socket(&daemon), "g", &repository, || {}) {
            Ok(summary) => break summary,
            Err(error) => assert!(error.to_string().contains("another backup"), "{error:#}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(again.manifest.number, 2);
    repository.keep("g", 5).unwrap();
    assert!(!directory.path().join("contents/no-backup-has-this").exists());
    for backup in repository.list().unwrap() {
        assert_eq!(repository.verify(&backup), [""; 0]);
    }
    let missing = back_up(&socket(&daemon), "nobody", &repository, || {}).unwrap_err();
    assert!(missing.to_string().contains("no guest \"nobody\""), "{missing:#}");
}
