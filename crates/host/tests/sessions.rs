//! Sessions of the store module over real lanes, message by message: against a
//! real vamosd with its sandbox, and a real store.

// The bodies of tests that run both ways are functions.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};
use support::{Daemon, EXCLUSIVE, TestLane, commit, get, hello, insert};
use vamos_channel::{ClientOptions, ConnectError, Mode, RefusalCode, WindowSource};
use vamos_host::status::GuestState;
use vamos_proto::{
    CommitId, CommitOutcome, Credit, CursorId, Direction, ErrorCode, KeyRange, Lock, Outcome, Request,
    Response, SavepointId, Scan,
};

/// A test that holds with the messages in a window and in the stream.
macro_rules! both_ways {
    ($name:ident) => {
        mod $name {
            #[test]
            fn in_a_window() {
                super::$name(&super::Daemon::start("window = \"memfd\""));
            }

            #[test]
            fn in_the_stream() {
                super::$name(&super::Daemon::start("window = \"none\""));
            }
        }
    };
}

fn scan(table: support::Table, cursor: u32, credit: u32) -> Scan<'static> {
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
        credit,
    }
}

fn credit(cursor: u32, bytes: u32) -> Request<'static> {
    Request::Credit(Credit {
        cursor: CursorId(cursor),
        bytes,
    })
}

both_ways!(a_committed_transaction_is_seen_and_one_rolled_back_is_not);
fn a_committed_transaction_is_seen_and_one_rolled_back_is_not(daemon: &Daemon) {
    let (mut one, mut other) = (daemon.lane(), daemon.lane());
    let table = one.table("t");
    one.begin();
    one.insert(table, b"k", b"v");
    assert_eq!(one.get(table, b"k").as_deref(), Some(&b"v"[..]));
    assert_eq!(other.get(table, b"k"), None);
    assert_eq!(one.commit(1).response(), Response::Done(()));
    other.begin();
    assert_eq!(other.get(table, b"k").as_deref(), Some(&b"v"[..]));

    one.begin();
    one.insert(table, b"l", b"v");
    assert_eq!(one.ask(&Request::Rollback(true)).response(), Response::Done(()));
    assert_eq!(one.get(table, b"l"), None);
}

both_ways!(begin_rolls_an_open_transaction_back);
fn begin_rolls_an_open_transaction_back(daemon: &Daemon) {
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.begin();
    lane.insert(table, b"k", b"v");
    lane.begin();
    assert_eq!(lane.get(table, b"k"), None);
}

#[test]
fn a_failure_without_answer_is_the_next_answer() {
    let daemon = Daemon::start("");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.begin();
    lane.insert(table, b"k", b"v");
    lane.send(&Request::RollbackTo(SavepointId(9)));
    assert_eq!(lane.ask(&Request::Ping(())).code(), ErrorCode::NotFound);
    assert_eq!(
        lane.ask(&Request::Ping(())).response(),
        Response::Done(()),
        "it is told once"
    );
    lane.send(&Request::RollbackTo(SavepointId(9)));
    assert_eq!(lane.commit(1).code(), ErrorCode::NotFound);
    assert_eq!(lane.get(table, b"k"), None, "the commit must not have happened");
}

both_ways!(a_stream_stops_for_credit_and_lets_other_requests_pass);
fn a_stream_stops_for_credit_and_lets_other_requests_pass(daemon: &Daemon) {
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.fill(table, 2000, 100);
    lane.begin();
    let tag = lane.send(&Request::Scan(scan(table, 1, 0)));
    let first = lane.receive();
    assert_eq!(
        (first.tag, first.values().len(), first.is_last()),
        (tag, 1, false)
    );
    assert!(lane.is_silent(), "one batch at a time");
    assert!(lane.get(table, &7_u32.to_be_bytes()).is_some());

    let mut rows = 1;
    let mut sizes = vec![1];
    loop {
        lane.send(&credit(1, 0));
        let batch = lane.receive();
        rows += batch.values().len();
        sizes.push(batch.values().len());
        if batch.is_last() {
            break;
        }
    }
    assert_eq!(rows, 2000);
    assert_eq!(sizes[..6], [1, 2, 4, 8, 16, 32], "batches double");
    assert!(lane.is_silent());
}

