//! A lane as a task sees it: receiving and sending wait without a thread.

use super::Runtime;
use super::scheduler::{NAPPING, SLEEPING};
use atomic_waker::AtomicWaker;
use rustix::event::epoll::EventFlags;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use vamos_channel::{LaneError, LaneWatch, Mode, Received, ServerLane, Wants};

/// The task waits for a message.
const INPUT: u8 = 1;
/// The task waits for room.
const SPACE: u8 = 2;
/// A stream is open: see "Timed sleeps" in [`super::leader`].
const STREAMS: u8 = 4;

/// Bounds of a timed sleep.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// After so long without progress a lane with an open stream asks for doorbells
/// as any other.
const STREAM_PATIENCE: Duration = Duration::from_secs(1);

/// Whether a lane's task can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    Waiting,
}

/// What the leader knows of a lane.
#[derive(Debug)]
pub(super) struct LaneSlot {
    pub(super) key: u64,
    pub(super) watch: LaneWatch,
    /// Whether the messages are in the window, where looking is cheap; in a
    /// stream the kernel reports them.
    pub(super) in_window: bool,
    wants: AtomicU8,
    waker: AtomicWaker,
    announced: AtomicBool,
    /// The kernel reports room in the socket.
    room_reported: AtomicBool,
    /// The guest has hung up.
    closed: AtomicBool,
    born: Instant,
    /// When something was last found here, in microseconds after `born`.
    active_us: AtomicU64,
}

impl LaneSlot {
    fn wants(bits: u8) -> Wants {
        Wants {
            input: bits & INPUT != 0,
            space: bits & SPACE != 0,
        }
    }

    fn since_birth_us(&self, now: Instant) -> u64 {
        let time = now.saturating_duration_since(self.born);
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    }

    /// Looks at the window; the waker, if the task can go on.
    pub(super) fn look(&self, now: Instant) -> Option<Waker> {
        let bits = self.wants.load(Ordering::Acquire);
        if bits == 0 || !self.in_window {
            return None;
        }
        let wants = Self::wants(bits);
        let found = (wants.input && self.watch.has_input()) || (wants.space && self.watch.has_space());
        if !found {
            return None;
        }
        self.active_us.store(self.since_birth_us(now), Ordering::Relaxed);
        self.take_waker()
    }

    pub(super) fn take_waker(&self) -> Option<Waker> {
        self.wants.store(0, Ordering::Release);
        self.waker.take()
    }

