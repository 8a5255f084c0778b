//! Who gets a lane.

use crate::{Hello, Refusal, Token};
use std::ops::RangeInclusive;

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
    fn admit(&self, _hello: &Hello, _peer: &Peer) -> Result<(), Refusal> {
        todo!()
    }
}
