//! A lane's round trip of 64 bytes, beside the least that the machine needs for one.

mod cache_line;
#[cfg(feature = "iceoryx2")]
mod iceoryx;
mod socket;
mod trip;

use crate::Options;
use crate::report::Report;
use anyhow::{Result, anyhow};
use trip::Host;

/// What every message carries.
const BODY: [u8; 64] = [7; 64];

/// Round trips by which it is found how many fill a round.
const TRIAL: u32 = 5_000;

/// A side of a measure: so many round trips, in nanoseconds each.
type Trips = fn(u32) -> Result<f64>;

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let lane = Side::new(options, |count| trip::lane(Host::Polls, true, count))?;
    let line = Side::new(options, cache_line::round_trips)?;
    #[cfg(feature = "iceoryx2")]
    let iceoryx = Side::new(options, iceoryx::round_trips)?;
    #[cfg(not(feature = "iceoryx2"))]
    eprintln!("iceoryx2 is not measured: build with --features vamos-bench/iceoryx2");
    for _ in 0..options.rounds {
        let (theirs, ours) = (line.run()?, lane.run()?);
        report.add(("lane_round_trip", "cache_line", "ns"), ours, theirs)?;
        #[cfg(feature = "iceoryx2")]
        report.add(("lane_round_trip", "iceoryx2", "ns"), ours, iceoryx.run()?)?;
    }
    if options.more {
        more(options, report, &line)?;
    }
    Ok(())
}

/// The ways of a message that no goal is about.
fn more(options: &Options, report: &mut Report, line: &Side) -> Result<()> {
    let socket = Side::new(options, socket::round_trips)?;
    let sleeping = Side::new(options, |count| trip::lane(Host::Sleeps, true, count))?;
    let stream = Side::new(options, |count| trip::lane(Host::Sleeps, false, count))?;
    let one_way = Side::new(options, trip::one_way)?;
    for _ in 0..options.rounds {
        let theirs = socket.run()?;
        report.add(("lane_host_sleeps", "unix_socket", "ns"), sleeping.run()?, theirs)?;
        report.add(("lane_in_stream", "unix_socket", "ns"), stream.run()?, theirs)?;
        report.add(("lane_one_way", "cache_line", "ns"), one_way.run()?, line.run()?)?;
    }
    Ok(())
}

/// A side, with as many round trips as fill a round.
struct Side {
    trips: Trips,
    count: u32,
}

impl Side {
    fn new(options: &Options, trips: Trips) -> Result<Self> {
        let nanos = on_own_thread(trips, TRIAL)?.max(1.0);
        let count = (options.round().as_nanos() as f64 / nanos).clamp(100.0, 1e9) as u32;
        Ok(Self { trips, count })
    }

    fn run(&self) -> Result<f64> {
        on_own_thread(self.trips, self.count)
    }
}

/// Round trips keep their threads on processors: what is measured after them must be free
/// to run anywhere, and so must the programs that it starts.
fn on_own_thread(trips: Trips, count: u32) -> Result<f64> {
    let thread = std::thread::spawn(move || trips(count));
    thread
        .join()
        .map_err(|_| anyhow!("a measurement's thread failed"))?
}
