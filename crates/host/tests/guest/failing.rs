//! What a session makes of failures that a real host seldom has: against one that is made
//! up.

use crate::support::{begin, write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use vamos_channel::{Admission, Endpoint, Handshake, LaneAllocator, Listener, ListenerOptions, ServerLane};
use vamos_guest::{Client, Config, Durability, Error, ErrorCode, IndexId, Session, Table, TableId, WriteOp};
use vamos_proto::{AlterTables, Failure, MODULE_NAME, MODULE_VERSION, Request, Response, Written};

/// How often it looks for something to do.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// How many pauses a change of tables takes: longer than a session waits before it asks
/// its interrupt.
const ALTERING: u32 = 200;

/// A host of one lane whose disk fails whoever asks about tables, and is slow to change
/// them, which can be cancelled.
struct FailingHost {
    dir: TempDir,
    commits: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FailingHost {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = Listener::bind(&endpoint(&dir), ListenerOptions::default()).unwrap();
        let (commits, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, stopped) = (Arc::clone(&commits), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let Some(mut lane) = accept(&listener, &stopped) else {
                return;
            };
            let mut altering = None;
            while !stopped.load(Ordering::Relaxed) && serve(&mut lane, &counter, &mut altering).is_some() {}
        });
        Self {
            dir,
            commits,
            stop,
            thread: Some(thread),
        }
    }

    fn session(&self) -> Session {
        Session::new(Client::new(Config::new(endpoint(&self.dir))))
    }
}

impl Drop for FailingHost {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) fn endpoint(dir: &TempDir) -> Endpoint {
    Endpoint::Unix(dir.path().join("g.sock"))
}

pub(crate) fn accept(listener: &Listener, stopped: &AtomicBool) -> Option<ServerLane> {
    let lanes = LaneAllocator::without_window(1);
    let policy = Admission::new().module(MODULE_NAME, MODULE_VERSION..=MODULE_VERSION);
    let mut pending = None;
    while !stopped.load(Ordering::Relaxed) {
        match &mut pending {
            None => pending = listener.accept().unwrap(),
            Some(guest) => match guest.advance(&policy, &lanes) {
                Handshake::NeedsInput => {}
                Handshake::Ready(lane) => return Some(lane),
                other => panic!("{other:?}"),
            },
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// The change of tables that is under way, by its tag, and the pauses that it still takes.
type Altering = Option<(u32, u32)>;

/// Answers a request, if there is one; `None` at the lane's end.
fn serve(lane: &mut ServerLane, commits: &AtomicUsize, altering: &mut Altering) -> Option<()> {
    let mut body = Vec::new();
    let Some(received) = lane.try_recv(&mut body).ok()? else {
        std::thread::sleep(PAUSE);
        return match altering {
            Some((tag, 0)) => {
                let tag = *tag;
                *altering = None;
                answer(lane, tag, &Response::Done(()))
            }
            Some((_, pauses)) => {
                *pauses -= 1;
                Some(())
            }
            None => Some(()),
        };
    };
    match Request::decode(received.opcode, &body).unwrap() {
        Request::Write(_) => answer(lane, received.tag, &Response::Written(Written::Done)),
        Request::Commit(_) => {
            commits.fetch_add(1, Ordering::Relaxed);
            answer(lane, received.tag, &Response::Done(()))
        }
        Request::TableStats(_) => answer(
            lane,
            received.tag,
            &failed(ErrorCode::Storage, "the disk is full"),
        ),
        Request::AlterTables(_) => {
            *altering = Some((received.tag, ALTERING));
            Some(())
        }
        Request::Cancel(tag) if altering.is_some_and(|(altering, _)| altering == tag) => {
            *altering = None;
            answer(lane, tag, &failed(ErrorCode::Cancelled, "cancelled"))
        }
        _ => Some(()),
    }
}

fn failed(code: ErrorCode, message: &'static str) -> Response<'static> {
    Response::Failed(Failure {
        code,
        message: message.into(),
    })
}

pub(crate) fn answer(lane: &mut ServerLane, tag: u32, response: &Response<'_>) -> Option<()> {
    let mut answer = Vec::new();
    let opcode = response.encode(&mut answer);
    lane.try_send(opcode, tag, &answer).ok()?;
    lane.flush().ok()
}

#[test]
fn what_is_asked_outside_the_transaction_does_not_end_it() {
    let host = FailingHost::start();
    let mut session = host.session();
    let table = Table {
        table: TableId(1),
        indexes: vec![IndexId(1)],
        definition: Vec::new(),
        counters: [1, 1],
    };
    begin(&mut session);
    let op = WriteOp::Insert {
        index: IndexId(1),
        key: b"k",
        value: b"v",
    };
    session.write(write(&table, vec![op], 1)).unwrap();
    match session.table_stats(table.table) {
        Err(Error::Failed { code, .. }) => assert_eq!(code, ErrorCode::Storage),
        other => panic!("{other:?}"),
    }
    assert!(session.in_transaction(), "the host knows of no end");
    session.commit(Durability::Commit).unwrap();
    assert_eq!(
        host.commits.load(Ordering::Relaxed),
        1,
        "a commit that was not asked for succeeded"
    );
}

#[test]
fn a_change_of_tables_is_not_interrupted() {
    let host = FailingHost::start();
    let mut session = host.session();
    session.set_interrupt(Some(Box::new(|| true)));
    session.alter_tables(AlterTables { tables: Vec::new() }).unwrap();
}
