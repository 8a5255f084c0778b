//! The runtime in which a worker serves its lanes: tasks, a few threads, and a
//! reactor that polls the window and sleeps in the kernel.
//!
//! Each session is a task. The serving threads share one queue of tasks that can
//! go on. A thread that finds the queue empty becomes the *leader*, unless
//! another one is: it polls the lanes for a bounded time, then asks the guest for
//! doorbells and sleeps in epoll ([`leader`]). What it finds it runs itself, in
//! place, without a hand-over to another thread; the others follow only when
//! there is more to do than one thread's share ([`scheduler`]).

mod blocked;
mod blocking;
mod budget;
mod lane;
mod leader;
mod reactor;
mod scheduler;
mod source;
mod timer;
mod traffic;
mod wake;
mod yielding;

pub use blocked::will_block;
pub use blocking::{blocking, upkeep};
pub use lane::{Lane, LaneEnd};
pub use source::Source;
pub use timer::Sleep;
pub use yielding::yield_now;

use scheduler::Scheduler;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vamos_channel::LaneCounters;

/// How a runtime is set up.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeOptions {
    /// How many threads serve at once.
    pub threads: usize,
    /// How many more may wait for the disk meanwhile; see [`will_block`].
    pub disk_waits: usize,
    /// The longest that an idle thread polls before it sleeps.
    pub poll_budget: Duration,
    /// Look at a busy guest's lanes by the clock instead of asking it for doorbells. Pays
    /// where a doorbell leaves a virtual machine.
    pub naps: bool,
}

impl RuntimeOptions {
    fn all_threads(&self) -> usize {
        self.threads + self.disk_waits
    }
}

/// What a runtime's threads have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeCounters {
    /// Times that a task was run.
    pub task_runs: u64,
    /// Times that all threads slept.
    pub sleeps: u64,
    /// Of these, those that a short timer ended instead of a doorbell.
    pub timed_sleeps: u64,
    /// Microseconds spent polling without finding anything.
    pub poll_us: u64,
    /// Tasks that exist.
    pub tasks: u64,
}

/// A handle on a runtime; a clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct Runtime {
    scheduler: Arc<Scheduler>,
}

impl Runtime {
    /// A runtime without threads; [`Runtime::start`] gives it some.
    ///
    /// # Errors
    /// The kernel gives no epoll instance or event descriptor.
    pub fn new(options: RuntimeOptions) -> std::io::Result<Self> {
        Ok(Self {
            scheduler: Arc::new(Scheduler::new(options)?),
        })
    }

    /// Starts the serving threads; each one calls `prepare` first and keeps what
    /// it returns.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start<G>(&self, prepare: impl Fn() -> G + Send + Sync + 'static) -> std::io::Result<Threads> {
        let prepare = Arc::new(prepare);
        let mut threads = Threads {
            runtime: self.clone(),
            handles: Vec::new(),
        };
        for number in 0..self.scheduler.options.all_threads() {
            let (scheduler, prepare) = (self.scheduler.clone(), prepare.clone());
            let handle = std::thread::Builder::new()
                .name(format!("serve-{number}"))
                .spawn(move || {
                    let _prepared = prepare();
                    Scheduler::serve(&scheduler);
                })?;
            threads.handles.push(handle);
        }
        Ok(threads)
    }

    /// Adds a task.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.scheduler.spawn(future);
    }

    /// Ends all waiting for lanes and sources: sessions see
    /// [`LaneEnd::Shutdown`] and finish.
    pub fn shut_down(&self) {
        self.scheduler.reactor.shut_down();
    }

    /// Whether [`Runtime::shut_down`] was called.
    pub fn is_shutting_down(&self) -> bool {
        self.scheduler.reactor.is_shut_down()
    }

    /// Waits until no task exists, and says whether that came true in time.
    pub fn wait_idle(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.scheduler.tasks.load(Ordering::Acquire) > 0 {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Completes at a point in time.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        self.scheduler.reactor.sleep_until(deadline)
    }

    /// The number of open lanes, and what they have done together.
    pub fn lane_counters(&self) -> (u64, LaneCounters) {
        self.scheduler.reactor.lane_counters()
    }

    /// What it has done so far.
    pub fn counters(&self) -> RuntimeCounters {
        self.scheduler.counters()
    }
}

/// A runtime's threads; they end when this is dropped.
#[derive(Debug)]
pub struct Threads {
    runtime: Runtime,
    handles: Vec<std::thread::JoinHandle<()>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.runtime.scheduler.exit();
        for handle in self.handles.drain(..) {
            if handle.join().is_err() {
                tracing::error!("a serving thread ended by a panic");
            }
        }
    }
}
