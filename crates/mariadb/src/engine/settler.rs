//! A thread that settles with the host what no connection waits for: checkpoints
//! of commits, and decisions that the host has not heard of.
//!
//! The server asks for a checkpoint when it begins a new binary log: from then on
//! it will not look into the older ones to find out how prepared transactions
//! ended. So it is told that the checkpoint is reached only when every commit
//! that was ordered before is known to be done and is on the host's disk.

use super::host;
use crate::boundary::{checkpoint_reached, server_is_stopping};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vamos_guest::Session;

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(50);

/// How often the log says that a shutdown waits for the host.
const REMIND: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Checkpoint {
    /// What the server wants to hear.
    cookie: usize,
    /// The last commit that was ordered before.
    last: u64,
}

#[derive(Debug)]
struct State {
    checkpoints: VecDeque<Checkpoint>,
    /// The last commit that is known to be on the host's disk.
    synced: u64,
    thread: Option<JoinHandle<()>>,
    stopped: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    checkpoints: VecDeque::new(),
    synced: 0,
    thread: None,
    stopped: false,
});

static CHANGED: Condvar = Condvar::new();

/// Asks for a checkpoint.
pub(crate) fn request_checkpoint(cookie: usize) {
    let last = host::client().last_ordered();
    let mut state = STATE.lock();
    if last == state.synced && state.checkpoints.is_empty() {
        // Nothing new, perhaps nothing ever: the host need not be there.
        drop(state);
        return checkpoint_reached(cookie);
    }
    state.checkpoints.push_back(Checkpoint { cookie, last });
    wake_locked(&mut state);
}

/// Has decisions told to the host, if there are any it has not heard of.
pub(crate) fn wake() {
    if host::client().has_undecided() {
        wake_locked(&mut STATE.lock());
    }
}

fn wake_locked(state: &mut State) {
    if state.thread.is_none() && !state.stopped {
        let thread = std::thread::Builder::new().name("vamos-settler".to_owned());
        // Without a thread the next call tries again.
        state.thread = thread.spawn(run).ok();
    }
    CHANGED.notify_all();
}

/// Ends the thread, and has what is committed on disk if the host is there: a
/// server that was shut down in order looks into no log when it starts.
pub(crate) fn stop() {
    let thread = {
        let mut state = STATE.lock();
        state.stopped = true;
        CHANGED.notify_all();
        state.thread.take()
    };
    if let Some(thread) = thread {
        let _ = thread.join();
    }
    let client = host::client();
    let last = client.last_ordered();
    if last > 0 || client.has_undecided() {
        let _ = Session::new(Arc::clone(&client)).sync_log(last);
    }
    let (commits, rollbacks) = client.undecided();
    if commits + rollbacks > 0 {
        eprintln!(
            "VAMOS: the host at {} is away and has not heard how prepared transactions ended: {commits} were \
             committed, {rollbacks} rolled back. If the next start finds prepared transactions, see \"When the \
             host is away\" in the documentation before you choose --tc-heuristic-recover.",
            client.config().endpoint
        );
    }
}

/// Says in the server's log what a shutdown waits for.
fn remind(last: &mut Option<Instant>) {
    if server_is_stopping() && last.is_none_or(|last| last.elapsed() >= REMIND) {
        *last = Some(Instant::now());
        eprintln!(
            "VAMOS: the shutdown waits for a checkpoint of the binary log, and that for the host at {}. Start \
             vamosd; or kill the server: when it starts again it recovers by the log.",
            host::client().config().endpoint
        );
    }
}

fn run() {
    let mut session = Session::new(host::client());
    let mut reminded = None;
    let mut state = STATE.lock();
    while !state.stopped {
        let client = host::client();
        if client.has_undecided() {
            parking_lot::MutexGuard::unlocked(&mut state, || drop(client.settle()));
            if client.has_undecided() {
                CHANGED.wait_for(&mut state, PAUSE);
            }
        }
        match state.checkpoints.pop_front() {
            Some(checkpoint) => {
                let reached = parking_lot::MutexGuard::unlocked(&mut state, || {
                    client.ordered_are_done(checkpoint.last) && session.sync_log(checkpoint.last).is_ok()
                });
                if reached {
                    state.synced = checkpoint.last;
                    parking_lot::MutexGuard::unlocked(&mut state, || checkpoint_reached(checkpoint.cookie));
                } else {
                    state.checkpoints.push_front(checkpoint);
                    remind(&mut reminded);
                    CHANGED.wait_for(&mut state, PAUSE);
                }
            }
            None if !client.has_undecided() => CHANGED.wait(&mut state),
            None => {}
        }
    }
}