#[test]
fn no_more_than_the_credit_and_one_batch_is_under_way() {
    let daemon = Daemon::start("response_ring = \"1MiB\"");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.fill(table, 3000, 1000);
    lane.begin();
    lane.send(&Request::Scan(scan(table, 1, 20_000)));
    let (mut rows, mut last, mut rounds) = (0, false, 0);
    loop {
        rounds += 1;
        // All that comes without further credit.
        let mut bytes = 0;
        while let Some(batch) = lane.try_receive(Duration::from_millis(100)).unwrap() {
            rows += batch.values().len();
            bytes += batch.values().len() * 1016;
            last = batch.is_last();
        }
        if last {
            break;
        }
        assert!((20_000..20_000 + 2 * 256 * 1024).contains(&bytes), "{bytes}");
        lane.send(&credit(1, u32::try_from(bytes).unwrap()));
    }
    assert_eq!(rows, 3000);
    assert!(rounds > 10, "{rounds} rounds of credit for 3 MB");
}

both_ways!(two_streams_take_turns_and_a_closed_one_ends);
fn two_streams_take_turns_and_a_closed_one_ends(daemon: &Daemon) {
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.fill(table, 300, 10);
    lane.begin();
    let one = lane.send(&Request::Scan(scan(table, 1, 0)));
    let two = lane.send(&Request::Scan(scan(table, 2, 0)));
    assert_eq!((lane.receive().tag, lane.receive().tag), (one, two));
    lane.send(&Request::CloseCursor(CursorId(1)));
    lane.send(&credit(1, 0));
    lane.send(&credit(2, 0));
    assert_eq!(lane.receive().tag, two);
    assert!(lane.is_silent());
    lane.send(&Request::Cancel(two));
    let end = lane.receive();
    assert_eq!((end.tag, end.code()), (two, ErrorCode::Cancelled));
    // Its number is free again.
    lane.send(&Request::Scan(scan(table, 2, 1 << 20)));
    while !lane.receive().is_last() {}
}

#[test]
fn a_scan_ends_with_its_transaction() {
    let daemon = Daemon::start("");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.fill(table, 300, 10);
    let tag = lane.send(&Request::Scan(scan(table, 1, 0)));
    lane.receive();
    lane.begin();
    let end = lane.receive();
    assert_eq!((end.tag, end.code()), (tag, ErrorCode::Cancelled));
}

#[test]
fn cursors_have_a_limit_and_a_number_each() {
    let daemon = Daemon::start("");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    lane.fill(table, 300, 10);
    for cursor in 0..1024 {
        lane.send(&Request::Scan(scan(table, cursor, 0)));
        lane.receive();
    }
    assert_eq!(
        lane.ask(&Request::Scan(scan(table, 5, 0))).code(),
        ErrorCode::Invalid
    );
    assert_eq!(
        lane.ask(&Request::Scan(scan(table, 1024, 0))).code(),
        ErrorCode::Invalid
    );
}

both_ways!(a_lock_wait_ends_when_the_holder_ends_or_by_cancel);
fn a_lock_wait_ends_when_the_holder_ends_or_by_cancel(daemon: &Daemon) {
    let (mut holder, mut waiter) = (daemon.lane(), daemon.lane());
    let table = holder.table("t");
    holder.begin();
    holder.insert(table, b"k", b"v");
    waiter.begin();
    let tag = waiter.send(&get(table, b"k", EXCLUSIVE));
    let behind = waiter.send(&Request::Ping(()));
    assert!(waiter.is_silent());
    let start = Instant::now();
    waiter.send(&Request::Cancel(tag));
    let end = waiter.receive();
    assert_eq!((end.tag, end.code()), (tag, ErrorCode::Cancelled));
    assert_eq!(waiter.receive().tag, behind);
    assert!(start.elapsed() < Duration::from_secs(2));

    let tag = waiter.send(&get(table, b"k", EXCLUSIVE));
    assert!(waiter.is_silent());
    assert_eq!(holder.commit(1).response(), Response::Done(()));
    let row = waiter.receive();
    assert_eq!((row.tag, row.values()), (tag, vec![b"v".to_vec()]));
}

