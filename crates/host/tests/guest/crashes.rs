//! kill -9 at any moment: what was acknowledged is there, whole, and what was
//! reported as rolled back is not.

use crate::support::{Daemon, connected, create_table, everything, write};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vamos_guest::{Durability, Error, Isolation, ScanSpec, Session, Table, WriteOp, Written, Xid};

const SESSIONS: usize = 4;
const KILLS: u32 = 25;

/// How a commit was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    Committed,
    RolledBack,
    Unknown,
}

/// Held while a commit is ordered, as a server holds a lock of its own.
static ORDERING: Mutex<()> = Mutex::new(());

/// Writes two rows and commits, in one phase or two; says how that was reported.
fn commit_pair(session: &mut Session, table: &Table, number: u64, two_phase: bool) -> Report {
    let index = table.indexes[0];
    let (first, second) = ((number * 2).to_be_bytes(), (number * 2 + 1).to_be_bytes());
    session.begin(Isolation::ReadCommitted, Duration::from_secs(10));
    for key in [&first, &second] {
        match session.write(write(
            table,
            vec![WriteOp::Insert {
                index,
                key,
                value: &first,
            }],
            1,
        )) {
            Ok(Written::Done) => {}
            Ok(duplicate) => panic!("{number}: {duplicate:?}"),
            Err(_) => {
                session.rollback().unwrap();
                return Report::RolledBack;
            }
        }
    }
    if two_phase {
        let name = number.to_be_bytes();
        let xid = Xid {
            format: 1,
            global: &name,
            branch: b"",
        };
        if session.prepare(&xid, Durability::Commit).is_err() {
            session.rollback().unwrap();
            return Report::RolledBack;
        }
        if number.is_multiple_of(4) {
            session.rollback().unwrap();
            return Report::RolledBack;
        }
        {
            let _in_order = ORDERING.lock().unwrap();
            session.post_commit(Durability::Second);
        }
        // What is prepared is committed, whatever is killed.
        session.commit(Durability::Commit).unwrap();
        return Report::Committed;
    }
    match session.commit(Durability::Commit) {
        Ok(()) => Report::Committed,
        Err(Error::OutcomeUnknown { .. }) => Report::Unknown,
        Err(_) => Report::RolledBack,
    }
}

fn check(daemon: &Daemon, table: &Table, reports: &BTreeMap<u64, Report>) {
    let mut session = connected(&daemon.client());
    session.begin(Isolation::ReadCommitted, Duration::from_secs(10));
    let mut cursor = session
        .scan(&ScanSpec::new(everything(table.indexes[0])))
        .unwrap();
    let mut rows: BTreeMap<u64, u32> = BTreeMap::new();
    while session.next(&mut cursor).unwrap() {
        let key = u64::from_be_bytes(cursor.row().key.try_into().unwrap());
        *rows.entry(key / 2).or_default() += 1;
    }
    session.close(cursor);
    for (number, report) in reports {
        let there = rows.get(number).copied().unwrap_or(0);
        match report {
            Report::Committed => assert_eq!(there, 2, "{number} was acknowledged"),
            Report::RolledBack => assert_eq!(there, 0, "{number} was reported as rolled back"),
            Report::Unknown => assert!(there == 0 || there == 2, "{number} is there by half"),
        }
    }
    assert!(
        rows.values().all(|count| *count == 2),
        "a transaction is there by half"
    );
    session.rollback().unwrap();
    assert!(
        session.recover(None, 10).unwrap().is_empty(),
        "a transaction is still prepared"
    );
}

fn crash_run(two_phase: bool, mut kill: impl FnMut(&mut Daemon)) {
    let mut daemon = Daemon::start("");
    let table = create_table(&mut Session::new(daemon.client()), "t");
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let reports = Arc::new(Mutex::new(BTreeMap::new()));
    let client = daemon.client();
    let writers: Vec<_> = (0..SESSIONS)
        .map(|_| {
            let mut session = Session::new(Arc::clone(&client));
            let (table, stop, next, reports) = (
                table.clone(),
                Arc::clone(&stop),
                Arc::clone(&next),
                Arc::clone(&reports),
            );
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let report = commit_pair(&mut session, &table, number, two_phase);
                    reports.lock().unwrap().insert(number, report);
                    if report == Report::RolledBack {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            })
        })
        .collect();
    let committed = || {
        reports
            .lock()
            .unwrap()
            .values()
            .filter(|report| **report == Report::Committed)
            .count()
    };
    for round in 0..KILLS {
        let goal = committed() + 10;
        let start = std::time::Instant::now();
        while committed() < goal {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "no commits after kill {round}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(u64::from(round * 7919 % 20_000)));
        kill(&mut daemon);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    // What was decided while the host was away is told before the next request.
    let start = std::time::Instant::now();
    while client.settle().is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the host did not come back"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    check(&daemon, &table, &reports.lock().unwrap());
}

#[test]
fn nothing_acknowledged_is_lost_when_the_worker_is_killed() {
    crash_run(false, |daemon| {
        if daemon.worker().is_some() {
            daemon.kill_worker();
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_when_the_daemon_is_killed() {
    crash_run(false, Daemon::kill_and_restart);
}

#[test]
fn what_is_prepared_ends_as_decided_when_the_worker_is_killed() {
    crash_run(true, |daemon| {
        if daemon.worker().is_some() {
            daemon.kill_worker();
        }
    });
}

#[test]
fn what_is_prepared_ends_as_decided_when_the_daemon_is_killed() {
    crash_run(true, Daemon::kill_and_restart);
}
