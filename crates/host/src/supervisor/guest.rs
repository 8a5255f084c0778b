//! Looks after one guest's worker: a thread of its own, for as long as vamosd
//! runs. (The kernel kills a worker when the *thread* that started it ends.)

use super::backoff::Backoff;
use super::child::{WorkerProcess, describe_end};
use super::lease::CHECKPOINT_PATIENCE;
use super::line::{Answers, Checkpoint, Line};
use super::stop::Stop;
use super::{SupervisorOptions, confinement};
use crate::config::{Config, Guest};
use crate::status::{GuestState, GuestStatus, Measure, WorkerStatus};
use crate::worker::link::{self, LineReader, ToWorker, WorkerConfig};
use anyhow::Result;
use parking_lot::Mutex;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a worker may take to say how it is.
const STATUS_PATIENCE: Duration = Duration::from_secs(2);
/// How long a worker that has hung up may take to end.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// How often a finishing worker is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Looks after one guest's worker.
#[derive(Debug)]
pub(super) struct GuestKeeper {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// What other threads may know and do.
#[derive(Debug)]
pub(super) struct Shared {
    guest: Guest,
    config: Arc<Config>,
    options: SupervisorOptions,
    stop: Arc<Stop>,
    facts: Mutex<Facts>,
    /// The way to the running worker. One asks at a time.
    line: Mutex<Option<Line>>,
    /// Held while a backup is taken.
    backup: Mutex<()>,
    /// Where checkpoints are announced.
    checkpoints: Mutex<Option<Receiver<Checkpoint>>>,
}

#[derive(Debug)]
struct Facts {
    state: GuestState,
    worker: Option<Arc<WorkerProcess>>,
    restarts: u64,
    last_end: Option<String>,
}

impl GuestKeeper {
    pub(super) fn start(
        guest: &Guest,
        config: &Arc<Config>,
        options: &SupervisorOptions,
        stop: &Arc<Stop>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            guest: guest.clone(),
            config: config.clone(),
            options: options.clone(),
            stop: stop.clone(),
            facts: Mutex::new(Facts {
                state: GuestState::Starting,
                worker: None,
                restarts: 0,
                last_end: None,
            }),
            line: Mutex::new(None),
            backup: Mutex::new(()),
            checkpoints: Mutex::new(None),
        });
        let keeper = shared.clone();
        let thread = std::thread::Builder::new()
            .name(format!("guest-{}", guest.name))
            .spawn(move || {
                let _span = tracing::info_span!("guest", name = keeper.guest.name).entered();
                keeper.keep();
            })?;
        Ok(Self { shared, thread })
    }

    pub(super) fn state(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Tells the worker to finish.
    pub(super) fn tell_to_stop(&self) {
        self.shared.tell_to_stop();
    }

    /// Waits until the worker has finished, and kills it at the deadline or when
    /// the operator has no more patience.
    pub(super) fn finish(self, deadline: Instant) {
        while !self.thread.is_finished() {
            if Instant::now() >= deadline || self.shared.stop.is_at_once() {
                let worker = self.shared.facts.lock().worker.clone();
                worker.inspect(|worker| worker.kill());
            }
            std::thread::sleep(LOOK);
        }
        if self.thread.join().is_err() {
            tracing::error!(guest = self.shared.guest.name, "its keeper ended by a panic");
        }
    }
}

impl Shared {
    /// Keeps a worker running until the end.
    fn keep(self: &Arc<Self>) {
        let mut backoff = Backoff::new(Duration::from_millis(self.config.global.restart_pause_max_ms));
        while !self.stop.is_set() {
            self.facts.lock().state = GuestState::Starting;
            let begin = Instant::now();
            let end = match self.run_worker() {
                Ok(end) => end,
                Err(error) => format!("could not be started: {error:#}"),
            };
            if self.stop.is_set() {
                tracing::info!("the worker {end}");
                break;
            }
            let pause = backoff.after(begin.elapsed());
            tracing::error!(
                pause_ms = pause.as_millis(),
                "the worker {end}; starting it again"
            );
            {
                let mut facts = self.facts.lock();
                facts.state = GuestState::Waiting;
                facts.restarts += 1;
                facts.last_end = Some(end);
            }
            self.stop.wait(pause);
        }
        self.facts.lock().state = GuestState::Stopping;
    }

    /// Runs one worker to its end, and says how it ended.
    fn run_worker(&self) -> Result<String> {
        let user = self
            .guest
            .user
            .as_deref()
            .map(confinement::find_user)
            .transpose()?;
        let store = self.guest.store_dir(&self.config.global);
        confinement::prepare_store(&store, user)?;
        let (worker, mut stream) = WorkerProcess::start(&self.options, user)?;
        let worker = Arc::new(worker);
        self.facts.lock().worker = Some(worker.clone());

        let measure = confinement::enter_cgroup(&self.config, &self.guest, worker.pid());
        let configured = link::send(&mut stream, &self.worker_config(store, measure));
        let reason = match configured.and_then(|()| self.open_line(&stream)) {
            Ok(answers) => answers.hear(&mut LineReader::new(stream), || {
                self.facts.lock().state = GuestState::Running;
            }),
            Err(error) => Some(error.to_string()),
        };
        *self.line.lock() = None;
        let status = worker.wait(Instant::now() + END_PATIENCE);
        confinement::remove_socket(&self.guest);
        self.facts.lock().worker = None;
        Ok(match reason {
            Some(reason) => format!("{}: {reason}", describe_end(status)),
            None => describe_end(status),
        })
    }

