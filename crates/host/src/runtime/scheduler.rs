//! The queue of tasks that can go on, and who serves it.
//!
//! Three roles: a thread *runs* tasks, or it *leads* (polls and sleeps for all,
//! see [`super::leader`]), or it *follows* (waits until there is more to do than
//! the others take). Waking a follower costs more than most tasks take, so that
//! it happens only when a task would otherwise wait behind another one.
//!
//! A leader that runs what it found leaves the lanes unwatched meanwhile. For
//! most tasks that is a matter of microseconds; for a long one (a read that goes
//! to the disk) a follower must take over. One follower therefore looks after
//! the lead at a slow beat for as long as there is traffic, and rests when there
//! is none.

use super::blocked;
use super::leader::Leader;
use super::reactor::Reactor;
use super::traffic::Traffic;
use super::{RuntimeCounters, RuntimeOptions};
use async_task::{Runnable, ScheduleInfo, WithInfo};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Nobody watches the lanes: whoever could is running a task.
pub(super) const VACANT: u8 = 0;
/// The leader is awake and will see what is queued.
pub(super) const POLLING: u8 = 1;
/// The leader sleeps in the kernel; the event descriptor wakes it.
pub(super) const SLEEPING: u8 = 2;
/// It sleeps for no longer than a nap of a busy guest, and looks at all lanes then.
pub(super) const NAPPING: u8 = 3;

/// How often a running thread looks at the lanes although the queue is not empty.
const RUNS_BETWEEN_LOOKS: u32 = 16;
/// The beat at which a follower looks after the lead.
const BEAT: Duration = Duration::from_millis(1);
/// After so many beats without traffic it rests.
const QUIET_BEATS: u32 = 20;

pub(super) struct Scheduler {
    pub(super) options: RuntimeOptions,
    pub(super) reactor: Reactor,
    pub(super) traffic: Traffic,
    queue: Mutex<VecDeque<Runnable>>,
    /// The queue's length, for those who look without the lock.
    queued: AtomicUsize,
    followers: Condvar,
    /// Threads that wait in `followers`.
    following: AtomicUsize,
    leader: Mutex<Leader>,
    role: AtomicU8,
    /// Counts the times that a leader left to run a task.
    departures: AtomicU64,
    /// Threads that wait for the disk in the midst of a task.
    blocked: AtomicUsize,
    /// A follower looks after the lead.
    guarded: AtomicBool,
    exit: AtomicBool,
    pub(super) tasks: AtomicU64,
    runs: AtomicU64,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("options", &self.options)
            .field("queued", &self.queued)
            .finish_non_exhaustive()
    }
}

impl Scheduler {
    pub(super) fn new(options: RuntimeOptions) -> std::io::Result<Self> {
        Ok(Self {
            options,
            reactor: Reactor::new()?,
            traffic: Traffic::new(options.naps),
            queue: Mutex::default(),
            queued: AtomicUsize::new(0),
            followers: Condvar::new(),
            following: AtomicUsize::new(0),
            blocked: AtomicUsize::new(0),
            leader: Mutex::new(Leader::new(options.poll_budget)),
            role: AtomicU8::new(VACANT),
            departures: AtomicU64::new(0),
            guarded: AtomicBool::new(false),
            exit: AtomicBool::new(false),
            tasks: AtomicU64::new(0),
            runs: AtomicU64::new(0),
        })
    }

    pub(super) fn spawn(self: &Arc<Self>, future: impl Future<Output = ()> + Send + 'static) {
        let counted = Counted::new(self.clone());
        let future = async move {
            let _counted = counted;
            future.await;
        };
        let scheduler = self.clone();
        let schedule = move |runnable, info: ScheduleInfo| scheduler.schedule(runnable, &info);
        let (runnable, task) = async_task::spawn(future, WithInfo(schedule));
        task.detach();
        runnable.schedule();
    }

    fn schedule(&self, runnable: Runnable, info: &ScheduleInfo) {
        self.queue.lock().push_back(runnable);
        // SYNC POINT: with `fall_asleep`. Either the leader sees the task here,
        // or we see that it sleeps.
        let before = self.queued.fetch_add(1, Ordering::SeqCst);
        match self.role.load(Ordering::SeqCst) {
            SLEEPING | NAPPING => self.wake_leader(),
            POLLING => {}
            // A task that wakes itself is next in this thread's own turn, and
            // so is the first one that a task wakes.
            _ if info.woken_while_running => {}
            _ if blocked::serves() && before == 0 => {}
            _ => self.wake_follower(),
        }
    }

    /// Brings a leader that sleeps back.
    pub(super) fn wake_leader(&self) {
        let asleep = |role| matches!(role, SLEEPING | NAPPING).then_some(POLLING);
        let woken = self.role.fetch_update(Ordering::SeqCst, Ordering::SeqCst, asleep);
        if woken.is_ok() {
            self.reactor.wake();
        }
    }

    /// Wakes a thread, unless as many are awake as may serve at once.
    fn wake_follower(&self) {
        let following = self.following.load(Ordering::SeqCst);
        let waiting = following + self.blocked.load(Ordering::SeqCst);
        let serving = self.options.all_threads().saturating_sub(waiting);
        if following > 0 && serving < self.options.threads {
            // The lock makes sure that a follower who saw an empty queue waits
            // already and hears this.
            drop(self.queue.lock());
            self.followers.notify_one();
        }
    }

