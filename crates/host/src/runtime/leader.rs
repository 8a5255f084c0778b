//! The leader: polls the lanes, then sleeps for all.
//!
//! While it polls, the guest's messages cost no switch: the leader sees the
//! counters in the window move. Before it sleeps it asks every lane's guest for
//! a doorbell and looks once more; a message that came in between is seen here,
//! and one that comes later finds the wish and rings.
//!
//! **Timed sleeps.** A guest that reads a long scan takes rows, returns credit
//! and takes rows again. If the host asked for a doorbell whenever it has run
//! out of credit or ring space, the number of switches would grow with the
//! number of rows. Lanes with an open stream are therefore watched without a
//! doorbell for a while: the leader sleeps for about as long as nothing has
//! happened there, from 0.2 ms up to 20 ms, and looks again. After a second
//! without progress the lane is treated as any other. What this costs: a request
//! on such a lane may wait, once, for about as long as the lane was quiet before
//! it, and never more than 20 ms.
//!
//! **Naps.** All lanes of a virtual machine are watched so while it is busy: where a
//! doorbell leaves the machine, guest and host pay more for it than for some looks by the
//! clock ([`super::traffic`]).
//!
//! **The sweep.** What needs no answer (the end of a transaction that only read)
//! a guest may put into the ring without a doorbell, so as not to pay a switch
//! for it. As long as lanes are open the leader therefore looks at them once a
//! second, whatever happens, so that no snapshot is held for long.

use super::budget::Budget;
use super::lane::Readiness;
use super::scheduler::Scheduler;
use super::traffic::LONGEST_NAP;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};
use vamos_channel::LaneWatch;

/// Looks at the lanes between two questions to the kernel.
const LOOKS_PER_KERNEL_CALL: u32 = 64;
/// Looks before the thread first offers its processor to others.
const LOOKS_BEFORE_YIELD: u32 = 32;

/// How often a sleeping leader looks at open lanes that rang no doorbell.
const SWEEP: Duration = Duration::from_secs(1);

/// What leading needs; whoever holds its lock is the leader.
#[derive(Debug)]
pub(super) struct Leader {
    budget: Budget,
    wakers: Vec<Waker>,
    looks: u32,
    /// On one or two processors the guest's own threads wait for the one that
    /// polling takes: offer it at each look.
    few_processors: bool,
}

/// How the leader may sleep.
enum Plan {
    /// It may not: there is something to do.
    Stay,
    /// At most so long; none: until something happens.
    Sleep(Option<Duration>),
}

