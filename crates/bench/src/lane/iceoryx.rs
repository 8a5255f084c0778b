//! iceoryx2's request-response: the service for processes, on two pinned threads, both
//! of which poll. Requests and responses are lent and filled in place, which is the
//! fastest way its documentation shows.

use super::BODY;
use crate::cpu::{nanos_each, pin};
use anyhow::{Result, anyhow};
use iceoryx2::port::{client::Client, server::Server};
use iceoryx2::prelude::*;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

type Body = [u8; BODY.len()];
type Factory =
    iceoryx2::service::port_factory::request_response::PortFactory<ipc::Service, Body, (), Body, ()>;

pub(super) fn round_trips(count: u32) -> Result<f64> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    set_log_level(LogLevel::Error);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let name = format!("vamos-bench/{}/{run}", std::process::id());
    let (ready, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let partner = scope.spawn(|| {
            let served = serve(&name, count, &ready, &done);
            ready.store(true, Ordering::Release);
            served
        });
        while !ready.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let nanos = ask(&name, count);
        done.store(true, Ordering::Release);
        partner.join().map_err(|_| anyhow!("the partner failed"))??;
        nanos
    })
}

fn open(name: &str) -> Result<Factory> {
    let node = NodeBuilder::new().create::<ipc::Service>()?;
    let service = node
        .service_builder(&name.try_into()?)
        .request_response::<Body, Body>()
        .max_clients(1)
        .max_servers(1)
        .open_or_create()?;
    Ok(service)
}

fn serve(name: &str, count: u32, ready: &AtomicBool, done: &AtomicBool) -> Result<()> {
    pin(1);
    let service = open(name)?;
    let server: Server<ipc::Service, Body, (), Body, ()> = service.server_builder().create()?;
    ready.store(true, Ordering::Release);
    for _ in 0..count {
        let request = loop {
            if let Some(request) = server.receive()? {
                break request;
            }
            if done.load(Ordering::Relaxed) {
                return Ok(());
            }
            spin_loop();
        };
        let body: Body = *request;
        request.loan_uninit()?.write_payload(body).send()?;
    }
    // The last response must be read before the server goes.
    while !done.load(Ordering::Acquire) {
        thread::yield_now();
    }
    Ok(())
}

fn ask(name: &str, count: u32) -> Result<f64> {
    pin(0);
    let service = open(name)?;
    let client: Client<ipc::Service, Body, (), Body, ()> = service.client_builder().create()?;
    nanos_each(count, || {
        let pending = client.loan_uninit()?.write_payload(BODY).send()?;
        loop {
            if let Some(response) = pending.receive()? {
                black_box(*response);
                return Ok(());
            }
            spin_loop();
        }
    })
}
