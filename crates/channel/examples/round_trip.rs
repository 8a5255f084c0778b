//! What a lane costs, beside what the machine itself costs, in one run:
//!
//! `cargo run --release -p vamos-channel --example round_trip`
//!
//! Each figure is the median of several runs, with the smallest and the
//! largest, on two threads pinned to CPUs 0 and 1:
//!
//! - *bare cache line*: two threads hand a counter back and forth. No
//!   round trip through shared memory can be faster.
//! - *lane, both polling*: a message of 64 bytes there and one back, through
//!   the window's rings. Neither side sleeps.
//! - *lane, host sleeps*: the same, but the host always sleeps in poll(2) and
//!   is woken by a doorbell; the guest polls for the answer.
//! - *lane, in the stream*: the same messages over the socket, without a window.
//! - *Unix socket*: 64 bytes there and back over a plain socket pair.
//! - *pipelined*: messages of 64 bytes one way, as fast as they go.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::error::Error;
use std::hint::{black_box, spin_loop};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use vamos_channel::*;

const RUNS: usize = 15;
const BODY: [u8; 64] = [7; 64];

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let spinning = 100_000;
    let line = Spread::of("bare cache line", || bare_cache_line(spinning))?;
    let polling = Spread::of("lane, both polling", || lane(Host::Polls, true, spinning))?;
    let sleeping = Spread::of("lane, host sleeps", || lane(Host::Sleeps, true, 10_000))?;
    let stream = Spread::of("lane, in the stream", || lane(Host::Sleeps, false, 10_000))?;
    let socket = Spread::of("Unix socket", || unix_socket(10_000))?;
    let pipelined = Spread::of("pipelined", || pipelined(400_000))?;

    println!("round trip of 64 bytes, in ns, {RUNS} runs, threads on CPUs 0 and 1");
    println!(
        "{:<22}{:>10}{:>10}{:>10}{:>14}{:>14}",
        "", "min", "median", "max", "x cache line", "x Unix socket"
    );
    for spread in [&line, &polling, &sleeping, &stream, &socket] {
        let (to_line, to_socket) = (spread.median / line.median, spread.median / socket.median);
        println!("{spread}{to_line:>14.2}{to_socket:>14.4}");
    }
    println!("\nmessages of 64 bytes one way, in ns each");
    let rate = 1e3 / pipelined.median;
    println!(
        "{pipelined}{rate:>14.2} million/s, {:.1} x cache line",
        pipelined.median / line.median
    );
    Ok(())
}

/// What several runs came to, in nanoseconds for each round trip.
struct Spread {
    name: &'static str,
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(name: &'static str, run: impl Fn() -> Result<f64>) -> Result<Self> {
        run()?; // warms up
        let mut times = (0..RUNS).map(|_| run()).collect::<Result<Vec<f64>>>()?;
        times.sort_by(f64::total_cmp);
        Ok(Self {
            name,
            min: times[0],
            median: times[RUNS / 2],
            max: times[RUNS - 1],
        })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:<22}{:>10.0}{:>10.0}{:>10.0}",
            self.name, self.min, self.median, self.max
        )
    }
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("cannot pin a thread to CPU {cpu}, so the figures mean little: {error}");
    }
}

/// Runs `work` so often on CPU 0 and returns nanoseconds for each.
fn time(count: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..count {
        work()?;
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(count))
}

#[repr(align(128))]
struct Line(AtomicU64);

fn bare_cache_line(count: u32) -> Result<f64> {
    let line = Arc::new(Line(AtomicU64::new(0)));
    let other = Arc::clone(&line);
    let partner = thread::spawn(move || {
        pin(1);
        for turn in (1..2 * u64::from(count)).step_by(2) {
            while other.0.load(Ordering::Acquire) != turn {
                spin_loop();
            }
            other.0.store(turn + 1, Ordering::Release);
        }
    });
    pin(0);
    let mut turn = 0;
    let time = time(count, || {
        line.0.store(turn + 1, Ordering::Release);
        turn += 2;
        while line.0.load(Ordering::Acquire) != turn {
            spin_loop();
        }
        Ok(())
    });
    partner.join().map_err(|_| "the partner failed")?;
    time
}

