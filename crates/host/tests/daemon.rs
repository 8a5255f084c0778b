//! vamosd itself: restarts, its end, its sandbox, and what it costs when idle.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used)]

mod support;

use rustix::process::Signal;
use rustix::thread::set_thread_res_uid;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use support::{Daemon, PATIENCE, Table, hello, kill, vamosd};
use vamos_channel::{ClientOptions, ConnectError};
use vamos_host::status::GuestState;
use vamos_proto::program::{Field, Kind, Layout, Program, Summary, Total, Width};
use vamos_proto::{CursorId, Direction, KeyRange, Lock, Request, Response, Scan, Summarize};

/// A user without rights.
const NOBODY: u32 = 65534;

/// Connections that say nothing: more than the host has places for handshakes, and
/// than wait in the kernel.
const SILENT: u64 = 600;

#[test]
fn a_killed_worker_comes_back_with_what_was_committed() {
    let daemon = Daemon::start("");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.begin();
    lane.insert(table, b"k", b"v");
    assert_eq!(lane.commit(1).response(), Response::Done(()));
    let before = daemon.guest().unwrap();
    for restarts in 1..=3 {
        daemon.kill_worker();
        lane.assert_closed();
        let guest = daemon.wait_for("a new worker serves", |guest| {
            guest.restarts == restarts && guest.state == GuestState::Running
        });
        assert_ne!(guest.pid, before.pid);
        assert!(guest.last_end.unwrap().contains("SIGKILL"));
        lane = daemon.lane();
        assert_eq!(lane.get(table, b"k").as_deref(), Some(&b"v"[..]));
    }
    let log = daemon.log();
    for pause in ["pause_ms=100", "pause_ms=200", "pause_ms=400"] {
        assert!(log.contains(pause), "{log}");
    }
}

#[test]
fn sigterm_finishes_cleanly_with_transactions_open() {
    let mut daemon = Daemon::start("");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.begin();
    lane.insert(table, b"k", b"v");
    let worker = daemon.guest().unwrap().pid.unwrap();
    assert!(daemon.terminate().success());
    lane.assert_closed();
    assert!(!std::path::Path::new(&format!("/proc/{worker}")).exists());
    let log = daemon.log();
    assert!(
        log.contains("the store is closed") && log.contains("the worker finished"),
        "{log}"
    );
    assert!(!daemon.dir.path().join("status.sock").exists());
    assert!(!daemon.socket().exists());
}

fn scan_all(table: Table, cursor: u32) -> Scan<'static> {
    Scan {
        cursor: CursorId(cursor),
        range: KeyRange {
            index: table.index,
            low: b"",
            high: b"",
        },
        direction: Direction::Forward,
        lock: Lock::None,
        fetch: None,
        batch_rows: 1,
        max_batch_rows: 0,
        limit: 0,
        credit: 1 << 20,
    }
}

fn sum_of_one_column() -> Vec<u8> {
    let program = Program {
        layout: Layout::Row(vec![Width::Fixed(4).into()]),
        fields: vec![Field {
            place: 0,
            kind: Kind::Signed,
        }],
        sets: vec![],
        weights: vec![],
        conditions: vec![],
    };
    let summary = Summary {
        program,
        groups: vec![],
        totals: vec![Total::Sum(0)],
    };
    summary.encode()
}

#[test]
fn sigterm_finishes_cleanly_with_long_scans_under_way() {
    let mut daemon = Daemon::start_with("stop_grace_ms = 1000", "");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.begin();
    for number in 0..20_000_u32 {
        // As MariaDB's engine keeps a row of one INT column.
        let row = [&[1, 1, 0, 0][..], &number.to_le_bytes()].concat();
        lane.insert(table, &number.to_be_bytes(), &row);
    }
    assert_eq!(lane.commit(1).response(), Response::Done(()));
    let summary = sum_of_one_column();
    lane.begin();
    // They answer only at their end, and are always ready to go on: together they
    // read as many rows as take many times the grace.
    for cursor in 0..1000 {
        lane.send(&Request::Summarize(Summarize {
            scan: scan_all(table, cursor),
            summary: &summary,
        }));
    }
    assert_eq!(lane.ask(&Request::Ping(())).response(), Response::Done(()));
    assert!(daemon.terminate().success());
    let log = daemon.log();
    assert!(
        log.contains("the store is closed") && !log.contains("did not end in time"),
        "{log}"
    );
}

