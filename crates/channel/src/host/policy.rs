//! Who gets a lane.

use crate::socket::Socket;
use crate::vsock::VsockAddress;
use crate::{Hello, Refusal, RefusalCode, Token};
use rustix::net::sockopt::socket_peercred;
use std::ops::RangeInclusive;
use std::os::fd::AsFd;

/// Who is at the other end of a connection, as the kernel tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process on this machine: a client, or the hypervisor that stands for
    /// its guest.
    Unix(PeerCredentials),
    /// A virtual machine.
    Vsock {
        /// Its context id.
        cid: u32,
        /// The port that it came from.
        port: u32,
    },
}

impl Peer {
    /// The one at the other end; `None` if the connection is gone already.
    pub(super) fn of(socket: &Socket) -> Option<Self> {
        // A Unix socket that was never bound may have no address to speak of.
        let address = rustix::net::getpeername(socket.as_fd()).ok()?;
        if let Some(VsockAddress { cid, port }) = address.as_ref().and_then(VsockAddress::from_any) {
            return Some(Self::Vsock { cid, port });
        }
        let credentials = socket_peercred(socket.as_fd()).ok()?;
        Some(Self::Unix(PeerCredentials {
            pid: u32::try_from(credentials.pid.as_raw_nonzero().get()).unwrap_or(0),
            uid: credentials.uid.as_raw(),
            gid: credentials.gid.as_raw(),
        }))
    }
}

/// A local process, as it was when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Process id; 0 if it is in a namespace that cannot be seen from here.
    pub pid: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Decides who gets a lane. Closures of this shape are policies too.
pub trait Policy {
    /// Admits the guest, or says why not.
    ///
    /// # Errors
    /// The [`Refusal`] that the guest is told.
    fn admit(&self, hello: &Hello, peer: &Peer) -> Result<(), Refusal>;
}

impl<F: Fn(&Hello, &Peer) -> Result<(), Refusal>> Policy for F {
    fn admit(&self, hello: &Hello, peer: &Peer) -> Result<(), Refusal> {
        self(hello, peer)
    }
}

/// The usual policy: modules by name and version, and a token.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    modules: Vec<(String, RangeInclusive<u32>)>,
    token: Option<Token>,
}

impl Admission {
    /// Admits nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Admits to this module, in these versions.
    #[must_use]
    pub fn module(mut self, name: impl Into<String>, versions: RangeInclusive<u32>) -> Self {
        self.modules.push((name.into(), versions));
        self
    }

    /// Demands this token.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }
}

impl Policy for Admission {
    fn admit(&self, hello: &Hello, _peer: &Peer) -> Result<(), Refusal> {
        // The token first: who has none learns nothing about the modules.
        if self.token.as_ref().is_some_and(|token| *token != hello.token) {
            let message = "the token is not the one that this host was given; compare the two settings";
            return Err(Refusal::new(RefusalCode::NotAllowed, message));
        }
        let module = &hello.module;
        let Some((_, versions)) = self.modules.iter().find(|(name, _)| name == module) else {
            let names: Vec<&str> = self.modules.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("there is no module {module:?} here, only: {}", names.join(", "));
            return Err(Refusal::new(RefusalCode::UnknownModule, message));
        };
        if versions.contains(&hello.module_version) {
            return Ok(());
        }
        let message = format!(
            "the guest speaks version {} of module {module} and this host {} to {}; update the older side",
            hello.module_version,
            versions.start(),
            versions.end()
        );
        Err(Refusal::new(RefusalCode::ModuleVersion, message))
    }
}
