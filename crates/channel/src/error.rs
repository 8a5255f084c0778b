//! What can go wrong, in sentences.

use crate::Refusal;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why an open lane cannot go on (or, where [`is_fatal`](Self::is_fatal) says
/// so, why just this call was refused).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The peer has closed the socket, or its process has died.
    #[error("the other side has closed the lane; connect again")]
    Closed,
    /// The window's epoch has changed under the lane.
    #[error("the host has started anew and this lane belonged to its former life; connect again")]
    Superseded,
    /// The peer broke the rules of the channel.
    #[error("the other side broke the rules of the channel, so this lane was closed: {0}")]
    Corrupt(#[from] Corruption),
    /// A message to send is longer than the limit.
    #[error(
        "a message of {length} bytes is longer than the limit of {limit}; send less at once or raise max_message"
    )]
    TooLong {
        /// The length of the message.
        length: usize,
        /// The limit in the options.
        limit: usize,
    },
    /// What waits to be sent is more than the limit; pump and try again.
    #[error(
        "{pending} bytes already wait to be sent and the limit is {limit}; wait until the peer has read some"
    )]
    OutboxFull {
        /// Bytes waiting.
        pending: usize,
        /// The limit in the options.
        limit: usize,
    },
    /// A peer that does not read its lane sends more than this side will hold.
    #[error(
        "{pending} bytes came in while the other side would take nothing, more than the limit of {limit}"
    )]
    InboxFull {
        /// Bytes waiting.
        pending: usize,
        /// The limit in the options.
        limit: usize,
    },
    /// There was no room in the ring for the time given by the send timeout.
    #[error("the other side took nothing for {0:?}; it hangs or is overloaded")]
    SendTimedOut(Duration),
    /// There is no memory for a message.
    #[error("no memory for a message of at least {length} bytes; lower max_message or give the process more")]
    OutOfMemory {
        /// Bytes that were asked for.
        length: usize,
    },
    /// The socket failed.
    #[error("the lane's socket failed: {0}")]
    Socket(rustix::io::Errno),
}

impl LaneError {
    /// Whether the lane is of no more use. Only [`OutboxFull`](Self::OutboxFull)
    /// and [`TooLong`](Self::TooLong) leave it as it was.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::OutboxFull { .. } | Self::TooLong { .. })
    }
}

/// How a peer broke the rules of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// The producer's position is not between ours and one ring ahead of it.
    #[error("the producer's position {head} cannot be, with {position} read and a ring of {capacity} bytes")]
    Head {
        /// The position in the window.
        head: u64,
        /// Our position.
        position: u64,
        /// The ring's size.
        capacity: u64,
    },
    /// The consumer's position is not between its last one and ours.
    #[error("the consumer's position {tail} cannot be, after {former} and with {position} written")]
    Tail {
        /// The position in the window.
        tail: u64,
        /// The last one that was accepted.
        former: u64,
        /// Our position.
        position: u64,
    },
    /// A frame is longer than what the producer has published.
    #[error("a frame of {length} bytes cannot be where {available} are available")]
    FrameLength {
        /// The length of the frame's body.
        length: u32,
        /// Bytes that the producer has published, with the header.
        available: u64,
    },
    /// A frame has a flag that this version does not know.
    #[error("a frame has unknown flags {0:#06x}")]
    FrameFlags(u16),
    /// A frame's reserved field is not zero.
    #[error("a frame's reserved field is {0:#010x} and must be zero")]
    FrameReserved(u32),
    /// A fragment of another message came in between.
    #[error("a fragment of message {opcode}/{tag} came amid message {expected_opcode}/{expected_tag}")]
    ForeignFragment {
        /// Its opcode.
        opcode: u16,
        /// Its tag.
        tag: u32,
        /// The opcode of the message that is not complete.
        expected_opcode: u16,
        /// The tag of the message that is not complete.
        expected_tag: u32,
    },
    /// A fragment that says that more follow carries nothing.
    #[error("a fragment of message {opcode}/{tag} is empty and says that more follow")]
    EmptyFragment {
        /// Its opcode.
        opcode: u16,
        /// Its tag.
        tag: u32,
    },
    /// A message grows over the limit.
    #[error("message {opcode}/{tag} has at least {length} bytes and the limit is {limit}")]
    MessageTooLong {
        /// Its opcode.
        opcode: u16,
        /// Its tag.
        tag: u32,
        /// Bytes so far.
        length: usize,
        /// The limit in the options.
        limit: usize,
    },
    /// Something other than a doorbell came over the socket of a lane with a
    /// window.
    #[error("a byte {0:#04x} came over the socket, where only doorbells are due")]
    NotADoorbell(u8),
}