both_ways!(a_scan_that_waits_for_a_lock_makes_way_for_other_requests);
fn a_scan_that_waits_for_a_lock_makes_way_for_other_requests(daemon: &Daemon) {
    let (mut holder, mut scanner) = (daemon.lane(), daemon.lane());
    let table = holder.table("t");
    holder.fill(table, 3, 10);
    holder.begin();
    holder.ask(&get(table, &1_u32.to_be_bytes(), EXCLUSIVE));
    scanner.begin();
    let tag = scanner.send(&Request::Scan(Scan {
        lock: EXCLUSIVE,
        batch_rows: 8,
        ..scan(table, 1, 0)
    }));
    assert!(scanner.is_silent());
    assert_eq!(scanner.ask(&Request::Ping(())).response(), Response::Done(()));
    holder.ask(&Request::Rollback(true));
    let rows = scanner.receive();
    assert_eq!((rows.tag, rows.values().len()), (tag, 3));
}

both_ways!(a_closed_lane_rolls_back_and_frees_its_locks_at_once);
fn a_closed_lane_rolls_back_and_frees_its_locks_at_once(daemon: &Daemon) {
    let (mut holder, mut waiter) = (daemon.lane(), daemon.lane());
    let table = holder.table("t");
    holder.begin();
    holder.insert(table, b"k", b"v");
    waiter.begin();
    let tag = waiter.send(&insert(table, b"k", b"w"));
    assert!(waiter.is_silent());
    let start = Instant::now();
    drop(holder);
    assert_eq!(waiter.receive().tag, tag);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(waiter.get(table, b"k").as_deref(), Some(&b"w"[..]));
}

both_ways!(a_lane_that_closes_in_a_lock_wait_leaves_nothing);
fn a_lane_that_closes_in_a_lock_wait_leaves_nothing(daemon: &Daemon) {
    let (mut holder, mut waiter) = (daemon.lane(), daemon.lane());
    let table = holder.table("t");
    holder.begin();
    holder.insert(table, b"k", b"v");
    waiter.send(&insert(table, b"k", b"w"));
    assert!(waiter.is_silent());
    drop(waiter);
    daemon.wait_for("only the holder's lane is open", |guest| {
        guest.worker.as_ref().is_some_and(|worker| worker.lanes.open == 1)
    });
    let guest = daemon.guest().unwrap();
    let store = &guest.worker.unwrap().modules[0].state;
    assert_eq!(
        (&store["locks_waiting"], &store["transactions"]),
        (&0.into(), &1.into())
    );
}

both_ways!(a_message_that_makes_no_sense_closes_its_lane_and_no_other);
fn a_message_that_makes_no_sense_closes_its_lane_and_no_other(daemon: &Daemon) {
    let mut good = daemon.lane();
    let mut body = Vec::new();
    Request::Ping(()).encode(&mut body);
    for (opcode, body) in [
        (9999, &b""[..]),
        (16, b"\xff\xff\xff\xff\xff\xff"),
        (50, b"more"),
        (21, b"\xff\xff\xff\xff\x0f"),
        (22, b""),
    ] {
        let mut bad = daemon.lane();
        bad.lane.send(opcode, 1, body).unwrap();
        bad.lane.flush().unwrap();
        bad.assert_closed();
        assert_eq!(good.ask(&Request::Ping(())).response(), Response::Done(()));
    }
    assert_eq!(daemon.guest().unwrap().restarts, 0);
    assert!(daemon.log().contains("makes no sense"));
}

