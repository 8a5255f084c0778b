//! What waits to be sent.

use crate::LaneError;
use std::collections::VecDeque;

/// A message of which the rest waits.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) opcode: u16,
    pub(super) tag: u32,
    body: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    /// What is still to be sent.
    pub(super) fn rest(&self) -> &[u8] {
        &self.body[self.sent..]
    }
}

/// Messages in the order in which they are to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
    bytes: usize,
}

impl Outbox {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait, with some for each message's own overhead.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + 64 * self.queue.len()
    }

    /// Adds what is left of a message.
    pub(super) fn push(&mut self, opcode: u16, tag: u32, rest: &[u8]) -> Result<(), LaneError> {
        let mut body = Vec::new();
        body.try_reserve_exact(rest.len())
            .map_err(|_| LaneError::OutOfMemory { length: rest.len() })?;
        body.extend_from_slice(rest);
        self.bytes += rest.len();
        self.queue.push_back(Outgoing {
            opcode,
            tag,
            body,
            sent: 0,
        });
        Ok(())
    }

    /// The message that comes next.
    pub(super) fn front(&self) -> Option<&Outgoing> {
        self.queue.front()
    }

    /// Notes that so much of it was sent, and whether that completed it.
    pub(super) fn sent(&mut self, count: usize, complete: bool) {
        self.bytes -= count;
        if complete {
            self.queue.pop_front();
        } else if let Some(front) = self.queue.front_mut() {
            front.sent += count;
        }
    }
}