/// Why no lane could be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The socket could not be connected.
    #[error("cannot connect to {endpoint}: {source}; is vamosd running and its listener there?")]
    Unreachable {
        /// Where to.
        endpoint: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// An endpoint that one can only listen on.
    #[error("{endpoint} can be listened on, not connected to; write the host's CID, which is 2, for ANY")]
    NotConnectable {
        /// Which one.
        endpoint: String,
    },
    /// The host refused.
    #[error("the host refused the lane: {0}")]
    Refused(Refusal),
    /// The handshake went wrong.
    #[error("the handshake with {endpoint} failed: {source}")]
    Handshake {
        /// With whom.
        endpoint: String,
        /// How.
        source: HandshakeError,
    },
    /// The host gave out lanes that older `ClientLane`s of this process still
    /// hold, as many as the window has and some more.
    #[error(
        "the host gave out lane {lane}, which this process still holds from before; drop it and connect again"
    )]
    LaneStillHeld {
        /// The last one's index.
        lane: u32,
    },
}

/// How a handshake can go wrong, on either side.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer said nothing, or not enough, in time.
    #[error("the other side did not finish its part within {0:?}")]
    TimedOut(Duration),
    /// The peer hung up.
    #[error("the other side closed the connection amid the handshake")]
    Closed,
    /// A message is longer than handshake messages can be.
    #[error("the other side announced a handshake message of {length} bytes; none is longer than {limit}")]
    Oversized {
        /// What was announced.
        length: u32,
        /// What is allowed.
        limit: u32,
    },
    /// A message is not of its form.
    #[error("the other side sent a malformed {message}: {what}; it may not be a VAMOS peer")]
    Malformed {
        /// Which message was due.
        message: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A field to send does not fit.
    #[error("the {field} has {length} bytes and can have at most {limit}")]
    FieldTooLong {
        /// Which field.
        field: &'static str,
        /// Its length.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] rustix::io::Errno),
    /// The host's side of the window failed.
    #[error(transparent)]
    Window(#[from] WindowError),
}

/// What is wrong with a window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// A layout that cannot be.
    #[error("a window cannot have {what} of {value}: {rule}")]
    BadLayout {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        value: u64,
        /// What it may be.
        rule: &'static str,
    },
    /// A file or device could not be opened, sized or mapped.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file has another size than the layout wants.
    #[error(
        "{path} has {actual} bytes and the window needs {wanted}; if no guest has it mapped, remove it, \
         else restore the former layout"
    )]
    FileSize {
        /// Which file.
        path: PathBuf,
        /// Its size.
        actual: u64,
        /// The size that the layout wants.
        wanted: u64,
    },
    /// A memfd that its maker could still shrink.
    #[error("the window that the host passed is not sealed against shrinking, so it cannot be trusted")]
    NotSealed,
    /// The header's magic is missing.
    #[error("there is no window here (the magic is {0:#018x})")]
    NoMagic(u64),
    /// Another layout version.
    #[error("the window has layout version {found} and this side knows {known}; update the older side")]
    LayoutVersion {
        /// What the header says.
        found: u64,
        /// What this code knows.
        known: u32,
    },
    /// The header contradicts itself or the mapping.
    #[error("the window's header is inconsistent: {what} is {found} and must be {expected}")]
    Inconsistent {
        /// Which field.
        what: &'static str,
        /// What the header says.
        found: u64,
        /// What it must be.
        expected: u64,
    },
    /// A window, but another one than the host told.
    #[error("the window here is not the one that the host serves ({what} differs)")]
    NotTheHosts {
        /// What differs.
        what: &'static str,
    },
    /// The host said that it passed a window, and none came.
    #[error("the host said that it passed its window over the socket, and none came")]
    NotPassed,
    /// The guest has no way to the window that the host offers.
    #[error("the host's window is a device, and no device was named in the options")]
    NoSource,
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket could not be bound.
    #[error("cannot listen on {endpoint}: {source}")]
    Bind {
        /// Where.
        endpoint: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file that is no socket is where the socket should be.
    #[error("cannot listen on {endpoint}: there is a file that is not a socket; move it away")]
    Occupied {
        /// Where.
        endpoint: String,
    },
    /// A connection could not be accepted.
    #[error("cannot accept a connection: {0}")]
    Accept(io::Error),
}