/// Requests of every kind with fields that nobody meant: the worker lives, and
/// other lanes are served.
#[test]
fn random_requests_harm_nobody_else() {
    let daemon = Daemon::start("");
    let mut good = daemon.lane();
    let table = good.table("t");
    good.fill(table, 10, 10);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..300 {
        let mut bad = daemon.lane();
        for tag in 1..20 {
            let (opcode, _) = Request::OPCODES[random() as usize % Request::OPCODES.len()];
            // Small numbers are more often what a message may begin with.
            let body: Vec<u8> = (0..random() % 40)
                .map(|_| (random() >> (random() % 8)) as u8 & if random() % 4 == 0 { 0xff } else { 3 })
                .collect();
            // Dropping the good lane's tables is what a guest may do.
            if (34..=36).contains(&opcode) || bad.lane.send(opcode, tag, &body).is_err() {
                continue;
            }
            let _ = bad.lane.flush();
        }
        let _ = bad.try_receive(Duration::from_millis(1));
    }
    assert_eq!(good.ask(&Request::Ping(())).response(), Response::Done(()));
    let guest = daemon.guest().unwrap();
    assert_eq!(guest.restarts, 0, "{}", daemon.log());
    let requests = &guest.worker.unwrap().modules[0].requests;
    assert!(requests.len() > 15, "{requests:?}");
}

#[test]
fn a_malformed_cancel_in_a_lock_wait_closes_the_lane() {
    let daemon = Daemon::start("");
    let (mut holder, mut waiter) = (daemon.lane(), daemon.lane());
    let table = holder.table("t");
    holder.begin();
    holder.insert(table, b"k", b"v");
    waiter.send(&insert(table, b"k", b"w"));
    waiter.lane.send(22, 9, b"").unwrap();
    waiter.lane.flush().unwrap();
    waiter.assert_closed();
    assert_eq!(holder.commit(1).response(), Response::Done(()));
}

