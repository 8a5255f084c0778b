//! Messages that were read while a request was waiting.

use std::collections::VecDeque;
use vamos_proto::{DecodeError, Request};

/// A message as it came.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) opcode: u16,
    pub(super) tag: u32,
    pub(super) body: Vec<u8>,
    /// A `Cancel` came for it before its turn.
    pub(super) cancelled: bool,
}

impl Message {
    /// The tag that it cancels, if it is a `Cancel`.
    pub(super) fn cancels(&self) -> Result<Option<u32>, DecodeError> {
        if self.opcode != Request::Cancel(0).opcode() {
            return Ok(None);
        }
        match Request::decode(self.opcode, &self.body)? {
            Request::Cancel(tag) => Ok(Some(tag)),
            _ => Ok(None),
        }
    }
}

/// A bounded queue of messages.
#[derive(Debug)]
pub(super) struct Inbox {
    messages: VecDeque<Message>,
    bytes: usize,
    limit: (usize, usize),
}

impl Inbox {
    /// A queue of at most so many messages; and none is taken in once they have
    /// so many bytes.
    pub(super) fn new(limit: (usize, usize)) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.messages.len() < self.limit.0 && self.bytes < self.limit.1
    }

    /// Appends a message. A `Cancel` is not appended if what it cancels is here
    /// and waits for its turn.
    pub(super) fn push(&mut self, message: Message) -> Result<(), DecodeError> {
        if let Some(tag) = message.cancels()?
            && let Some(cancelled) = self.messages.iter_mut().find(|message| message.tag == tag)
        {
            cancelled.cancelled = true;
            return Ok(());
        }
        self.bytes += message.body.len();
        self.messages.push_back(message);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.body.len();
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(request: &Request<'_>, tag: u32) -> Message {
        let mut body = Vec::new();
        let opcode = request.encode(&mut body);
        Message {
            opcode,
            tag,
            body,
            cancelled: false,
        }
    }

    #[test]
    fn a_cancel_marks_what_waits_for_its_turn() {
        let mut inbox = Inbox::new((4, 100));
        inbox.push(message(&Request::Ping(()), 1)).unwrap();
        inbox.push(message(&Request::Ping(()), 2)).unwrap();
        inbox.push(message(&Request::Cancel(2), 3)).unwrap();
        inbox.push(message(&Request::Cancel(9), 4)).unwrap();
        let order: Vec<_> = std::iter::from_fn(|| inbox.pop())
            .map(|message| (message.tag, message.cancelled))
            .collect();
        assert_eq!(order, [(1, false), (2, true), (4, false)]);
    }

    #[test]
    fn it_takes_only_so_much() {
        let mut inbox = Inbox::new((2, 3));
        inbox.push(message(&Request::DropTable("abc"), 1)).unwrap();
        assert!(!inbox.has_room());
        inbox.pop().unwrap();
        assert!(inbox.has_room());
        inbox.push(message(&Request::Ping(()), 1)).unwrap();
        inbox.push(message(&Request::Ping(()), 1)).unwrap();
        assert!(!inbox.has_room());
    }
}
