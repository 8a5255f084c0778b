//! Measures a running vamosd from the guest's side, lane by lane: round trips,
//! commits and scans, with the doorbells of both sides.
//!
//! ```text
//! vamosd --config FILE &
//! cargo run --release -p vamos-host --example measure_lanes -- unix:/run/vamos/local.sock [LANES]
//! ```
//!
//! `vamos-bench` compares one lane with the store in process, and watches idle ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};
use vamos_channel::{ClientLane, ClientOptions, Endpoint, Hello, Token};
use vamos_proto::{
    Begin, Commit, CommitId, CreateTable, Credit, CursorId, Direction, Durability, Get, IndexId, Isolation,
    KeyRange, Lock, MODULE_NAME, MODULE_VERSION, Request, Response, Scan, TableId, Write, WriteOp,
};

/// How long each measurement lasts.
const TIME: Duration = Duration::from_secs(2);

struct Guest {
    lane: ClientLane,
    tag: u32,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl Guest {
    fn connect(endpoint: &Endpoint) -> Self {
        let hello = Hello {
            module: MODULE_NAME.into(),
            module_version: MODULE_VERSION,
            wants_window: true,
            token: Token::default(),
        };
        Self {
            lane: ClientLane::connect(endpoint, &hello, &ClientOptions::default()).unwrap(),
            tag: 0,
            body: Vec::new(),
            answer: Vec::new(),
        }
    }

    fn send(&mut self, request: &Request<'_>) {
        self.tag += 1;
        self.body.clear();
        let opcode = request.encode(&mut self.body);
        self.lane.send(opcode, self.tag, &self.body).unwrap();
    }

    fn receive(&mut self) -> Response<'_> {
        let received = self.lane.recv(&mut self.answer, None).unwrap().unwrap();
        Response::decode(received.opcode, &self.answer).unwrap()
    }

    fn ask(&mut self, request: &Request<'_>) -> Response<'_> {
        self.send(request);
        match self.receive() {
            Response::Failed(failure) => panic!("{failure}"),
            response => response,
        }
    }

    fn begin(&mut self) {
        self.send(&Request::Begin(Begin {
            isolation: Isolation::RepeatableRead,
            lock_wait_ms: 50_000,
            client: 0,
        }));
    }

    fn commit(&mut self, durability: Durability, session: u8, number: u64) {
        let id = CommitId {
            session: [session; 16],
            number,
        };
        self.ask(&Request::Commit(Commit { durability, id }));
    }
}

fn new_table(guest: &mut Guest) -> (TableId, IndexId) {
    let name = format!("measure-{}-{:?}", std::process::id(), Instant::now());
    match guest.ask(&Request::CreateTable(CreateTable {
        name: &name,
        definition: b"",
        indexes: 1,
        counters: [1, 1],
    })) {
        Response::Table(info) => (info.table, info.indexes[0]),
        other => panic!("{other:?}"),
    }
}

fn insert(guest: &mut Guest, (table, index): (TableId, IndexId), key: &[u8], value: &[u8]) {
    let ops = vec![WriteOp::Put { index, key, value }];
    guest.ask(&Request::Write(Write {
        ops,
        raise: Vec::new(),
        row_delta: 1,
        answer: true,
        table,
    }));
}

/// Runs something on many lanes for a while, and prints what it cost.
fn measure(name: &str, guests: &mut [Guest], work: impl Fn(&mut Guest, usize, u64) + Sync) {
    let begin = Instant::now();
    let before: Vec<_> = guests.iter().map(|guest| guest.lane.counters()).collect();
    let done: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = guests
            .iter_mut()
            .enumerate()
            .map(|(number, guest)| {
                let work = &work;
                scope.spawn(move || {
                    let mut rounds = 0;
                    while begin.elapsed() < TIME {
                        work(guest, number, rounds);
                        rounds += 1;
                    }
                    rounds
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let seconds = begin.elapsed().as_secs_f64();
    let (mut rung, mut received) = (0, 0);
    for (guest, before) in guests.iter().zip(before) {
        rung += guest.lane.counters().doorbells_rung - before.doorbells_rung;
        received += guest.lane.counters().doorbells_received - before.doorbells_received;
    }
    println!(
        "{name:<28} {:>9.0}/s  {:>8.1} us each on a lane  {:>7.3} doorbells to the host, {:>7.3} to the guest",
        done as f64 / seconds,
        seconds * 1e6 * guests.len() as f64 / done as f64,
        rung as f64 / done as f64,
        received as f64 / done as f64,
    );
}

fn scan_request(index: IndexId, id: u32) -> Request<'static> {
    Request::Scan(Scan {
        cursor: CursorId(id),
        range: KeyRange {
            index,
            low: b"",
            high: b"",
        },
        direction: Direction::Forward,
        lock: Lock::None,
        fetch: None,
        batch_rows: 2,
        max_batch_rows: 0,
        limit: 0,
        credit: 128 << 10,
    })
}

fn scan(guest: &mut Guest, index: IndexId, id: u32) -> usize {
    guest.begin();
    guest.send(&scan_request(index, id));
    let mut rows = 0;
    loop {
        let (bytes, last) = match guest.receive() {
            Response::Rows(block) => {
                rows += block.iter().count();
                (block.as_bytes().len(), false)
            }
            Response::LastRows(block) => {
                rows += block.iter().count();
                (block.as_bytes().len(), true)
            }
            other => panic!("{other:?}"),
        };
        if last {
            return rows;
        }
        guest.send(&Request::Credit(Credit {
            cursor: CursorId(id),
            bytes: u32::try_from(bytes).unwrap(),
        }));
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let endpoint: Endpoint = arguments
        .next()
        .expect("an endpoint, as unix:/path")
        .parse()
        .unwrap();
    let lanes: usize = arguments.next().map_or(1, |lanes| lanes.parse().unwrap());
    let mut guests: Vec<_> = (0..lanes).map(|_| Guest::connect(&endpoint)).collect();
    let (table, written) = (new_table(&mut guests[0]), new_table(&mut guests[0]));
    let rows = 200_000_u32;
    let guest = &mut guests[0];
    guest.begin();
    for row in 0..rows {
        insert(guest, table, &row.to_be_bytes(), &[7; 100]);
    }
    guest.commit(Durability::Second, 99, 1);

    println!("{lanes} lanes, {:?}", guests[0].lane.mode());
    measure("ping", &mut guests, |guest, _, _| {
        guest.ask(&Request::Ping(()));
    });
    measure("get", &mut guests, |guest, number, round| {
        let row = u32::try_from((round * 7919 + number as u64) % u64::from(rows)).unwrap();
        guest.ask(&Request::Get(Get {
            index: table.1,
            key: &row.to_be_bytes(),
            lock: Lock::None,
            fetch: None,
        }));
    });
    for (name, durability) in [
        ("put and commit, no sync", Durability::Second),
        ("put and commit, synced", Durability::Commit),
    ] {
        let first = if durability == Durability::Commit {
            1 << 40
        } else {
            1
        };
        measure(name, &mut guests, |guest, number, round| {
            let key = [&[number as u8][..], &round.to_be_bytes()].concat();
            guest.begin();
            insert(guest, written, &key, &[7; 100]);
            guest.commit(durability, number as u8, first + round);
        });
    }
    measure("scan of 200,000 rows", &mut guests, |guest, _, round| {
        let found = scan(guest, table.1, u32::try_from(round).unwrap() + 1);
        assert_eq!(found, rows as usize);
    });
}