#[test]
fn an_outcome_that_was_denied_does_not_come_later() {
    let daemon = Daemon::start("");
    let mut lane = daemon.lane();
    let table = lane.table("t");
    let id = |number| CommitId {
        session: [9; 16],
        number,
    };
    let outcome = |lane: &mut TestLane, number| {
        let answer = lane.ask(&Request::Outcome(Outcome { commit: id(number) }));
        match answer.response() {
            Response::Outcome(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    };
    lane.begin();
    lane.insert(table, b"k", b"v");
    let mut asking = daemon.lane();
    assert_eq!(outcome(&mut asking, 1), CommitOutcome::NotCommitted);
    assert!(matches!(
        lane.ask(&commit([9; 16], 1)).response(),
        Response::Failed(_)
    ));
    assert_eq!(asking.get(table, b"k"), None);
    lane.begin();
    lane.insert(table, b"k", b"v");
    assert_eq!(lane.ask(&commit([9; 16], 2)).response(), Response::Done(()));
    assert_eq!(outcome(&mut asking, 2), CommitOutcome::Committed);
}

#[test]
fn what_the_host_does_not_have_is_refused_in_words() {
    let daemon = Daemon::start("max_lanes = 1\nwindow_lanes = 1");
    let refusal = |hello: &vamos_channel::Hello| match daemon.try_lane(hello, &ClientOptions::default()) {
        Err(ConnectError::Refused(refusal)) => refusal,
        other => panic!("{:?}", other.map(|_| "a lane")),
    };
    let mut unknown = hello();
    unknown.module = "mail".into();
    assert_eq!(refusal(&unknown).code, RefusalCode::UnknownModule);
    let mut newer = hello();
    newer.module_version += 1;
    assert_eq!(refusal(&newer).code, RefusalCode::ModuleVersion);
    let _only = daemon.lane();
    assert_eq!(refusal(&hello()).code, RefusalCode::NoLane);
    let refused = daemon.guest().unwrap().worker.unwrap().lanes.refused;
    assert_eq!(refused, 3);
    assert!(daemon.log().contains("connection refused"));
}

#[test]
fn a_guest_that_maps_the_windows_file_is_served_through_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("window");
    let daemon = Daemon::start(&format!("window = \"file:{}\"", path.display()));
    // The window follows the devdax information block, at 2 MiB.
    let options = ClientOptions {
        window: Some(WindowSource::File {
            path,
            offset: 2 << 20,
        }),
        ..ClientOptions::default()
    };
    let mut lane = daemon.try_lane(&hello(), &options).unwrap();
    assert_eq!(lane.lane.mode(), Mode::Window);
    let table = lane.table("t");
    lane.fill(table, 100, 10_000);
    assert_eq!(lane.get(table, &5_u32.to_be_bytes()).unwrap().len(), 10_000);
    // After the worker's death the same file is used again.
    daemon.kill_worker();
    lane.assert_closed();
    daemon.wait_for("a new worker serves", |guest| {
        guest.restarts == 1 && guest.state == GuestState::Running
    });
    let mut lane = daemon.try_lane(&hello(), &options).unwrap();
    assert_eq!(lane.lane.mode(), Mode::Window);
    assert_eq!(lane.get(table, &5_u32.to_be_bytes()).unwrap().len(), 10_000);
}

#[test]
fn a_user_who_may_not_connect_is_refused() {
    let daemon = Daemon::start("allowed_uids = [4242]");
    let refused = daemon.try_lane(&hello(), &ClientOptions::default());
    let Err(ConnectError::Refused(refusal)) = refused else {
        panic!("not refused");
    };
    assert_eq!(refusal.code, RefusalCode::NotAllowed);
    assert!(refusal.message.contains("allowed_uids"));
}

#[test]
fn lanes_that_read_a_large_row_give_its_memory_back() {
    const LANES: usize = 8;
    const ROW: usize = 40 << 20;
    let daemon = Daemon::start("cache = \"1MiB\"");
    let mut writer = daemon.lane();
    let table = writer.table("t");
    writer.begin();
    writer.insert(table, b"k", &vec![b'x'; ROW]);
    assert_eq!(writer.commit(1).response(), Response::Done(()));
    let memory = || usize::try_from(daemon.guest().unwrap().memory_bytes.unwrap()).unwrap();
    let before = memory();
    let mut lanes: Vec<_> = (0..LANES).map(|_| daemon.lane()).collect();
    for lane in &mut lanes {
        assert_eq!(lane.get(table, b"k").unwrap().len(), ROW);
        // One row at a time; its cursor stays open.
        lane.send(&Request::Scan(scan(table, 1, 0)));
        assert_eq!(lane.receive().values()[0].len(), ROW);
    }
    // What one lane needs at a time, and not what each has once needed.
    let grown = memory().saturating_sub(before);
    assert!(grown < LANES * ROW / 2, "{} MiB more than before", grown >> 20);
}

#[test]
fn sixty_four_lanes_are_served_at_once_by_two_threads() {
    let daemon = Daemon::start("");
    let table = daemon.lane().table("t");
    std::thread::scope(|scope| {
        for lane_number in 0..64_u32 {
            let daemon = &daemon;
            scope.spawn(move || {
                let mut lane = daemon.lane();
                for round in 0..20_u32 {
                    let key = (lane_number * 1000 + round).to_be_bytes();
                    lane.begin();
                    lane.insert(table, &key, b"value");
                    let mut session = [0; 16];
                    session[0] = u8::try_from(lane_number).unwrap();
                    let done = lane.ask(&commit(session, u64::from(round) + 1));
                    assert_eq!(done.response(), Response::Done(()));
                    assert!(lane.get(table, &key).is_some());
                    lane.ask(&Request::Rollback(true));
                }
            });
        }
    });
    let worker = daemon
        .wait_for("all lanes are closed", |guest| {
            guest.worker.as_ref().is_some_and(|worker| worker.lanes.open == 0)
        })
        .worker
        .unwrap();
    assert_eq!(worker.lanes.accepted, 65);
    assert_eq!(worker.modules[0].requests["Commit"], 64 * 20);
}