impl Leader {
    pub(super) fn new(poll_budget: Duration) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            budget: Budget::new(poll_budget),
            wakers: Vec::new(),
            looks: 0,
            few_processors: processors <= 2,
        }
    }

    /// Returns when there are tasks in the queue, or the runtime ends.
    pub(super) fn wait_for_tasks(&mut self, scheduler: &Scheduler) {
        let mut poll = true;
        let mut asleep = Duration::ZERO;
        while !scheduler.exits() {
            if scheduler.has_tasks() || self.poll(scheduler, poll) {
                break;
            }
            let (slept, timed_out) = self.sleep(scheduler);
            asleep += slept.unwrap_or_default();
            // If only its time was up: look once, and sleep again if there is nothing.
            poll = !timed_out;
        }
        if !asleep.is_zero() {
            self.budget.slept(asleep);
        }
    }

    /// Looks once at everything, without waiting.
    pub(super) fn look(&mut self, scheduler: &Scheduler) {
        let now = Instant::now();
        let reactor = &scheduler.reactor;
        self.looks = self.looks.wrapping_add(1);
        let before = self.wakers.len();
        reactor.with_lanes(|lanes| {
            for lane in lanes {
                self.wakers.extend(lane.look(now));
            }
        });
        if self.wakers.len() > before {
            scheduler.traffic.found(now);
        }
        if self.looks.is_multiple_of(LOOKS_PER_KERNEL_CALL) {
            reactor.timers.take_due(now, &mut self.wakers);
            reactor.wait(Some(Duration::ZERO), &mut self.wakers);
        }
        self.wake_found();
    }

    fn wake_found(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }

    /// Looks again and again for the budget's time, or only once; says whether
    /// tasks were found.
    fn poll(&mut self, scheduler: &Scheduler, repeat: bool) -> bool {
        let begin = Instant::now();
        let mut looks = 0;
        let found = loop {
            self.look(scheduler);
            if scheduler.has_tasks() || scheduler.exits() {
                break true;
            }
            if !repeat || begin.elapsed() >= self.budget.current() {
                break false;
            }
            looks += 1;
            if looks >= LOOKS_BEFORE_YIELD && (self.few_processors || looks % LOOKS_BEFORE_YIELD == 0) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        };
        let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        scheduler.reactor.poll_nanos.fetch_add(nanos, Ordering::Relaxed);
        found
    }

    /// Sleeps until something happens. Returns how long, if it slept, and
    /// whether only its time was up.
    fn sleep(&mut self, scheduler: &Scheduler) -> (Option<Duration>, bool) {
        if !scheduler.fall_asleep() {
            return (None, false);
        }
        let reactor = &scheduler.reactor;
        let plan = match scheduler.traffic.nap(Instant::now()) {
            Some(nap) => Plan::Sleep(Some(self.until_timer(scheduler, nap))),
            None => self.announce(scheduler),
        };
        let mut outcome = (None, false);
        if let Plan::Sleep(timeout) = plan {
            if timeout.is_some_and(|timeout| timeout <= LONGEST_NAP) {
                scheduler.nap();
            }
            reactor.sleeps.fetch_add(1, Ordering::Relaxed);
            let begin = Instant::now();
            reactor.wait(timeout, &mut self.wakers);
            let slept = begin.elapsed();
            if !self.wakers.is_empty() {
                scheduler.traffic.found(begin + slept);
            }
            let timed_out = self.wakers.is_empty() && timeout.is_some_and(|timeout| slept >= timeout);
            if timed_out {
                reactor.timed_sleeps.fetch_add(1, Ordering::Relaxed);
            }
            outcome = (Some(slept), timed_out);
        }
        scheduler.awake();
        reactor.with_lanes(|lanes| lanes.iter().for_each(|lane| lane.end_sleep()));
        reactor.timers.take_due(Instant::now(), &mut self.wakers);
        self.wake_found();
        outcome
    }

    /// A nap, or less if a timer is due before its end.
    fn until_timer(&self, scheduler: &Scheduler, nap: Duration) -> Duration {
        let due = scheduler.reactor.timers.next();
        due.map_or(nap, |at| nap.min(at.saturating_duration_since(Instant::now())))
    }

    /// Asks all lanes' guests for a doorbell, and looks whether there is
    /// something to do already.
    fn announce(&self, scheduler: &Scheduler) -> Plan {
        let now = Instant::now();
        let mut pause: Option<Duration> = None;
        let ready = scheduler.reactor.with_lanes(|lanes| {
            for lane in lanes {
                if let Some(quiet) = lane.announce_sleep(now) {
                    pause = Some(pause.map_or(quiet, |pause| pause.min(quiet)));
                }
            }
            if !lanes.is_empty() {
                pause = Some(pause.map_or(SWEEP, |pause| pause.min(SWEEP)));
            }
            LaneWatch::sleep_fence();
            lanes.iter().any(|lane| lane.readiness() == Readiness::Ready)
        });
        if ready {
            return Plan::Stay;
        }
        let timer = scheduler
            .reactor
            .timers
            .next()
            .map(|at| at.saturating_duration_since(now));
        Plan::Sleep(match (pause, timer) {
            (Some(pause), Some(timer)) => Some(pause.min(timer)),
            (pause, timer) => pause.or(timer),
        })
    }
}
