//! What a worker serves: it accepts connections, opens lanes and runs a module's
//! session on each.

use crate::config::Guest;
use crate::module::Registry;
use crate::runtime::{Lane, Runtime, Source};
use crate::status::{LaneStatus, ModuleStatus, Traffic};
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use vamos_channel::{
    Admission, Handshake, Hello, LaneAllocator, LaneCounters, Listener, Peer, Pending, Policy, Refusal,
    RefusalCode, ServerLane,
};

/// Handshakes under way at once; further connections wait in the kernel.
const MOST_PENDING: usize = 128;

/// How long to wait after a connection could not be accepted, for instance
/// because descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Decides who gets a lane: by who they are, then by module and token.
#[derive(Debug)]
pub struct Doorkeeper {
    admission: Admission,
    allowed_uids: Vec<u32>,
    allowed_cids: Vec<u32>,
}

impl Doorkeeper {
    /// Lets in whom `admission` admits: of those that come over a Unix socket
    /// the users that the guest's section names, of those over vsock the
    /// machines; all, where it names none.
    pub fn new(admission: Admission, guest: &Guest) -> Self {
        Self {
            admission,
            allowed_uids: guest.allowed_uids.clone(),
            allowed_cids: guest.allowed_cids.clone(),
        }
    }

    fn is_welcome(&self, peer: &Peer) -> Result<(), String> {
        let (who, number, allowed, key) = match peer {
            Peer::Unix(peer) => ("user", peer.uid, &self.allowed_uids, "allowed_uids"),
            Peer::Vsock { cid, .. } => ("machine", *cid, &self.allowed_cids, "allowed_cids"),
        };
        if allowed.is_empty() || allowed.contains(&number) {
            return Ok(());
        }
        Err(format!(
            "{who} {number} may not connect; the host's configuration has others in {key}"
        ))
    }
}

impl Policy for Doorkeeper {
    fn admit(&self, hello: &Hello, peer: &Peer) -> Result<(), Refusal> {
        self.is_welcome(peer)
            .map_err(|message| Refusal::new(RefusalCode::NotAllowed, message))?;
        self.admission.admit(hello, peer)
    }
}

/// Accepts connections and serves them.
#[derive(Debug)]
pub struct Service {
    runtime: Runtime,
    listener: Listener,
    lanes: LaneAllocator,
    most_lanes: u32,
    doorkeeper: Doorkeeper,
    modules: Registry,
    pending: AtomicUsize,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    /// What lanes did that are closed.
    closed: Mutex<LaneCounters>,
}