    /// The kernel reports something on the lane's socket.
    pub(super) fn on_event(&self, flags: EventFlags) -> Option<Waker> {
        let hung_up = flags.intersects(EventFlags::HUP | EventFlags::RDHUP | EventFlags::ERR);
        if self.watch.drain_doorbells().is_err() || hung_up {
            self.closed.store(true, Ordering::SeqCst);
            return self.take_waker();
        }
        if self.in_window {
            // A doorbell: what it announces is found by looking.
            return self.look(Instant::now());
        }
        self.take_waker()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Asks for a doorbell, if the lane's task waits for the guest; or returns
    /// after how long the leader should look again instead.
    pub(super) fn announce_sleep(&self, now: Instant) -> Option<Duration> {
        let bits = self.wants.load(Ordering::SeqCst);
        if bits == 0 || !self.in_window {
            return None;
        }
        if bits & STREAMS != 0 {
            let active = Duration::from_micros(self.active_us.load(Ordering::Relaxed));
            let quiet = now.saturating_duration_since(self.born + active);
            if quiet < STREAM_PATIENCE {
                return Some(quiet.clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
            }
        }
        self.announced.store(true, Ordering::SeqCst);
        self.watch.announce_sleep(Self::wants(bits));
        None
    }

    /// The second look, after the announcements.
    pub(super) fn readiness(&self) -> Readiness {
        let bits = self.wants.load(Ordering::SeqCst);
        if bits != 0 && self.in_window && self.watch.is_ready(Self::wants(bits)) {
            Readiness::Ready
        } else {
            Readiness::Waiting
        }
    }

    pub(super) fn end_sleep(&self) {
        if self.announced.swap(false, Ordering::SeqCst) {
            self.watch.sleep_end();
        }
    }
}

/// Why a lane gives no more messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneEnd {
    /// The guest hung up or broke the rules of the channel.
    #[error(transparent)]
    Lane(#[from] LaneError),
    /// The worker is going down.
    #[error("the worker is going down")]
    Shutdown,
}

/// A lane that its task owns. Dropping it closes the lane.
#[derive(Debug)]
pub struct Lane {
    lane: ServerLane,
    slot: Arc<LaneSlot>,
    runtime: Runtime,
    streams: bool,
}

impl Lane {
    /// Puts a lane under the care of a runtime.
    ///
    /// # Errors
    /// epoll does not take its socket.
    pub fn new(runtime: &Runtime, lane: ServerLane) -> std::io::Result<Self> {
        let reactor = &runtime.scheduler.reactor;
        let slot = Arc::new(LaneSlot {
            key: reactor.new_key(),
            watch: lane.watch(),
            in_window: lane.mode() == Mode::Window,
            wants: AtomicU8::new(0),
            waker: AtomicWaker::new(),
            announced: AtomicBool::new(false),
            room_reported: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            born: Instant::now(),
            active_us: AtomicU64::new(0),
        });
        let lane = Self {
            lane,
            slot,
            runtime: runtime.clone(),
            streams: false,
        };
        reactor.add_lane(&lane.slot)?;
        Ok(lane)
    }

    /// Says whether streams are open: then the runtime need not ask for a
    /// doorbell at once when the lane falls silent.
    pub fn set_streams(&mut self, open: bool) {
        self.streams = open;
    }

    /// The next message; its body replaces what is in `body`.
    ///
    /// # Errors
    /// [`LaneEnd`] if there will be none.
    pub fn poll_recv(
        &mut self,
        context: &mut Context<'_>,
        body: &mut Vec<u8>,
    ) -> Poll<Result<Received, LaneEnd>> {
        if self.runtime.is_shutting_down() {
            return Poll::Ready(Err(LaneEnd::Shutdown));
        }
        // First registered, then looked: what the kernel reports in between
        // finds the waker.
        self.slot.waker.register(context.waker());
        let sent = self.pump()?;
        if let Some(received) = self.try_recv(body)? {
            return Poll::Ready(Ok(received));
        }
        if !self.slot.in_window && self.lane.has_input() {
            // One call reads only so much, and the kernel reports it only once.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.park(if sent { INPUT } else { INPUT | SPACE })
    }

    /// The next message, if it is there.
    ///
    /// # Errors
    /// [`LaneEnd`] if there will be none.
    pub fn try_recv(&mut self, body: &mut Vec<u8>) -> Result<Option<Received>, LaneEnd> {
        let received = self.lane.try_recv(body)?;
        if received.is_none() && self.slot.in_window && self.is_closed() && !self.lane.has_input() {
            return Err(LaneError::Closed.into());
        }
        Ok(received)
    }

    /// Completes only when there will be no more messages.
    pub fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<LaneEnd> {
        self.slot.waker.register(context.waker());
        if self.runtime.is_shutting_down() {
            Poll::Ready(LaneEnd::Shutdown)
        } else if self.is_closed() {
            Poll::Ready(LaneError::Closed.into())
        } else {
            Poll::Pending
        }
    }

    /// Completes when there is a message, or room for what waits to be sent.
    ///
    /// # Errors
    /// [`LaneEnd`] if there will be neither.
    pub async fn changed(&mut self) -> Result<(), LaneEnd> {
        let mut parked = false;
        poll_fn(|context| {
            if self.runtime.is_shutting_down() {
                return Poll::Ready(Err(LaneEnd::Shutdown));
            }
            if parked {
                return Poll::Ready(Ok(()));
            }
            self.slot.waker.register(context.waker());
            parked = true;
            let sent = self.pump()?;
            if self.lane.has_input() || self.is_closed() {
                return Poll::Ready(Ok(()));
            }
            self.park(if sent { INPUT } else { INPUT | SPACE })
        })
        .await
    }

    /// Says what is waited for; the waker is registered.
    fn park<T>(&self, wants: u8) -> Poll<Result<T, LaneEnd>> {
        if self.runtime.is_shutting_down() {
            return Poll::Ready(Err(LaneEnd::Shutdown));
        }
        if self.is_closed() && self.slot.in_window {
            return Poll::Ready(Err(LaneError::Closed.into()));
        }
        let bits = wants | if self.streams { STREAMS } else { 0 };
        self.slot.wants.store(bits, Ordering::SeqCst);
        let room = wants & SPACE != 0;
        if !self.slot.in_window && self.slot.room_reported.swap(room, Ordering::Relaxed) != room {
            self.runtime.scheduler.reactor.report_room(&self.slot, room);
        }
        // SYNC POINT: with the leader's announcement, which comes after it has
        // said that it sleeps. A leader that sleeps already has not seen this
        // lane waiting, so that the lane asks for its doorbell itself.
        let scheduler = &self.runtime.scheduler;
        match scheduler.role() {
            SLEEPING | NAPPING if !self.slot.in_window => {}
            // A nap is soon over; from a longer sleep the leader comes back to nap.
            NAPPING => {}
            SLEEPING if scheduler.traffic.nap(Instant::now()).is_some() => scheduler.wake_leader(),
            SLEEPING => {
                self.slot.announced.store(true, Ordering::SeqCst);
                if self.slot.watch.sleep_begin(LaneSlot::wants(bits)) {
                    scheduler.wake_leader();
                }
            }
            _ => {}
        }
        Poll::Pending
    }

    /// Whether the guest has hung up. There may still be messages from before.
    pub fn is_closed(&self) -> bool {
        self.slot.is_closed()
    }

    /// Puts a message on its way, and the guest's doorbell is rung if it sleeps.
    /// Waits while too much is waiting to be sent.
    ///
    /// # Errors
    /// [`LaneEnd`] if it cannot be sent.
    pub async fn send(&mut self, opcode: u16, tag: u32, body: &[u8]) -> Result<(), LaneEnd> {
        loop {
            match self.lane.try_send(opcode, tag, body) {
                Ok(()) => return Ok(self.lane.flush()?),
                Err(LaneError::OutboxFull { .. }) => self.space().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Completes when some of what waited has been sent.
    async fn space(&mut self) -> Result<(), LaneEnd> {
        let before = self.lane.outbox_bytes();
        poll_fn(|context| {
            self.slot.waker.register(context.waker());
            self.lane.pump()?;
            if self.lane.outbox_bytes() < before {
                return Poll::Ready(Ok(()));
            }
            self.lane.flush()?;
            if self.is_closed() {
                return Poll::Ready(Err(LaneError::Closed.into()));
            }
            self.park(SPACE)
        })
        .await
    }

    /// Moves on what waits to be sent; says whether all of it is gone.
    ///
    /// # Errors
    /// [`LaneEnd`] if the lane is at its end.
    pub fn pump(&mut self) -> Result<bool, LaneEnd> {
        if self.lane.outbox_is_empty() {
            return Ok(true);
        }
        let empty = self.lane.pump()?;
        self.lane.flush()?;
        Ok(empty)
    }

    /// The lane's number.
    pub fn index(&self) -> u32 {
        self.lane.index()
    }

    /// How often the guest had to be woken so far.
    pub fn doorbells_rung(&self) -> u64 {
        self.lane.counters().doorbells_rung
    }

    /// A handle by which its counters can be read while its task owns it. The
    /// guest's socket closes only when the handle is gone too.
    pub fn watch(&self) -> LaneWatch {
        self.slot.watch.clone()
    }

    /// How messages travel, and why in the stream if a window was wanted.
    pub fn mode(&self) -> (Mode, Option<&str>) {
        (self.lane.mode(), self.lane.fallback_reason())
    }

    /// The runtime that cares for it.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.runtime.scheduler.reactor.remove_lane(&self.slot);
    }
}
