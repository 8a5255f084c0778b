//! Puts messages together that came in more than one frame.

use crate::frame::Header;
use crate::{Corruption, LaneError, Received};

/// The message that is on its way in.
#[derive(Debug)]
pub(crate) struct Assembler {
    /// The opcode and tag of a message of which a part is here.
    current: Option<Received>,
    /// That part.
    partial: Vec<u8>,
    /// The longest message.
    limit: usize,
}

impl Assembler {
    /// Messages up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            current: None,
            partial: Vec::new(),
            limit,
        }
    }

    /// Checks a frame against the message that it belongs to, and returns
    /// where its body must be appended, with the room reserved: to `body` if
    /// the frame is the whole message, and to our own part otherwise.
    pub(crate) fn target<'a>(
        &'a mut self,
        header: &Header,
        body: &'a mut Vec<u8>,
    ) -> Result<&'a mut Vec<u8>, LaneError> {
        if let Some(current) = self.current
            && current != header.received()
        {
            return Err(foreign(header, current).into());
        }
        let more = header.length as usize;
        // Both are far from the end of usize: `limit` bounds the first.
        let length = self.partial.len() + more;
        if length > self.limit {
            let Header { opcode, tag, .. } = *header;
            return Err(Corruption::MessageTooLong {
                opcode,
                tag,
                length,
                limit: self.limit,
            }
            .into());
        }
        let target = if self.current.is_none() && !header.more {
            body
        } else {
            &mut self.partial
        };
        if self.current.is_none() {
            target.clear();
        }
        // Memory is taken as bytes come, never for what is only announced.
        target
            .try_reserve(more)
            .map_err(|_| LaneError::OutOfMemory { length })?;
        Ok(target)
    }

    /// Notes that the frame's body was appended. If the message is complete,
    /// it is in `body` now.
    pub(crate) fn appended(&mut self, header: &Header, body: &mut Vec<u8>) -> Option<Received> {
        if header.more {
            self.current = Some(header.received());
            return None;
        }
        if self.current.take().is_some() {
            std::mem::swap(body, &mut self.partial);
            self.partial.clear();
        }
        Some(header.received())
    }
}

fn foreign(header: &Header, current: Received) -> Corruption {
    Corruption::ForeignFragment {
        opcode: header.opcode,
        tag: header.tag,
        expected_opcode: current.opcode,
        expected_tag: current.tag,
    }
}
