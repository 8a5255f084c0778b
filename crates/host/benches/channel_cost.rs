//! What the channel costs: the same store, in process and through a lane.
//!
//! `cargo bench -p vamos-host --bench channel_cost`
//!
//! Both stores have the same rows, warm in the cache; the two sides take turns in
//! one run. A figure is work per second of one thread, as the median of the
//! rounds with the smallest and the largest; the ratio is that of the medians.

use pollster::block_on;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_guest::{Client, Config, Get, KeyRange, Rows, ScanSpec, Session};
use vamos_proto::{
    CommitId, CursorId, Direction, Durability, IndexId, Isolation, Lock, RowBlockBuilder, Scan, TableId,
    Write, WriteOp,
};
use vamos_store::{Store, StoreOptions, TransactionOptions};

const ROWS: u64 = 200_000;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(500);
const VALUE: [u8; 100] = [7; 100];
const LOCK_WAIT: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut near = InProcess::open(&dir.path().join("near"))?;
    let mut far = ThroughLane::open(dir.path())?;
    println!(
        "{:<28}{:>34}{:>34}{:>8}",
        "per second", "in process", "through a lane", "ratio"
    );
    compare("point reads", &mut || near.point_reads(), &mut || {
        far.point_reads()
    })?;
    let (near, far) = (std::cell::RefCell::new(near), std::cell::RefCell::new(far));
    compare("scanned rows", &mut || near.borrow_mut().scan(), &mut || {
        far.borrow_mut().scan()
    })?;
    for durability in [Durability::Never, Durability::Commit] {
        let name = format!("commits, {durability:?}").to_lowercase();
        compare(&name, &mut || near.borrow_mut().commits(durability), &mut || {
            far.borrow_mut().commits(durability)
        })?;
    }
    let counters = far.borrow().session.counters();
    println!(
        "\nlane: {} messages sent, {} doorbells rung, {} suppressed, {} sleeps, {:.1} s polled",
        counters.messages_sent,
        counters.doorbells_rung,
        counters.doorbells_suppressed,
        counters.sleeps,
        counters.poll_nanos as f64 / 1e9
    );
    Ok(())
}

/// One round of a kind of work: how much was done, in how long.
type Round<'a> = &'a mut dyn FnMut() -> Result<f64>;

fn compare(name: &str, near: Round<'_>, far: Round<'_>) -> Result<()> {
    let (mut nears, mut fars) = (Vec::new(), Vec::new());
    near()?;
    far()?;
    for _ in 0..ROUNDS {
        nears.push(near()?);
        fars.push(far()?);
    }
    let (near, far) = (spread(&mut nears), spread(&mut fars));
    println!(
        "{name:<28}{near:>34}{far:>34}{:>8.2}",
        median(&fars) / median(&nears)
    );
    Ok(())
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn spread(rates: &mut [f64]) -> String {
    rates.sort_by(f64::total_cmp);
    format!(
        "{:.0} [{:.0} .. {:.0}]",
        median(rates),
        rates[0],
        rates[rates.len() - 1]
    )
}

/// Does something until a round's time is up; returns its rate.
fn rate(mut work: impl FnMut() -> Result<u64>) -> Result<f64> {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < ROUND {
        done += work()?;
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// Keys in an order that no cache foresees.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> [u8; 8] {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % ROWS).to_be_bytes()
    }
}

struct InProcess {
    store: Arc<Store>,
    index: IndexId,
    table: TableId,
    keys: Keys,
    next: u64,
}

impl InProcess {
    fn open(path: &Path) -> Result<Self> {
        let store = Store::open(StoreOptions::new(path))?;
        let info = store.create_table("t", b"", 1, [1, 1])?;
        let mut this = Self {
            index: info.indexes[0],
            table: info.table,
            store,
            keys: Keys(1),
            next: 0,
        };
        while this.next < ROWS {
            this.commit(1000, Durability::Never)?;
        }
        Ok(this)
    }

    fn begin(&self) -> vamos_store::Transaction {
        self.store.begin(TransactionOptions {
            isolation: Isolation::ReadCommitted,
            lock_wait: LOCK_WAIT,
            ..TransactionOptions::default()
        })
    }

    fn commit(&mut self, rows: u64, durability: Durability) -> Result<()> {
        let mut transaction = self.begin();
        for _ in 0..rows {
            let key = self.next.to_be_bytes();
            self.next += 1;
            block_on(transaction.apply(&insert(self.index, self.table, &key)))?;
        }
        block_on(transaction.commit(
            durability,
            CommitId {
                session: [1; 16],
                number: self.next,
            },
        ))?;
        Ok(())
    }

    fn point_reads(&mut self) -> Result<f64> {
        let mut transaction = self.begin();
        let mut rows = RowBlockBuilder::new();
        let (index, keys) = (self.index, &mut self.keys);
        rate(|| {
            rows.clear();
            block_on(transaction.get(index, &keys.next(), Lock::None, None, &mut rows))?;
            Ok(rows.rows() as u64)
        })
    }

    fn scan(&mut self) -> Result<f64> {
        let mut transaction = self.begin();
        let mut rows = RowBlockBuilder::new();
        let scan = Scan {
            cursor: CursorId(1),
            range: KeyRange {
                index: self.index,
                low: b"",
                high: &ROWS.to_be_bytes(),
            },
            direction: Direction::Forward,
            lock: Lock::None,
            fetch: None,
            batch_rows: 1,
            max_batch_rows: 0,
            limit: 0,
            credit: 0,
        };
        rate(|| {
            let mut cursor = transaction.scan(&scan)?;
            let mut count = 0;
            loop {
                rows.clear();
                let last = block_on(transaction.next_batch(&mut cursor, &mut rows, usize::MAX, 64 << 10))?;
                count += rows.rows() as u64;
                if last {
                    return Ok(count);
                }
            }
        })
    }

    fn commits(&mut self, durability: Durability) -> Result<f64> {
        rate(|| self.commit(1, durability).map(|()| 1))
    }
}

fn insert<'a>(index: IndexId, table: TableId, key: &'a [u8]) -> Write<'a> {
    Write {
        ops: vec![WriteOp::Insert {
            index,
            key,
            value: &VALUE,
        }],
        raise: vec![],
        row_delta: 1,
        answer: true,
        table,
    }
}