impl Service {
    /// A service on this listener.
    pub fn new(
        runtime: Runtime,
        listener: Listener,
        lanes: LaneAllocator,
        most_lanes: u32,
        doorkeeper: Doorkeeper,
        modules: Registry,
    ) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            listener,
            lanes,
            most_lanes,
            doorkeeper,
            modules,
            pending: AtomicUsize::new(0),
            counters: Counters::default(),
        })
    }

    /// Accepts from now on, until the runtime shuts down.
    ///
    /// # Errors
    /// The listener cannot be watched.
    pub fn start(self: &Arc<Self>) -> std::io::Result<()> {
        use std::os::fd::AsFd;
        let arrivals = Source::new(&self.runtime, self.listener.as_fd())?;
        let service = self.clone();
        self.runtime
            .spawn(async move { service.accept_all(arrivals).await });
        Ok(())
    }

    /// The lanes and what went over them.
    pub fn lanes(&self) -> (LaneStatus, Traffic) {
        let mut sum = *self.counters.closed.lock();
        let (open, counters) = self.runtime.lane_counters();
        sum.add(&counters);
        let status = LaneStatus {
            open,
            most: self.most_lanes.into(),
            accepted: self.counters.accepted.load(Ordering::Relaxed),
            refused: self.counters.refused.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
        };
        (status, sum.into())
    }

    /// The modules and what was asked of them.
    pub fn modules(&self) -> Vec<ModuleStatus> {
        let status = |module: &Arc<dyn crate::module::Module>| ModuleStatus {
            name: module.name().into(),
            requests: module
                .requests()
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(name, count)| (name.to_owned(), count))
                .collect(),
            state: module.status(),
        };
        self.modules.iter().map(status).collect()
    }

    async fn accept_all(self: Arc<Self>, arrivals: Source) {
        while !self.runtime.is_shutting_down() {
            if self.pending.load(Ordering::Relaxed) >= MOST_PENDING {
                self.runtime.sleep_until(Instant::now() + ACCEPT_PAUSE / 10).await;
                continue;
            }
            match self.listener.accept() {
                Ok(Some(pending)) => self.greet(pending),
                Ok(None) => arrivals.changed().await,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.runtime.sleep_until(Instant::now() + ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn greet(self: &Arc<Self>, pending: Pending) {
        self.pending.fetch_add(1, Ordering::Relaxed);
        let service = self.clone();
        self.runtime.spawn(async move {
            let lane = service.shake_hands(pending).await;
            service.pending.fetch_sub(1, Ordering::Relaxed);
            if let Some(lane) = lane {
                service.serve(lane).await;
            }
        });
    }

    /// Sees a handshake through to its end; the lane, if there is one.
    async fn shake_hands(&self, mut pending: Pending) -> Option<ServerLane> {
        use std::os::fd::AsFd;
        let peer = describe(pending.peer());
        let source = match Source::new(&self.runtime, pending.as_fd()) {
            Ok(source) => source,
            Err(error) => {
                tracing::warn!(peer, %error, "a connection could not be watched");
                return None;
            }
        };
        while !self.runtime.is_shutting_down() {
            match pending.advance(&self.doorkeeper, &self.lanes) {
                Handshake::Ready(lane) => return Some(lane),
                Handshake::NeedsInput => {
                    let deadline = self.runtime.sleep_until(pending.deadline());
                    either(source.changed(), deadline).await;
                }
                Handshake::Refused(refusal) => {
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(peer, reason = %refusal, "connection refused");
                    return None;
                }
                Handshake::Failed(error) => {
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(peer, reason = %error, "handshake failed");
                    return None;
                }
            }
        }
        None
    }

    async fn serve(&self, lane: ServerLane) {
        let (number, peer) = (lane.index(), describe(lane.peer()));
        let Some(module) = self
            .modules
            .find(&lane.hello().module, lane.hello().module_version)
        else {
            // The doorkeeper has admitted by the same list.
            tracing::error!(
                lane = number,
                "a guest was admitted to a module that is not there"
            );
            return;
        };
        let lane = match Lane::new(&self.runtime, lane) {
            Ok(lane) => lane,
            Err(error) => {
                tracing::warn!(lane = number, %error, "a lane could not be watched");
                return;
            }
        };
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        let (mode, fallback) = lane.mode();
        tracing::info!(lane = number, peer, module = module.name(), %mode, fallback, "lane opened");
        let watch = lane.watch();
        let end = module.serve(lane).await;
        self.counters.closed.lock().add(&watch.counters());
        drop(watch);
        tracing::info!(lane = number, reason = %end, "lane closed");
    }
}

fn describe(peer: &Peer) -> String {
    match peer {
        Peer::Unix(peer) => format!("process {} of user {}", peer.pid, peer.uid),
        Peer::Vsock { cid, port } => format!("vsock {cid}:{port}"),
    }
}

/// Waits for whichever comes first.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() || other.as_mut().poll(context).is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use vamos_channel::PeerCredentials;

    #[test]
    fn only_those_named_are_welcome_if_any_are() {
        let mut guest = Guest::new("g", "unix:/g");
        let user = |uid| Peer::Unix(PeerCredentials { pid: 1, uid, gid: 1 });
        let machine = |cid| Peer::Vsock { cid, port: 1 };
        let open = Doorkeeper::new(Admission::new(), &guest);
        assert!(open.is_welcome(&user(5)).is_ok() && open.is_welcome(&machine(5)).is_ok());
        guest.allowed_uids = vec![5];
        guest.allowed_cids = vec![6];
        let strict = Doorkeeper::new(Admission::new(), &guest);
        assert!(strict.is_welcome(&user(5)).is_ok() && strict.is_welcome(&machine(6)).is_ok());
        assert!(strict.is_welcome(&user(6)).unwrap_err().contains("allowed_uids"));
        assert!(
            strict
                .is_welcome(&machine(5))
                .unwrap_err()
                .contains("allowed_cids")
        );
    }
}
