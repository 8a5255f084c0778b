//! Room for many connections at once on the forwarded port.
//!
//! QEMU's user network listens with a backlog of one (`tcpx_listen` of libslirp).
//! Of sixteen clients that connect at the same moment some then believe to be
//! connected and wait for the server's greeting, until TCP tries again after up
//! to half a minute. A socket that listens can be told to with a larger backlog,
//! by whoever has a descriptor of it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
};

use anyhow::{Context, Result};
use rustix::{
    net::{getsockname, listen, sockopt::socket_acceptconn},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

/// More than any load connects with at once.
const BACKLOG: i32 = 512;

/// Lets the process, a child of ours, listen on this port with a large backlog.
pub(super) fn raise(pid: u32, port: u16) -> Result<()> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let id = id.with_context(|| format!("{pid} is no process id"))?;
    let process = pidfd_open(id, PidfdFlags::empty()).context("cannot open QEMU's process")?;
    let wanted = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let is_wanted = |socket: &OwnedFd| {
        socket_acceptconn(socket).unwrap_or(false)
            && getsockname(socket)
                .is_ok_and(|name| SocketAddr::try_from(name).is_ok_and(|name| name == wanted))
    };
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).context("cannot list QEMU's files")?;
    let numbers = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let socket = numbers
        .filter_map(|number| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok())
        .find(is_wanted)
        .with_context(|| format!("QEMU does not listen on port {port}, or gives no descriptor of it"))?;
    listen(&socket, BACKLOG).context("cannot raise the backlog of QEMU's port")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_socket_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("address").port();
        raise(std::process::id(), port).expect("raise");
        drop(listener);
        let error = raise(std::process::id(), port)
            .expect_err("nobody listens")
            .to_string();
        assert!(error.contains("does not listen"), "{error}");
    }
}
