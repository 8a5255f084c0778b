//! Round trips through a lane, without the runtime of the host or a module.

use super::BODY;
use crate::cpu::{nanos_each, pin};
use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, poll};
use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vamos_channel::{
    Admission, ClientLane, ClientOptions, Endpoint, Handshake, Hello, LaneAllocator, LaneError, Layout,
    Listener, ListenerOptions, ServerLane, Token, Wants, Window,
};

/// What the host does when there is no message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    Polls,
    Sleeps,
}

/// A message there and one back. The guest polls; without a window, messages are in the
/// socket's stream.
pub(super) fn lane(host: Host, wants_window: bool, count: u32) -> Result<f64> {
    let (mut guest, host) = open(wants_window, move |lane| echo(lane, host, count))?;
    let mut body = Vec::new();
    let nanos = nanos_each(count, || {
        guest.send(1, 1, &BODY)?;
        guest.recv(&mut body, None)?;
        Ok(())
    });
    black_box(&body);
    drop(guest);
    host.join().map_err(|_| anyhow!("the host failed"))??;
    nanos
}

/// Messages from the guest to the host, as fast as they go.
pub(super) fn one_way(count: u32) -> Result<f64> {
    let received = Arc::new(AtomicBool::new(false));
    let all = Arc::clone(&received);
    let (mut guest, host) = open(true, move |mut lane| {
        let mut body = Vec::new();
        for _ in 0..count {
            while lane.try_recv(&mut body)?.is_none() {
                spin_loop();
            }
        }
        all.store(true, Ordering::Release);
        Ok(())
    })?;
    let start = Instant::now();
    for tag in 0..count {
        guest.send(1, tag, &BODY)?;
    }
    while !received.load(Ordering::Acquire) && !host.is_finished() {
        spin_loop();
    }
    let nanos = start.elapsed().as_nanos() as f64 / f64::from(count);
    host.join().map_err(|_| anyhow!("the host failed"))??;
    Ok(nanos)
}

/// Opens a lane whose host serves it on CPU 1 until the guest hangs up.
fn open(
    wants_window: bool,
    serve: impl FnOnce(ServerLane) -> Result<()> + Send + 'static,
) -> Result<(ClientLane, JoinHandle<Result<()>>)> {
    let directory = tempfile::tempdir()?;
    let endpoint = Endpoint::Unix(directory.path().join("lane.sock"));
    let listener = Listener::bind(&endpoint, ListenerOptions::default())?;
    let host = thread::spawn(move || {
        pin(1);
        serve(accept(&listener)?)
    });
    pin(0);
    let hello = Hello {
        module: "benchmark".into(),
        module_version: 1,
        wants_window,
        token: Token::default(),
    };
    let options = ClientOptions {
        poll_budget: Duration::from_millis(100),
        ..ClientOptions::default()
    };
    Ok((ClientLane::connect(&endpoint, &hello, &options)?, host))
}

fn accept(listener: &Listener) -> Result<ServerLane> {
    let lanes = LaneAllocator::new(Window::create_memfd(Layout::default())?, 1);
    let policy = Admission::new().module("benchmark", 1..=1);
    poll(&mut [PollFd::new(listener, PollFlags::IN)], None)?;
    let mut pending = listener.accept()?.context("nobody came")?;
    loop {
        match pending.advance(&policy, &lanes) {
            Handshake::Ready(lane) => return Ok(lane),
            Handshake::NeedsInput => poll(&mut [PollFd::new(&pending, PollFlags::IN)], None)?,
            other => bail!("the handshake failed: {other:?}"),
        };
    }
}

fn echo(mut lane: ServerLane, host: Host, count: u32) -> Result<()> {
    let mut body = Vec::new();
    for _ in 0..count {
        let received = loop {
            if let Some(received) = lane.try_recv(&mut body)? {
                break received;
            }
            match host {
                Host::Polls => spin_loop(),
                Host::Sleeps => sleep(&mut lane)?,
            }
        };
        lane.try_send(received.opcode, received.tag, &body)?;
        lane.flush()?;
    }
    // The guest must have read the last answer before the lane closes.
    sleep(&mut lane).or_else(|error| {
        if error.is::<LaneError>() {
            Ok(())
        } else {
            Err(error)
        }
    })
}

fn sleep(lane: &mut ServerLane) -> Result<()> {
    if !lane.sleep_begin(Wants {
        input: true,
        space: false,
    }) {
        poll(&mut [PollFd::new(lane, PollFlags::IN)], None)?;
    }
    lane.sleep_end();
    lane.drain_doorbells()?;
    Ok(())
}
