//! Work that blocks, where it blocks no lane.

use async_task::Runnable;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

/// How many calls may block at once. They are catalogue changes and statistics:
/// rare, and each one mostly waits for the disk.
const THREADS: usize = 2;

/// Runs a function on a thread of its own kind; for calls that take long or
/// wait for the disk, so that the serving threads stay free.
pub fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    let schedule = |runnable| {
        // The pool lives as long as the process; should its threads be gone
        // nevertheless, the work is done here.
        if let Err(unsent) = pool().send(runnable) {
            unsent.0.run();
        }
    };
    let (runnable, task) = async_task::spawn(async move { work() }, schedule);
    runnable.schedule();
    task
}

fn pool() -> &'static Sender<Runnable> {
    static POOL: OnceLock<Sender<Runnable>> = OnceLock::new();
    POOL.get_or_init(|| {
        let (sender, receiver) = channel::<Runnable>();
        let receiver = std::sync::Arc::new(parking_lot::Mutex::new(receiver));
        for number in 0..THREADS {
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
                .name(format!("blocking-{number}"))
                .spawn(serve);
            if let Err(error) = started {
                tracing::error!(%error, "cannot start a thread for blocking work");
            }
        }
        sender
    })
}
