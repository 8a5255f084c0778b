//! How fast the store is without a channel: the figures beside which the
//! channel's cost is shown.
//!
//! `cargo run --release -p vamos-store --example in_process [ROUNDS [ROWS]]`
//!
//! Every figure is per second over all threads, as minimum, median and maximum of
//! the rounds. Keys are 8 bytes, values 150 that compress to about half; the
//! table is warm in the cache. A
//! commit is one transaction that inserts one row.

use pollster::block_on;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_proto::{
    CommitId, CursorId, Direction, Durability, IndexId, Isolation, KeyRange, Lock, LockWait, RowBlockBuilder,
    Scan, TableId, Write, WriteOp,
};
use vamos_store::{Store, StoreError, StoreOptions, TransactionOptions};

const TIME: Duration = Duration::from_millis(400);
/// As the store module of the host streams them.
const BATCH_BYTES: usize = 64 << 10;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

struct Bench {
    store: Arc<Store>,
    index: IndexId,
    table: TableId,
    rows: u64,
    rounds: usize,
}

/// One thread's work: does something `n` times over and says how often.
type Work = fn(&Bench, thread: u64, until: Instant) -> std::result::Result<u64, StoreError>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.next().map_or(Ok(5), |a| a.parse())?;
    let rows = arguments.next().map_or(Ok(500_000), |a| a.parse())?;
    let directory = tempfile::Builder::new().prefix("vamos-bench").tempdir_in(".")?;
    let mut options = StoreOptions::new(directory.path());
    options.cache_bytes = 512 << 20;
    let store = Store::open(options)?;
    let info = store.create_table("bench", b"", 1, [1, 1])?;
    let bench = Bench {
        index: info.indexes[0],
        table: info.table,
        store,
        rows,
        rounds,
    };
    let begin = Instant::now();
    bench.load()?;
    println!(
        "{rows} rows loaded in {:.1} s, in transactions of 1000\n",
        begin.elapsed().as_secs_f64()
    );
    println!(
        "{:<44}{:>8}{:>12}{:>12}{:>12}",
        "per second", "threads", "min", "median", "max"
    );
    let cases: [(&str, Work); 10] = [
        ("point read, a transaction each", read_alone),
        ("point read, one transaction", read_together),
        ("locking point read, a transaction each", read_locked),
        ("batched read of 100 keys (keys)", read_batched),
        ("scan (rows)", scan),
        ("locking scan (rows)", scan_locked),
        ("commit, synced", |b, t, u| commit(b, t, u, Durability::Commit)),
        ("commit, synced each second", |b, t, u| {
            commit(b, t, u, Durability::Second)
        }),
        ("commit, not synced", |b, t, u| commit(b, t, u, Durability::Never)),
        ("write in one transaction (rows)", write_together),
    ];
    for (name, work) in cases {
        for threads in [1, 4] {
            bench.measure(name, threads, work)?;
        }
    }
    println!("\n{:#?}", bench.store.status());
    Ok(())
}

impl Bench {
    fn load(&self) -> Result<()> {
        let keys: Vec<_> = (0..self.rows).map(u64::to_be_bytes).collect();
        for (number, chunk) in (1..).zip(keys.chunks(1000)) {
            let ops = chunk.iter().map(|key| self.insert(key)).collect();
            let write = self.write(ops);
            let mut transaction = self.store.begin(TransactionOptions::default());
            block_on(transaction.apply(&write))?;
            block_on(transaction.commit(Durability::Never, id(0, number)))?;
        }
        Ok(())
    }

    fn insert<'a>(&self, key: &'a [u8]) -> WriteOp<'a> {
        WriteOp::Insert {
            index: self.index,
            key,
            value: value(key),
        }
    }

    fn write<'a>(&self, ops: Vec<WriteOp<'a>>) -> Write<'a> {
        Write {
            row_delta: ops.len().try_into().unwrap_or(0),
            answer: true,
            ops,
            raise: vec![],
            table: self.table,
        }
    }

    fn measure(&self, name: &str, threads: u64, work: Work) -> Result<()> {
        let mut rates = Vec::new();
        for round in 0..self.rounds as u64 {
            let begin = Instant::now();
            let counts: std::result::Result<Vec<u64>, StoreError> = std::thread::scope(|scope| {
                let running: Vec<_> = (0..threads)
                    .map(|thread| scope.spawn(move || work(self, round * threads + thread, begin + TIME)))
                    .collect();
                running
                    .into_iter()
                    .map(|thread| {
                        thread
                            .join()
                            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    })
                    .collect()
            });
            rates.push(counts?.iter().sum::<u64>() as f64 / begin.elapsed().as_secs_f64());
        }
        rates.sort_by(f64::total_cmp);
        let median = rates[rates.len() / 2];
        let (min, max) = (rates[0], rates[rates.len() - 1]);
        println!("{name:<44}{threads:>8}{min:>12.0}{median:>12.0}{max:>12.0}");
        Ok(())
    }

    fn scan(&self, lock: Lock) -> Scan<'static> {
        Scan {
            cursor: CursorId(1),
            range: KeyRange {
                index: self.index,
                low: b"",
                high: b"",
            },
            direction: Direction::Forward,
            lock,
            fetch: None,
            batch_rows: 1,
            max_batch_rows: 0,
            limit: 0,
            credit: 0,
        }
    }
}

