//! The handshake's words: what guest and host say to each other before a lane
//! is open.

use std::fmt;

/// The newest version of the channel that this code speaks.
pub const CHANNEL_VERSION: u16 = 1;

/// The oldest version of the channel that this code speaks.
pub const OLDEST_CHANNEL_VERSION: u16 = 1;

/// What a guest says when it wants a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The module it wants to talk to, at most 64 bytes.
    pub module: String,
    /// The version of that module's messages.
    pub module_version: u32,
    /// Whether it would use a window.
    pub wants_window: bool,
    /// What shows that it may; empty where none is needed.
    pub token: Token,
}

/// A secret that both sides know, at most 256 bytes. It is never printed.
#[derive(Clone, Default)]
pub struct Token(Vec<u8>);

impl Token {
    /// A token of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Token {
    /// Takes as long for any two tokens of the same length.
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq;
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.0.len())
    }
}

/// How a lane's messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In rings in the window; the socket carries doorbells.
    Window,
    /// In the socket's stream.
    Stream,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "window",
            Self::Stream => "stream",
        })
    }
}

/// That, and why, the host gives no lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For people: a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal with this sentence.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why a lane is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCode {
    /// No common version of the channel.
    ChannelVersion,
    /// No such module here.
    UnknownModule,
    /// The module is here in another version.
    ModuleVersion,
    /// The token is wrong, or the peer is not one that may come.
    NotAllowed,
    /// All lanes are in use.
    NoLane,
    /// The host is going down or cannot serve now; try again later.
    Unavailable,
    /// What a newer host may say.
    Other(u16),
}
