//! A worker: the process that serves one guest.
//!
//! It is started by the supervisor, with its end of the [`link`] as standard
//! input. It makes the window and the socket, enters the [`sandbox`], opens the
//! store, and then serves until it is told to stop.

mod answers;
mod doorkeeper;
mod handshakes;
pub mod link;
pub mod sandbox;
mod seldom;
mod service;

pub use doorkeeper::Doorkeeper;
pub use service::Service;

use crate::config::{Guest, WindowSetting};
use crate::logging;
use crate::module::Registry;
use crate::runtime::{Runtime, RuntimeOptions, will_block};
use crate::status::{Measure, WorkerStatus};
use crate::store_module::{Limits, StoreModule};
use anyhow::{Context, Result, bail};
use link::{FromWorker, LineReader, WorkerConfig};
use rustix::process::Signal;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_channel::{LaneAllocator, Layout, Listener, ListenerOptions, Token, Window};
use vamos_store::{Store, StoreOptions};

/// Runs a worker to its end: `vamosd worker`.
///
/// # Errors
/// It cannot serve; the supervisor is told the same.
pub fn main() -> Result<()> {
    // Before anything else: should the supervisor die, nobody stops this one.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Else `ps` would show it as `exe`.
    rustix::thread::set_name(c"vamosd")?;
    ignore_signals()?;
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let mut stream = UnixStream::from(input);
    let mut reader = LineReader::new(stream.try_clone()?);
    let config: WorkerConfig = reader
        .read()
        .context("the worker's configuration cannot be read; `vamosd worker` is started by vamosd itself")?
        .context("vamosd is gone")?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(config.supervisor) {
        bail!("vamosd is gone");
    }
    logging::start(None, &config.log);
    abort_on_panic();
    let guest = config.guest.name.clone();
    let _span = tracing::info_span!("guest", name = guest).entered();
    let result = serve(&config, &mut reader, &mut stream);
    if let Err(error) = &result {
        // The supervisor may be gone; then there is nobody to tell.
        let _ = link::send(&mut stream, &FromWorker::Failed(format!("{error:#}")));
    }
    result
}

/// A terminal's interrupt reaches supervisor and workers alike; the supervisor
/// then tells the workers to stop, in order.
fn ignore_signals() -> Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let ignored = Arc::new(std::sync::atomic::AtomicBool::new(false));
        signal_hook::flag::register(signal, ignored)?;
    }
    Ok(())
}

/// A panic is a defect, after which nothing in memory can be trusted; what is on
/// disk can. The supervisor starts a new worker.
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(
            location,
            message,
            "a defect in vamosd; the worker ends and is started again"
        );
        std::process::abort();
    }));
}

fn serve(config: &WorkerConfig, reader: &mut LineReader, stream: &mut UnixStream) -> Result<()> {
    let started = Instant::now();
    let guest = &config.guest;
    std::fs::create_dir_all(&config.store)
        .with_context(|| format!("cannot make the store's directory {}", config.store.display()))?;
    let lanes = open_window(guest)?;
    let listener = listen(guest)?;
    if guest.listen.starts_with("vsock:") && guest.allowed_cids.is_empty() && guest.token_file.is_none() {
        tracing::warn!("every virtual machine on this host may connect; set allowed_cids or token_file");
    }
    let token = guest.token_file.as_deref().map(read_token).transpose()?;

    let mut sandbox = config.measures.clone();
    sandbox.extend(sandbox::enter(guest, &config.store));

    let store = Store::open(store_options(guest, &config.store)).context("cannot open the store")?;
    let runtime = Runtime::new(RuntimeOptions {
        threads: usize::try_from(guest.threads).unwrap_or(1),
        disk_waits: usize::try_from(guest.disk_waits).unwrap_or(0),
        poll_budget: Duration::from_micros(guest.poll_budget_us),
        naps: guest.poll_budget_us > 0 && matches!(guest.window, WindowSetting::File(_)),
    })?;
    let limits = Limits::for_response_ring(guest.response_ring.to_usize());
    let modules = Registry::new().with(Arc::new(StoreModule::new(store.clone(), limits)));
    let doorkeeper = Doorkeeper::new(modules.admission(token), guest);
    let service = Service::new(runtime.clone(), listener, lanes, doorkeeper, modules);
    service.start()?;
    let span = tracing::Span::current();
    let threads = runtime.start(move || span.clone().entered())?;

    tracing::info!(listen = guest.listen, window = %guest.window, "serving");
    link::send(stream, &FromWorker::Ready)?;
    answers::serve(reader, stream, &store, &|| {
        status(started, &sandbox, &runtime, &service)
    })?;

    store.end_compactions();
    runtime.shut_down();
    let grace = Duration::from_millis(config.stop_grace_ms);
    if !runtime.wait_idle(grace) {
        tracing::warn!("sessions did not end in time");
    }
    drop(threads);
    drop(service);
    close_store(store);
    Ok(())
}