#[test]
fn workers_end_when_vamosd_is_killed() {
    let mut daemon = Daemon::start("");
    let worker = daemon.guest().unwrap().pid.unwrap();
    kill(daemon.child.id(), Signal::KILL);
    daemon.wait();
    let start = Instant::now();
    while std::fs::read_to_string(format!("/proc/{worker}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(start.elapsed() < PATIENCE, "the worker lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_guest_that_cannot_be_served_is_reported_and_the_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let other = format!(
        "[[guest]]\nname = \"bad\"\nlisten = \"unix:{}/missing/b.sock\"",
        dir.path().display()
    );
    let daemon = Daemon::start(&other);
    assert_eq!(
        daemon.lane().ask(&Request::Ping(())).response(),
        Response::Done(())
    );
    let start = Instant::now();
    while !daemon.log().contains("missing/b.sock") {
        assert!(start.elapsed() < PATIENCE, "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let bad = daemon.status().unwrap().guests[1].clone();
    assert_ne!(bad.state, GuestState::Running);
}

#[test]
fn a_worker_is_confined() {
    let daemon = Daemon::start("memory_limit = \"2GiB\"");
    let guest = daemon.guest().unwrap();
    let pid = guest.pid.unwrap();
    let process = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(
        process.contains("NoNewPrivs:\t1") && process.contains("Seccomp:\t2"),
        "{process}"
    );
    for measure in guest.worker.unwrap().sandbox {
        // Not every kernel has Landlock; a cgroup is not configured here.
        let may_lack = ["landlock", "cgroup"].contains(&measure.name.as_str());
        assert!(measure.in_force || may_lack, "{measure:?}");
    }
    // Every thread, not only the first.
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2"), "{status}");
    }
}

#[test]
fn a_worker_runs_as_the_user_that_is_named() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may choose the worker's user");
        return;
    }
    let sockets = tempfile::tempdir().unwrap();
    chown(sockets.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let daemon = Daemon::start(&format!(
        "[[guest]]\nname = \"h\"\nlisten = \"unix:{}/h.sock\"\nuser = \"{NOBODY}\"",
        sockets.path().display()
    ));
    // A test's directory lets nobody through; the next start finds it open.
    set_permissions(daemon.dir.path(), Permissions::from_mode(0o711)).unwrap();
    let start = Instant::now();
    let pid = loop {
        let guest = daemon.status().unwrap().guests[1].clone();
        if guest.state == GuestState::Running {
            break guest.pid.unwrap();
        }
        assert!(start.elapsed() < PATIENCE, "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(10));
    };
    let process = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let users = format!("Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}");
    assert!(
        process.contains(&users) && process.contains("Groups:\t \n"),
        "{process}"
    );
}

#[test]
fn an_idle_guest_with_open_lanes_costs_next_to_nothing() {
    let daemon = Daemon::start("");
    let mut lanes: Vec<_> = (0..32).map(|_| daemon.lane()).collect();
    for lane in &mut lanes {
        lane.begin();
        assert_eq!(lane.ask(&Request::Ping(())).response(), Response::Done(()));
    }
    std::thread::sleep(Duration::from_millis(500));
    let cpu = || daemon.guest().unwrap().worker.unwrap().cpu_ms;
    let before = cpu();
    std::thread::sleep(Duration::from_secs(3));
    let spent = cpu() - before;
    assert!(spent < 30, "{spent} ms of processor time in 3 s: more than 1 %");
}

#[test]
fn a_token_is_demanded_where_one_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "open sesame\n").unwrap();
    let daemon = Daemon::start(&format!("token_file = \"{}\"", path.display()));
    let refused = daemon.try_lane(&hello(), &ClientOptions::default());
    assert!(matches!(refused, Err(ConnectError::Refused(_))));
    let mut with_token = hello();
    with_token.token = vamos_channel::Token::new("open sesame");
    assert!(daemon.try_lane(&with_token, &ClientOptions::default()).is_ok());
}

/// Connects again and again and says nothing.
fn connect_silently(daemon: &Daemon) -> Vec<UnixStream> {
    let connect = |_| UnixStream::connect(daemon.socket()).unwrap();
    (0..SILENT).map(connect).collect()
}

/// The same, as a user without rights; only root can.
fn connect_silently_as_nobody(daemon: &Daemon) -> Vec<UnixStream> {
    set_permissions(daemon.dir.path(), Permissions::from_mode(0o711)).unwrap();
    set_permissions(daemon.socket(), Permissions::from_mode(0o666)).unwrap();
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| {
            let nobody = rustix::process::Uid::from_raw(NOBODY);
            set_thread_res_uid(nobody, nobody, nobody).unwrap();
            connect_silently(daemon)
        });
        connecting.join().unwrap()
    })
}

fn refused(daemon: &Daemon) -> u64 {
    let worker = daemon.guest().unwrap().worker;
    worker.map_or(0, |worker| worker.lanes.refused)
}

#[test]
fn silent_strangers_are_let_go_and_do_not_fill_the_log() {
    let daemon = Daemon::start("allowed_uids = [4242]");
    let _silent = connect_silently(&daemon);
    daemon.wait_for("all but a few are let go", |_| refused(&daemon) > SILENT - 64);
    let lines = daemon.log().matches("connection refused").count();
    assert!((1..100).contains(&lines), "{lines} lines");
}

#[test]
fn who_may_connect_gets_a_lane_while_strangers_crowd_the_door() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can call as several users");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "open sesame").unwrap();
    for protection in [
        "allowed_uids = [0]".to_owned(),
        format!("token_file = \"{}\"", token.display()),
    ] {
        let daemon = Daemon::start(&protection);
        let _silent = connect_silently_as_nobody(&daemon);
        let mut known = hello();
        known.token = vamos_channel::Token::new("open sesame");
        // Less than a silent connection may wait.
        let options = ClientOptions {
            connect_timeout: Duration::from_secs(3),
            ..ClientOptions::default()
        };
        let mut lane = daemon.try_lane(&known, &options).unwrap();
        assert_eq!(lane.ask(&Request::Ping(())).response(), Response::Done(()));
        daemon.wait_for("most are let go", |_| refused(&daemon) > SILENT / 2);
    }
}

#[test]
fn a_second_vamosd_in_the_same_place_is_refused() {
    let daemon = Daemon::start("");
    let config = daemon.dir.path().join("vamosd.toml");
    let output = vamosd(&["--config", config.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("another vamosd"),
        "{said}"
    );
}

#[test]
fn the_configuration_is_checked_in_words() {
    let example = vamosd(&["example-config"]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    std::fs::write(&path, &example.stdout).unwrap();
    let path_text = path.to_str().unwrap();
    assert!(vamosd(&["check-config", "--config", path_text]).status.success());

    let text = String::from_utf8(example.stdout).unwrap();
    std::fs::write(&path, text.replace("# threads = 2", "treads = 2")).unwrap();
    let output = vamosd(&["check-config", "--config", path_text]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        said.contains("treads") && said.contains("threads") && said.contains(path_text),
        "{said}"
    );
}