fn unix_socket(count: u32) -> Result<f64> {
    let (mut here, mut there) = UnixStream::pair()?;
    let partner = thread::spawn(move || -> Result<()> {
        pin(1);
        let mut body = [0; BODY.len()];
        for _ in 0..count {
            there.read_exact(&mut body)?;
            there.write_all(&body)?;
        }
        Ok(())
    });
    pin(0);
    let mut body = [0; BODY.len()];
    let time = time(count, || {
        here.write_all(&BODY)?;
        here.read_exact(&mut body)?;
        Ok(())
    });
    partner.join().map_err(|_| "the partner failed")??;
    time
}

/// What the host does when there is no message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Polls,
    Sleeps,
}

/// Opens a lane whose host serves it on CPU 1 until the guest hangs up.
fn open(
    wants_window: bool,
    serve: impl FnOnce(ServerLane) -> Result<()> + Send + 'static,
) -> Result<(ClientLane, thread::JoinHandle<Result<()>>)> {
    let endpoint = Endpoint::Unix(std::env::temp_dir().join(format!("vamos-{}.sock", std::process::id())));
    let listener = Listener::bind(&endpoint, ListenerOptions::default())?;
    let host = thread::spawn(move || {
        pin(1);
        let lanes = LaneAllocator::new(Window::create_memfd(Layout::default())?, 1);
        let policy = Admission::new().module("benchmark", 1..=1);
        poll(&mut [PollFd::new(&listener, PollFlags::IN)], None)?;
        let mut pending = listener.accept()?.ok_or("nobody came")?;
        loop {
            match pending.advance(&policy, &lanes) {
                Handshake::Ready(lane) => return serve(lane),
                Handshake::NeedsInput => poll(&mut [PollFd::new(&pending, PollFlags::IN)], None)?,
                other => return Err(format!("{other:?}").into()),
            };
        }
    });
    pin(0);
    let hello = Hello {
        module: "benchmark".into(),
        module_version: 1,
        wants_window,
        token: Token::default(),
    };
    let options = ClientOptions {
        poll_budget: Duration::from_millis(100),
        ..ClientOptions::default()
    };
    Ok((ClientLane::connect(&endpoint, &hello, &options)?, host))
}

fn lane(host: Host, wants_window: bool, count: u32) -> Result<f64> {
    let (mut guest, host) = open(wants_window, move |lane| echo(lane, host, count))?;
    let mut body = Vec::new();
    let time = time(count, || {
        guest.send(1, 1, &BODY)?;
        guest.recv(&mut body, None)?;
        Ok(())
    });
    black_box(&body);
    drop(guest);
    host.join().map_err(|_| "the host failed")??;
    time
}

fn echo(mut lane: ServerLane, host: Host, count: u32) -> Result<()> {
    let mut body = Vec::new();
    for _ in 0..count {
        let received = loop {
            if let Some(received) = lane.try_recv(&mut body)? {
                break received;
            }
            match host {
                Host::Polls => spin_loop(),
                Host::Sleeps => sleep(&mut lane)?,
            }
        };
        lane.try_send(received.opcode, received.tag, &body)?;
        lane.flush()?;
    }
    // The guest must have read the last answer before the lane closes.
    sleep(&mut lane).or_else(|error| {
        if error.is::<LaneError>() {
            Ok(())
        } else {
            Err(error)
        }
    })
}

fn sleep(lane: &mut ServerLane) -> Result<()> {
    if !lane.sleep_begin(Wants {
        input: true,
        space: false,
    }) {
        poll(&mut [PollFd::new(lane, PollFlags::IN)], None)?;
    }
    lane.sleep_end();
    lane.drain_doorbells()?;
    Ok(())
}

fn pipelined(count: u32) -> Result<f64> {
    let received = Arc::new(AtomicBool::new(false));
    let all = Arc::clone(&received);
    let (mut guest, host) = open(true, move |mut lane| {
        let mut body = Vec::new();
        for _ in 0..count {
            while lane.try_recv(&mut body)?.is_none() {
                spin_loop();
            }
        }
        all.store(true, Ordering::Release);
        Ok(())
    })?;
    let start = Instant::now();
    for tag in 0..count {
        guest.send(1, tag, &BODY)?;
    }
    while !received.load(Ordering::Acquire) {
        spin_loop();
    }
    let time = start.elapsed().as_nanos() as f64 / f64::from(count);
    host.join().map_err(|_| "the host failed")??;
    Ok(time)
}