fn open_window(guest: &Guest) -> Result<LaneAllocator> {
    let ring = |size: crate::config::ByteSize| u32::try_from(size.0).unwrap_or(u32::MAX);
    let layout = || {
        Layout::new(
            guest.window_lanes,
            ring(guest.request_ring),
            ring(guest.response_ring),
        )
    };
    Ok(match &guest.window {
        WindowSetting::None => LaneAllocator::without_window(guest.most_lanes()),
        WindowSetting::Memfd => LaneAllocator::new(
            Window::create_memfd(layout()?).context("cannot make the window")?,
            guest.most_lanes(),
        ),
        WindowSetting::File(path) => LaneAllocator::new(
            Window::create_file(path, layout()?).context("cannot make the window")?,
            guest.most_lanes(),
        ),
    })
}

fn listen(guest: &Guest) -> Result<Listener> {
    let endpoint = guest.listen.parse()?;
    let options = ListenerOptions {
        max_message: vamos_proto::MAX_BODY_LEN,
        ..ListenerOptions::default()
    };
    Ok(Listener::bind(&endpoint, options)?)
}

fn read_token(path: &Path) -> Result<Token> {
    let token = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the token_file {}", path.display()))?;
    let token = token.trim();
    if token.is_empty() || token.len() > 256 {
        bail!(
            "the token in {} has {} bytes; it may have 1 to 256",
            path.display(),
            token.len()
        );
    }
    Ok(Token::new(token.as_bytes()))
}

/// The disk refused a write: whether the log has it is known only to whoever opens
/// the store anew. So nobody is answered; the guest asks the next worker.
fn end_broken() {
    tracing::error!("the store cannot be written any more; the worker ends and is started again");
    std::process::abort();
}

fn store_options(guest: &Guest, path: &Path) -> StoreOptions {
    StoreOptions {
        cache_bytes: guest.cache.0,
        write_buffer_bytes: guest.write_buffer.0,
        max_transaction_bytes: guest.max_transaction.0,
        direct_io: guest.direct_io,
        when_broken: Some(end_broken),
        before_disk: Some(will_block),
        ..StoreOptions::new(path)
    }
}

fn status(started: Instant, sandbox: &[Measure], runtime: &Runtime, service: &Service) -> WorkerStatus {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (lanes, traffic) = service.lanes();
    WorkerStatus {
        uptime_s: started.elapsed().as_secs(),
        cpu_ms: u64::try_from(cpu.tv_sec * 1000 + cpu.tv_nsec / 1_000_000).unwrap_or(0),
        sandbox: sandbox.to_vec(),
        lanes,
        traffic,
        runtime: runtime.counters(),
        modules: service.modules(),
    }
}

/// Closes the store, once the last session has let go of it.
fn close_store(store: Arc<Store>) {
    match Arc::try_unwrap(store) {
        Ok(store) => {
            drop(store);
            tracing::info!("the store is closed");
        }
        Err(store) => {
            // Its log holds all that was committed; recovery does the rest.
            tracing::warn!(
                holders = Arc::strong_count(&store) - 1,
                "the store is still in use; it closes without waiting"
            );
        }
    }
}
