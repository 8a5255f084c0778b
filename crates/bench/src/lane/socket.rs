//! A plain pair of Unix sockets: what the kernel needs for a round trip.

use super::BODY;
use crate::cpu::{nanos_each, pin};
use anyhow::{Result, anyhow};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

pub(super) fn round_trips(count: u32) -> Result<f64> {
    let (mut here, mut there) = UnixStream::pair()?;
    let partner = thread::spawn(move || -> Result<()> {
        pin(1);
        let mut body = [0; BODY.len()];
        for _ in 0..count {
            there.read_exact(&mut body)?;
            there.write_all(&body)?;
        }
        Ok(())
    });
    pin(0);
    let mut body = [0; BODY.len()];
    let nanos = nanos_each(count, || {
        here.write_all(&BODY)?;
        here.read_exact(&mut body)?;
        Ok(())
    });
    partner.join().map_err(|_| anyhow!("the partner failed"))??;
    nanos
}
