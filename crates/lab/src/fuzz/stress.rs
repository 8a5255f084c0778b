//! Many connections at once, on VAMOS alone. What a statement answers depends on
//! chance then, but not everything does: money that is moved between accounts
//! stays, whichever index it is counted by; a transaction that was acknowledged
//! has counted up; CHECK TABLE finds nothing.

mod bank;
mod worker;

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use fastrand::Rng;

use super::Fuzzer;
use crate::sql_client::SqlConnection;
use bank::{await_worker, prepare, verify};
use worker::{Counts, Worker};

/// How to run it.
#[derive(Clone, Debug)]
pub struct Stress {
    /// What the connections do depends on it, and on chance.
    pub seed: u64,
    /// How many connections.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// Kill the worker now and then.
    pub kill_workers: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct StressReport {
    /// Transactions that were acknowledged.
    pub committed: u64,
    /// Transactions that failed: by locks, kills, lost workers.
    pub failed: u64,
    /// Statements that were killed.
    pub kills: u64,
    /// Workers that were killed.
    pub worker_kills: u64,
}

/// What the threads share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    committed: AtomicU64,
    failed: AtomicU64,
    kills: AtomicU64,
    worker_kills: AtomicU64,
    connections: Mutex<Vec<u32>>,
    killed: Killed,
}

/// The connections whose statements were killed, each with whether `KILL` has
/// returned.
#[derive(Debug, Default)]
struct Killed(Mutex<HashMap<u32, bool>>);

impl Killed {
    fn note(&self, connection: u32, over: bool) {
        self.map().insert(connection, over);
    }

    /// Whether a statement since the last [`Self::forget`] may have been killed.
    fn may_be(&self, connection: u32) -> bool {
        self.map().contains_key(&connection)
    }

    /// Forgets a kill that has had its effect.
    fn forget(&self, connection: u32) {
        let mut map = self.map();
        if map.get(&connection) == Some(&true) {
            map.remove(&connection);
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<u32, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fuzzer {
    /// Lets many connections work at once, with KILL QUERY among them, and looks
    /// at what must hold.
    ///
    /// # Errors
    /// If something does not hold, with what; or if the server cannot be used.
    pub fn stress(&mut self, stress: &Stress) -> Result<StressReport> {
        let socket = self.stack.server.socket();
        let mut control = SqlConnection::open(&socket)?;
        prepare(&mut control)?;
        let shared = Shared::default();
        let counts = thread::scope(|scope| -> Result<Vec<Counts>> {
            let workers: Vec<_> = (0..stress.connections)
                .map(|who| {
                    let (shared, socket) = (&shared, &socket);
                    let rng = Rng::with_seed(stress.seed.wrapping_mul(1009).wrapping_add(who as u64));
                    scope.spawn(move || Worker::new(who, rng, shared).work(socket))
                })
                .collect();
            let disturbed = self.disturb(stress, &shared, &mut control);
            shared.stop.store(true, Relaxed);
            let counts = workers
                .into_iter()
                .map(|worker| {
                    worker
                        .join()
                        .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked")))
                })
                .collect();
            disturbed?;
            counts
        })?;
        await_worker(&mut control)?;
        verify(&mut control, &counts)?;
        Ok(StressReport {
            committed: shared.committed.load(Relaxed),
            failed: shared.failed.load(Relaxed),
            kills: shared.kills.load(Relaxed),
            worker_kills: shared.worker_kills.load(Relaxed),
        })
    }

    /// Kills statements, and workers if asked to, until the time is over.
    fn disturb(&self, stress: &Stress, shared: &Shared, control: &mut SqlConnection) -> Result<()> {
        let mut rng = Rng::with_seed(stress.seed);
        let end = Instant::now() + stress.duration;
        let mut next_worker = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end && !shared.stop.load(Relaxed) {
            thread::sleep(Duration::from_millis(rng.u64(1..40)));
            let victim = rng
                .choice(&*shared.connections.lock().unwrap_or_else(PoisonError::into_inner))
                .copied();
            if let Some(victim) = victim {
                shared.killed.note(victim, false);
                // It may just have gone.
                let _ = control.run(&format!("KILL QUERY {victim}"));
                shared.killed.note(victim, true);
                shared.kills.fetch_add(1, Relaxed);
            }
            if stress.kill_workers && Instant::now() > next_worker {
                // The last one that was killed may not have its successor yet.
                let killed = self.stack.daemon.kill_worker().is_ok();
                shared.worker_kills.fetch_add(u64::from(killed), Relaxed);
                next_worker = Instant::now() + Duration::from_millis(rng.u64(500..2500));
            }
        }
        Ok(())
    }
}