    fn take(&self) -> Option<Runnable> {
        if self.queued.load(Ordering::Acquire) == 0 {
            return None;
        }
        let runnable = self.queue.lock().pop_front()?;
        self.queued.fetch_sub(1, Ordering::SeqCst);
        Some(runnable)
    }

    pub(super) fn has_tasks(&self) -> bool {
        self.queued.load(Ordering::Acquire) > 0
    }

    /// The calling thread will wait for the disk, in the midst of a task: somebody else
    /// must look after the lanes.
    pub(super) fn begin_block(&self) {
        self.blocked.fetch_add(1, Ordering::SeqCst);
        if self.role.load(Ordering::SeqCst) == VACANT {
            self.wake_follower();
        }
    }

    pub(super) fn end_block(&self) {
        self.blocked.fetch_sub(1, Ordering::SeqCst);
    }

    /// A serving thread's life.
    pub(super) fn serve(self: &Arc<Self>) {
        blocked::begin_serving(self);
        let mut runs = 0_u32;
        while !self.exit.load(Ordering::Acquire) {
            if let Some(runnable) = self.take() {
                runnable.run();
                blocked::end_task(self);
                self.runs.fetch_add(1, Ordering::Relaxed);
                runs = runs.wrapping_add(1);
                if runs.is_multiple_of(RUNS_BETWEEN_LOOKS) {
                    self.look();
                }
            } else if let Some(mut leader) = self.leader.try_lock() {
                self.lead(&mut leader);
            } else {
                self.follow();
            }
        }
    }

    /// Looks once at the lanes, so that a full queue does not hide them.
    fn look(&self) {
        if let Some(mut leader) = self.leader.try_lock() {
            leader.look(self);
        }
    }

    fn lead(&self, leader: &mut MutexGuard<'_, Leader>) {
        self.role.store(POLLING, Ordering::SeqCst);
        leader.wait_for_tasks(self);
        self.role.store(VACANT, Ordering::SeqCst);
        self.departures.fetch_add(1, Ordering::SeqCst);
        // A second task would wait for the first one; and somebody must look
        // after the lead while this thread runs the task.
        if self.queued.load(Ordering::SeqCst) > 1 || !self.guarded.load(Ordering::SeqCst) {
            self.wake_follower();
        }
    }

    /// Says that the leader sleeps from now on; false: there are tasks, or the
    /// end has come.
    pub(super) fn fall_asleep(&self) -> bool {
        self.role.store(SLEEPING, Ordering::SeqCst);
        // SYNC POINT: with `schedule`, `exit`.
        if self.queued.load(Ordering::SeqCst) == 0 && !self.exits() {
            return true;
        }
        self.role.store(POLLING, Ordering::SeqCst);
        false
    }

    /// The sleep that has begun is a nap, unless it was ended already.
    pub(super) fn nap(&self) {
        let _ = self
            .role
            .compare_exchange(SLEEPING, NAPPING, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub(super) fn role(&self) -> u8 {
        self.role.load(Ordering::SeqCst)
    }

    pub(super) fn awake(&self) {
        self.role.store(POLLING, Ordering::SeqCst);
    }

    /// Waits until there is something to run or to lead.
    fn follow(&self) {
        if self.guarded.swap(true, Ordering::SeqCst) {
            self.wait(None);
            return;
        }
        let quiet = self.guard();
        // The next leader that leaves sees that nobody guards, and wakes one.
        self.guarded.store(false, Ordering::SeqCst);
        if quiet {
            self.wait(None);
        }
    }

    /// Looks after the lead, beat by beat, until there is something to do for
    /// this thread (false) or there was no traffic for long (true).
    fn guard(&self) -> bool {
        let mut quiet = 0;
        let mut departures = self.departures.load(Ordering::SeqCst);
        while quiet < QUIET_BEATS {
            self.wait(Some(BEAT));
            let now = self.departures.load(Ordering::SeqCst);
            let abandoned = self.role() == VACANT && now == departures;
            if abandoned || self.has_tasks() || self.exits() {
                return false;
            }
            quiet = if now == departures { quiet + 1 } else { 0 };
            departures = now;
        }
        true
    }

    fn wait(&self, limit: Option<Duration>) {
        self.following.fetch_add(1, Ordering::SeqCst);
        let mut queue = self.queue.lock();
        if queue.is_empty() && !self.exits() {
            match limit {
                Some(limit) => drop(self.followers.wait_for(&mut queue, limit)),
                None => self.followers.wait(&mut queue),
            }
        }
        drop(queue);
        self.following.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn exits(&self) -> bool {
        self.exit.load(Ordering::SeqCst)
    }

    /// Ends the serving threads.
    pub(super) fn exit(&self) {
        self.exit.store(true, Ordering::SeqCst);
        drop(self.queue.lock());
        self.followers.notify_all();
        self.role.store(POLLING, Ordering::SeqCst);
        self.reactor.wake();
    }

    pub(super) fn counters(&self) -> RuntimeCounters {
        RuntimeCounters {
            task_runs: self.runs.load(Ordering::Relaxed),
            tasks: self.tasks.load(Ordering::Relaxed),
            ..self.reactor.counters()
        }
    }
}

/// Counts a task for as long as it exists.
struct Counted(Arc<Scheduler>);

impl Counted {
    fn new(scheduler: Arc<Scheduler>) -> Self {
        scheduler.tasks.fetch_add(1, Ordering::AcqRel);
        Self(scheduler)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::AcqRel);
    }
}
