//! Frames: what a message is cut into to travel.

use crate::Corruption;

/// The longest message that is received unless the options say otherwise:
/// 1 GiB and 1 MiB.
pub const DEFAULT_MAX_MESSAGE: usize = (1 << 30) + (1 << 20);

/// What was received besides the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// What kind of message it is; the module's business.
    pub opcode: u16,
    /// What pairs an answer with its request; the module's business.
    pub tag: u32,
}

/// The length of a frame's header in bytes.
pub(crate) const HEADER: usize = 16;

/// The message goes on in the next frame.
pub(crate) const MORE: u16 = 1;

/// A frame's header: 16 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) length: u32,
    pub(crate) opcode: u16,
    pub(crate) more: bool,
    pub(crate) tag: u32,
}

impl Header {
    /// As it travels.
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.opcode.to_le_bytes());
        bytes[6..8].copy_from_slice(&(if self.more { MORE } else { 0 }).to_le_bytes());
        bytes[8..12].copy_from_slice(&self.tag.to_le_bytes());
        bytes
    }

    /// From what has travelled; the bytes are our own copy.
    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Result<Self, Corruption> {
        let [l0, l1, l2, l3, o0, o1, f0, f1, t0, t1, t2, t3, r0, r1, r2, r3] = *bytes;
        let flags = u16::from_le_bytes([f0, f1]);
        let reserved = u32::from_le_bytes([r0, r1, r2, r3]);
        if flags & !MORE != 0 {
            return Err(Corruption::FrameFlags(flags));
        }
        if reserved != 0 {
            return Err(Corruption::FrameReserved(reserved));
        }
        let header = Self {
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            opcode: u16::from_le_bytes([o0, o1]),
            more: flags & MORE != 0,
            tag: u32::from_le_bytes([t0, t1, t2, t3]),
        };
        if header.more && header.length == 0 {
            // Without this rule a peer could feed us for ever without a message growing.
            return Err(Corruption::EmptyFragment {
                opcode: header.opcode,
                tag: header.tag,
            });
        }
        Ok(header)
    }

    /// Opcode and tag.
    pub(crate) fn received(&self) -> Received {
        Received {
            opcode: self.opcode,
            tag: self.tag,
        }
    }
}

/// The room that a frame with a body of `length` bytes takes in a ring, where
/// frames are 8-byte aligned.
pub(crate) fn room(length: usize) -> u64 {
    (HEADER + length.next_multiple_of(8)) as u64
}
