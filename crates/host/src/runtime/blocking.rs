//! Work that blocks, where it blocks no lane.

use async_task::Runnable;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

/// Threads for calls that take long or wait for the disk.
struct Pool {
    name: &'static str,
    /// How many calls may block at once.
    threads: usize,
    queue: OnceLock<Sender<Runnable>>,
}

/// Catalogue changes and statistics: rare, and each one mostly waits for the disk.
static BLOCKING: Pool = Pool::new("blocking", 2);

/// What an administrator asked for: it may take seconds, so that nothing else
/// waits behind it.
static UPKEEP: Pool = Pool::new("upkeep", 1);

/// Runs a function on a thread of its own kind; for calls that take long or
/// wait for the disk, so that the serving threads stay free.
pub fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    BLOCKING.run(work)
}

/// As [`blocking`], for the upkeep of tables: one call at a time.
pub fn upkeep<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    UPKEEP.run(work)
}

impl Pool {
    const fn new(name: &'static str, threads: usize) -> Self {
        Self {
            name,
            threads,
            queue: OnceLock::new(),
        }
    }

    fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let schedule = |runnable| {
            // The pool lives as long as the process; should its threads be gone
            // nevertheless, the work is done here.
            if let Err(unsent) = self.queue().send(runnable) {
                unsent.0.run();
            }
        };
        let (runnable, task) = async_task::spawn(async move { work() }, schedule);
        runnable.schedule();
        task
    }

    fn queue(&self) -> &Sender<Runnable> {
        self.queue.get_or_init(|| {
            let (sender, receiver) = channel::<Runnable>();
            let receiver = std::sync::Arc::new(parking_lot::Mutex::new(receiver));
            for number in 0..self.threads {
                let receiver = receiver.clone();
                let serve = move || {
                    loop {
                        let Ok(runnable) = receiver.lock().recv() else {
                            return;
                        };
                        runnable.run();
                    }
                };
                let started = std::thread::Builder::new()
                    .name(format!("{}-{number}", self.name))
                    .spawn(serve);
                if let Err(error) = started {
                    tracing::error!(%error, "cannot start a thread for blocking work");
                }
            }
            sender
        })
    }
}
