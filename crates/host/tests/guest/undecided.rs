//! What was decided while the host was away is told before anything else, against a host
//! that is made up.

use crate::failing::{PAUSE, accept, answer, endpoint};
use crate::support::{WAIT, begin, write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tempfile::TempDir;
use vamos_channel::{Listener, ListenerOptions, ServerLane};
use vamos_guest::{Client, Config, Durability, IndexId, Session, Table, TableId, WriteOp, Xid};
use vamos_proto::{Request, Response, Written};

/// How many pauses the host takes to roll back.
const SLOW: u32 = 300;

/// What happens on the host, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    RollbackCame,
    RollbackAnswered,
    PingCame,
}

/// A host that prepares, loses the lane on which it is to roll back, and is slow to do it on
/// the others.
struct Host {
    dir: TempDir,
    events: Arc<Mutex<Vec<Event>>>,
    stop: Arc<AtomicBool>,
}

impl Host {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = Listener::bind(&endpoint(&dir), ListenerOptions::default()).unwrap();
        let (events, stop) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let (seen, stopped) = (Arc::clone(&events), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut first = true;
            while let Some(mut lane) = accept(&listener, &stopped) {
                let (seen, stopped) = (Arc::clone(&seen), Arc::clone(&stopped));
                let loses = std::mem::take(&mut first);
                std::thread::spawn(move || {
                    while !stopped.load(Ordering::Relaxed) && serve(&mut lane, &seen, loses).is_some() {}
                });
            }
        });
        Self { dir, events, stop }
    }

    fn client(&self) -> Arc<Client> {
        Client::new(Config::new(endpoint(&self.dir)))
    }

    fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn serve(lane: &mut ServerLane, events: &Mutex<Vec<Event>>, loses: bool) -> Option<()> {
    let mut body = Vec::new();
    let Some(received) = lane.try_recv(&mut body).ok()? else {
        std::thread::sleep(PAUSE);
        return Some(());
    };
    let note = |event| events.lock().unwrap().push(event);
    let response = match Request::decode(received.opcode, &body).unwrap() {
        Request::Write(_) => Response::Written(Written::Done),
        Request::Prepare(_) => Response::Done(()),
        Request::RollbackPrepared(_) if loses => return None,
        Request::RollbackPrepared(_) => {
            note(Event::RollbackCame);
            (0..SLOW).for_each(|_| std::thread::sleep(PAUSE));
            note(Event::RollbackAnswered);
            Response::Done(())
        }
        Request::Ping(()) => {
            note(Event::PingCame);
            Response::Done(())
        }
        _ => return Some(()),
    };
    answer(lane, received.tag, &response)
}

/// Prepares, and rolls back over a lane that is lost by it.
fn leave_undecided(session: &mut Session) {
    let table = Table {
        table: TableId(1),
        indexes: vec![IndexId(1)],
        definition: Vec::new(),
        counters: [1, 1],
    };
    let op = WriteOp::Insert {
        index: IndexId(1),
        key: b"k",
        value: b"v",
    };
    let xid = Xid {
        format: 1,
        global: b"x",
        branch: b"",
    };
    begin(session);
    session.write(write(&table, vec![op], 1)).unwrap();
    assert!(session.prepare(&xid, Durability::Commit).unwrap());
    session.rollback().unwrap();
}

#[test]
fn nobody_goes_ahead_while_another_session_tells_what_was_decided() {
    let host = Host::start();
    let client = host.client();
    leave_undecided(&mut Session::new(Arc::clone(&client)));
    let telling = Arc::clone(&client);
    let teller = std::thread::spawn(move || telling.settle());
    let start = Instant::now();
    while host.events() != [Event::RollbackCame] {
        assert!(start.elapsed() < WAIT, "it is never told: {:?}", host.events());
        std::thread::sleep(PAUSE);
    }
    assert_eq!(client.undecided(), (0, 1), "the host has not answered");
    Session::new(Arc::clone(&client)).ping().unwrap();
    teller.join().unwrap().unwrap();
    assert!(!client.has_undecided());
    let events = host.events();
    assert_eq!(events[..2], [Event::RollbackCame, Event::RollbackAnswered]);
    assert_eq!(events[2..], [Event::PingCame, Event::PingCame]);
}