/// A value that compresses to about half: a part of one long noise, and zeros.
fn value(key: &[u8]) -> &'static [u8] {
    static NOISE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let noise = NOISE.get_or_init(|| {
        let mut next = random(0, 256);
        let mut noise: Vec<u8> = std::iter::repeat_with(|| next() as u8).take(1 << 20).collect();
        for chunk in noise.chunks_mut(150) {
            chunk.iter_mut().skip(75).for_each(|byte| *byte = 0);
        }
        noise
    });
    let sum = key.iter().fold(0usize, |sum, &byte| {
        sum.wrapping_mul(257).wrapping_add(byte.into())
    });
    let start = sum % (noise.len() - 150);
    &noise[start..start + 150]
}

fn id(thread: u64, number: u64) -> CommitId {
    CommitId {
        session: (u128::from(thread) + 1).to_be_bytes(),
        number,
    }
}

fn read_committed() -> TransactionOptions {
    TransactionOptions {
        isolation: Isolation::ReadCommitted,
        ..TransactionOptions::default()
    }
}

/// Random numbers below `n`, of each thread its own.
fn random(thread: u64, n: u64) -> impl FnMut() -> u64 {
    let mut state = (thread + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    }
}

fn point_reads(
    bench: &Bench,
    thread: u64,
    until: Instant,
    lock: Lock,
    together: bool,
) -> std::result::Result<u64, StoreError> {
    let mut next = random(thread, bench.rows);
    let mut rows = RowBlockBuilder::new();
    let mut count = 0;
    let mut transaction = bench.store.begin(read_committed());
    while Instant::now() < until {
        for _ in 0..100 {
            rows.clear();
            let key = next().to_be_bytes();
            block_on(transaction.get(bench.index, &key, lock, None, &mut rows))?;
            if !together {
                transaction = bench.store.begin(read_committed());
            }
        }
        count += 100;
    }
    Ok(count)
}

fn read_alone(bench: &Bench, thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    point_reads(bench, thread, until, Lock::None, false)
}

fn read_together(bench: &Bench, thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    point_reads(bench, thread, until, Lock::None, true)
}

fn read_locked(bench: &Bench, thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    point_reads(bench, thread, until, Lock::Exclusive(LockWait::Wait), false)
}

fn read_batched(bench: &Bench, thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    let mut next = random(thread, bench.rows);
    let mut rows = RowBlockBuilder::new();
    let mut count = 0;
    let mut transaction = bench.store.begin(read_committed());
    while Instant::now() < until {
        rows.clear();
        let keys: Vec<_> = (0..100).map(|_| next().to_be_bytes()).collect();
        let keys: Vec<_> = keys.iter().map(|key| &key[..]).collect();
        block_on(transaction.multi_get(bench.index, &keys, Lock::None, &mut rows, usize::MAX))?;
        count += 100;
    }
    Ok(count)
}

fn scans(bench: &Bench, until: Instant, lock: Lock) -> std::result::Result<u64, StoreError> {
    let mut count = 0;
    let mut rows = RowBlockBuilder::new();
    while Instant::now() < until {
        let mut transaction = bench.store.begin(read_committed());
        let mut cursor = transaction.scan(&bench.scan(lock))?;
        let mut finished = false;
        while !finished && Instant::now() < until {
            rows.clear();
            finished = block_on(transaction.next_batch(&mut cursor, &mut rows, usize::MAX, BATCH_BYTES))?;
            count += rows.rows() as u64;
        }
    }
    Ok(count)
}

fn scan(bench: &Bench, _thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    scans(bench, until, Lock::None)
}

fn scan_locked(bench: &Bench, _thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    scans(bench, until, Lock::Shared(LockWait::Wait))
}

/// A key that no other thread and no earlier round has.
fn fresh(bench: &Bench, thread: u64, number: u64) -> [u8; 16] {
    static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&(bench.rows + (thread << 40 | number)).to_be_bytes());
    key[8..].copy_from_slice(&call.to_be_bytes());
    key
}

fn commit(
    bench: &Bench,
    thread: u64,
    until: Instant,
    durability: Durability,
) -> std::result::Result<u64, StoreError> {
    let mut count = 0;
    while Instant::now() < until {
        count += 1;
        let key = fresh(bench, thread, count);
        let write = bench.write(vec![bench.insert(&key)]);
        let mut transaction = bench.store.begin(TransactionOptions::default());
        block_on(transaction.apply(&write))?;
        block_on(transaction.commit(durability, id(thread, count)))?;
    }
    Ok(count)
}

fn write_together(bench: &Bench, thread: u64, until: Instant) -> std::result::Result<u64, StoreError> {
    let mut count = 0;
    let mut transaction = bench.store.begin(TransactionOptions::default());
    while Instant::now() < until {
        for _ in 0..100 {
            count += 1;
            let key = fresh(bench, thread, count);
            let write = bench.write(vec![bench.insert(&key)]);
            block_on(transaction.apply(&write))?;
        }
    }
    transaction.rollback();
    Ok(count)
}