    fn worker_config(&self, store: PathBuf, measure: Measure) -> WorkerConfig {
        let log = &self.config.global.log;
        WorkerConfig {
            guest: self.guest.clone(),
            store,
            log: self.options.log.as_ref().unwrap_or(log).clone(),
            stop_grace_ms: self.config.global.stop_grace_ms,
            supervisor: std::process::id(),
            measures: vec![measure],
        }
    }

    /// Lets other threads talk to the worker.
    fn open_line(&self, stream: &UnixStream) -> std::io::Result<Answers> {
        let (answers, statuses, checkpoints) = Answers::new();
        *self.checkpoints.lock() = Some(checkpoints);
        let stream = stream.try_clone()?;
        stream.set_write_timeout(Some(STATUS_PATIENCE))?;
        *self.line.lock() = Some(Line {
            stream,
            answers: statuses,
        });
        if self.stop.is_set() {
            // The end was announced before there was anyone to tell.
            self.tell_to_stop();
        }
        Ok(answers)
    }

    fn tell_to_stop(&self) {
        if let Some(line) = self.line.lock().as_mut()
            && let Err(error) = link::send(&mut line.stream, &ToWorker::Stop)
        {
            tracing::debug!(guest = self.guest.name, %error, "the worker is gone already");
        }
    }

    fn ask_worker(&self) -> Option<WorkerStatus> {
        let mut line = self.line.lock();
        let line = line.as_mut()?;
        // Answers to those who lost patience.
        while line.answers.try_recv().is_ok() {}
        link::send(&mut line.stream, &ToWorker::Status).ok()?;
        line.answers.recv_timeout(STATUS_PATIENCE).ok()
    }

    pub(super) fn name(&self) -> &str {
        &self.guest.name
    }

    fn tell(&self, message: ToWorker) -> Result<(), String> {
        let mut line = self.line.lock();
        let line = line
            .as_mut()
            .ok_or_else(|| format!("the worker of {} does not run now", self.guest.name))?;
        link::send(&mut line.stream, &message).map_err(|error| error.to_string())
    }

    /// Has the worker make a checkpoint, calls `use_it` with its place, and has it
    /// removed afterwards.
    pub(super) fn with_checkpoint(&self, use_it: impl FnOnce(Checkpoint)) {
        let Some(_alone) = self.backup.try_lock() else {
            let name = &self.guest.name;
            return use_it(Err(format!("another backup of {name} is under way")));
        };
        let made = self.make_checkpoint();
        let made = made.and_then(|path| self.check_place(path));
        use_it(made);
        if let Err(error) = self.tell(ToWorker::EndCheckpoint) {
            // The next worker removes it when it opens the store.
            tracing::debug!(guest = self.guest.name, error, "the worker is gone");
        }
        // It answers in order: when it says how it is, the checkpoint is gone.
        self.ask_worker();
    }

    fn make_checkpoint(&self) -> Checkpoint {
        let checkpoints = self.checkpoints.lock();
        let ended = || format!("the worker of {} ended meanwhile", self.guest.name);
        let announced = checkpoints.as_ref().ok_or_else(ended)?;
        // Those for whom somebody had no patience.
        while announced.try_recv().is_ok() {}
        self.tell(ToWorker::Checkpoint)?;
        match announced.recv_timeout(CHECKPOINT_PATIENCE) {
            Ok(made) => made,
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "the worker of {} made no checkpoint within {} s",
                self.guest.name,
                CHECKPOINT_PATIENCE.as_secs()
            )),
        }
    }

    /// A worker is not believed: its checkpoint is in its own store.
    fn check_place(&self, path: PathBuf) -> Checkpoint {
        let store = self.guest.store_dir(&self.config.global);
        match path.parent() == Some(&store) && path.file_name().is_some() {
            true => Ok(path),
            false => Err(format!(
                "the worker of {} says that its checkpoint is {}, outside of its store",
                self.guest.name,
                path.display()
            )),
        }
    }

    /// How it is with the guest.
    pub(super) fn status(&self) -> GuestStatus {
        let (state, worker, restarts, last_end) = {
            let facts = self.facts.lock();
            (
                facts.state,
                facts.worker.clone(),
                facts.restarts,
                facts.last_end.clone(),
            )
        };
        GuestStatus {
            name: self.guest.name.clone(),
            listen: self.guest.listen.clone(),
            window: self.guest.window.to_string(),
            state,
            pid: worker.as_ref().map(|worker| worker.pid()),
            memory_bytes: worker.as_ref().and_then(|worker| worker.memory()),
            restarts,
            last_end,
            worker: if state == GuestState::Running {
                self.ask_worker()
            } else {
                None
            },
        }
    }
}
