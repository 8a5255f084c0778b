//! What the leader watches: lanes, sockets, timers, and the wake-up descriptor.

use super::RuntimeCounters;
use super::lane::LaneSlot;
use super::source::SourceState;
use super::timer::{Sleep, Timers};
use super::wake::WakeFd;
use parking_lot::Mutex;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};
use vamos_channel::LaneCounters;

/// The key under which the wake-up descriptor reports.
const WAKE_KEY: u64 = 0;

/// Events taken from the kernel at a time.
const EVENTS: usize = 64;

/// A source of events.
#[derive(Clone, Debug)]
enum Entry {
    Lane(Arc<LaneSlot>),
    Source(Arc<SourceState>),
}

#[derive(Debug)]
pub(super) struct Reactor {
    epoll: OwnedFd,
    wake_fd: WakeFd,
    entries: Mutex<HashMap<u64, Entry>>,
    /// The lanes again, in a row, for polling. Not held while the leader sleeps,
    /// since a lane is closed only when its last handle is gone.
    lanes: Mutex<Vec<Arc<LaneSlot>>>,
    next_key: AtomicU64,
    pub(super) timers: Timers,
    shut_down: AtomicBool,
    pub(super) sleeps: AtomicU64,
    pub(super) timed_sleeps: AtomicU64,
    pub(super) poll_nanos: AtomicU64,
}

impl Reactor {
    pub(super) fn new() -> std::io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let wake_fd = WakeFd::new()?;
        epoll::add(&epoll, &wake_fd, EventData::new_u64(WAKE_KEY), EventFlags::IN)?;
        Ok(Self {
            epoll,
            wake_fd,
            entries: Mutex::default(),
            lanes: Mutex::default(),
            next_key: AtomicU64::new(WAKE_KEY + 1),
            timers: Timers::default(),
            shut_down: AtomicBool::new(false),
            sleeps: AtomicU64::new(0),
            timed_sleeps: AtomicU64::new(0),
            poll_nanos: AtomicU64::new(0),
        })
    }

    pub(super) fn new_key(&self) -> u64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn add_lane(&self, lane: &Arc<LaneSlot>) -> std::io::Result<()> {
        self.entries.lock().insert(lane.key, Entry::Lane(lane.clone()));
        self.lanes.lock().push(lane.clone());
        let data = EventData::new_u64(lane.key);
        epoll::add(&self.epoll, &lane.watch, data, lane_flags(lane.in_window, false))?;
        Ok(())
    }

    /// Has the kernel report room in the socket of a lane without a window, or
    /// not: a reader makes room with each message that it takes, and that is
    /// worth a wake-up only to a task that waits for it. Room that is there
    /// already is reported too.
    pub(super) fn report_room(&self, lane: &LaneSlot, wanted: bool) {
        let data = EventData::new_u64(lane.key);
        // Fails only if the guest has hung up and the socket is not watched any
        // more; the task hears of that by itself.
        let _ = epoll::modify(&self.epoll, &lane.watch, data, lane_flags(lane.in_window, wanted));
    }

    pub(super) fn remove_lane(&self, lane: &LaneSlot) {
        // Fails only if it was never added.
        let _ = epoll::delete(&self.epoll, &lane.watch);
        self.lanes.lock().retain(|other| other.key != lane.key);
        self.entries.lock().remove(&lane.key);
    }

    pub(super) fn add_source(&self, source: &Arc<SourceState>) -> std::io::Result<()> {
        self.entries
            .lock()
            .insert(source.key, Entry::Source(source.clone()));
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(
            &self.epoll,
            source.fd.as_fd(),
            EventData::new_u64(source.key),
            flags,
        )?;
        Ok(())
    }

    pub(super) fn remove_source(&self, source: &SourceState) {
        let _ = epoll::delete(&self.epoll, source.fd.as_fd());
        self.entries.lock().remove(&source.key);
    }

    pub(super) fn with_lanes<T>(&self, look: impl FnOnce(&[Arc<LaneSlot>]) -> T) -> T {
        look(&self.lanes.lock())
    }

    /// The number of open lanes, and what they have done together.
    pub(super) fn lane_counters(&self) -> (u64, LaneCounters) {
        self.with_lanes(|lanes| {
            let mut sum = LaneCounters::default();
            lanes.iter().for_each(|lane| sum.add(&lane.watch.counters()));
            (lanes.len() as u64, sum)
        })
    }

    pub(super) fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        Sleep::new(self, deadline)
    }

    /// Brings the leader out of the kernel.
    pub(super) fn wake(&self) {
        self.wake_fd.set();
    }

    /// Takes what the kernel has to report, after at most `timeout` (none: as
    /// long as it takes), and collects the wakers of those concerned.
    pub(super) fn wait(&self, timeout: Option<Duration>, wakers: &mut Vec<Waker>) {
        let timeout = timeout.and_then(|timeout| timeout.try_into().ok());
        let mut events = [epoll::Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        }; EVENTS];
        // Fails only when a signal interrupts it; the caller looks again anyway.
        let count = epoll::wait(&self.epoll, &mut events[..], timeout.as_ref()).unwrap_or(0);
        for event in events.iter().take(count) {
            let key = event.data.u64();
            if key == WAKE_KEY {
                self.wake_fd.clear();
                continue;
            }
            let entry = self.entries.lock().get(&key).cloned();
            match entry {
                Some(Entry::Lane(lane)) => {
                    wakers.extend(lane.on_event(event.flags));
                    if lane.is_closed() {
                        // It would be reported until its task has closed it.
                        let _ = epoll::delete(&self.epoll, &lane.watch);
                    }
                }
                Some(Entry::Source(source)) => wakers.extend(source.on_event()),
                None => {}
            }
        }
    }

    pub(super) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::SeqCst);
        let entries: Vec<Entry> = self.entries.lock().values().cloned().collect();
        for entry in entries {
            let waker = match entry {
                Entry::Lane(lane) => lane.take_waker(),
                Entry::Source(source) => source.on_event(),
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }

    pub(super) fn counters(&self) -> RuntimeCounters {
        RuntimeCounters {
            sleeps: self.sleeps.load(Ordering::Relaxed),
            timed_sleeps: self.timed_sleeps.load(Ordering::Relaxed),
            poll_us: self.poll_nanos.load(Ordering::Relaxed) / 1000,
            ..RuntimeCounters::default()
        }
    }
}

/// What the kernel is to report of a lane's socket.
fn lane_flags(in_window: bool, room: bool) -> EventFlags {
    if in_window {
        // Doorbells: reported again and again until all are taken, of which one
        // look takes only so many.
        return EventFlags::IN | EventFlags::RDHUP;
    }
    // Messages travel in the socket: its task reads and writes until the kernel
    // has no more, and hears of the next change.
    let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
    if room { flags | EventFlags::OUT } else { flags }
}