struct ThroughLane {
    session: Session,
    daemon: Child,
    index: IndexId,
    table: TableId,
    keys: Keys,
    next: u64,
}

impl ThroughLane {
    fn open(dir: &Path) -> Result<Self> {
        let path = dir.display();
        let config = dir.join("vamosd.toml");
        std::fs::write(
            &config,
            format!(
                "[global]\nstate_dir = \"{path}/far\"\nrun_dir = \"{path}\"\nlog = \"warn\"\n\n\
                 [[guest]]\nname = \"g\"\nlisten = \"unix:{path}/g.sock\"\n"
            ),
        )?;
        let daemon = Command::new(env!("CARGO_BIN_EXE_vamosd"))
            .arg("--config")
            .arg(&config)
            .spawn()?;
        let mut session = Session::new(Client::new(Config::new(format!("unix:{path}/g.sock").parse()?)));
        let begin = Instant::now();
        while let Err(error) = session.ping() {
            if begin.elapsed() > Duration::from_secs(20) {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let create = vamos_guest::CreateTable {
            name: "t",
            definition: b"",
            indexes: 1,
            counters: [1, 1],
        };
        let table = session.create_table(create)?;
        let (index, table) = (table.indexes[0], table.table);
        let mut this = Self {
            session,
            daemon,
            index,
            table,
            keys: Keys(1),
            next: 0,
        };
        while this.next < ROWS {
            this.commit(1000, Durability::Never)?;
        }
        Ok(this)
    }

    fn commit(&mut self, rows: u64, durability: Durability) -> Result<()> {
        self.session.begin(Isolation::ReadCommitted, LOCK_WAIT);
        for _ in 0..rows {
            let key = self.next.to_be_bytes();
            self.next += 1;
            self.session.write(insert(self.index, self.table, &key))?;
        }
        Ok(self.session.commit(durability)?)
    }

    fn point_reads(&mut self) -> Result<f64> {
        self.session.begin(Isolation::ReadCommitted, LOCK_WAIT);
        let mut rows = Rows::default();
        let Self {
            session, keys, index, ..
        } = self;
        let reads = rate(|| {
            let get = Get {
                index: *index,
                key: &keys.next(),
                lock: Lock::None,
                fetch: None,
            };
            Ok(u64::from(session.get(&get, &mut rows)?))
        })?;
        self.session.rollback()?;
        Ok(reads)
    }

    fn scan(&mut self) -> Result<f64> {
        self.session.begin(Isolation::ReadCommitted, LOCK_WAIT);
        let (session, index) = (&mut self.session, self.index);
        let rows = rate(|| {
            let high = ROWS.to_be_bytes();
            let mut cursor = session.scan(&ScanSpec::new(KeyRange {
                index,
                low: b"",
                high: &high,
            }))?;
            let mut count = 0;
            while session.next(&mut cursor)? {
                count += 1;
            }
            session.close(cursor);
            Ok(count)
        })?;
        self.session.rollback()?;
        Ok(rows)
    }

    fn commits(&mut self, durability: Durability) -> Result<f64> {
        rate(|| self.commit(1, durability).map(|()| 1))
    }
}

impl Drop for ThroughLane {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
