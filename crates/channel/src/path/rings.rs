//! Messages in the window's rings.

use super::{Assembler, Means};
use crate::ring::{Bell, Consumer, Producer, RingMemory, Word};
use crate::{LaneError, Received};

/// One side's ends of a lane's two rings.
#[derive(Debug)]
pub(crate) struct RingPath<M> {
    outgoing: Producer<M>,
    incoming: Consumer<M>,
    /// Rung when the other side waits for messages.
    message_bell: Bell,
    /// Rung when the other side waits for room.
    space_bell: Bell,
    /// Something was sent since the last announcement.
    unannounced: bool,
}

impl<M: RingMemory> RingPath<M> {
    /// The ends of two rings whose words are all 0.
    pub(crate) fn new(outgoing: M, incoming: M) -> Self {
        Self {
            outgoing: Producer::new(outgoing),
            incoming: Consumer::new(incoming),
            message_bell: Bell::default(),
            space_bell: Bell::default(),
            unannounced: false,
        }
    }

    /// Bytes ever consumed and produced, for those who watch.
    pub(crate) fn positions(&self) -> (u64, u64) {
        (self.incoming.position(), self.outgoing.position())
    }

    /// Whether there is something to receive.
    pub(crate) fn has_input(&self) -> bool {
        self.incoming.has_input()
    }

    /// Whether the next frame of a message of which so much is still to be
    /// sent would find room. What cannot be counts as room: the sending finds out.
    pub(crate) fn has_room_for(&mut self, rest: usize) -> bool {
        self.outgoing.has_room_for(rest).unwrap_or(true)
    }

    pub(super) fn receive(
        &mut self,
        means: Means<'_>,
        assembler: &mut Assembler,
        body: &mut Vec<u8>,
    ) -> Result<Option<Received>, LaneError> {
        // Whatever the other side adds meanwhile, one call reads one ring at most.
        let start = self.incoming.position();
        while self.incoming.position().wrapping_sub(start) < self.incoming.memory().capacity() {
            let Some(frame) = self.incoming.peek()? else { break };
            let header = frame.header;
            let target = assembler.target(&header, body)?;
            if self.incoming.take(&frame, target)
                && self
                    .space_bell
                    .is_wanted(self.incoming.memory(), Word::ProducerSleeps)
            {
                means.tally.doorbells_rung.add(1);
                means.socket.ring()?;
            }
            means.tally.frames_received.add(1);
            means.tally.bytes_received.add(header.length.into());
            if let Some(received) = assembler.appended(&header, body) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    pub(super) fn push(&mut self, opcode: u16, tag: u32, rest: &[u8]) -> Result<Option<usize>, LaneError> {
        let pushed = self.outgoing.push(opcode, tag, rest)?;
        self.unannounced |= pushed.is_some();
        Ok(pushed)
    }

    pub(super) fn announce(&mut self, means: Means<'_>) -> Result<(), LaneError> {
        if !std::mem::take(&mut self.unannounced) {
            return Ok(());
        }
        if self
            .message_bell
            .is_wanted(self.outgoing.memory(), Word::ConsumerSleeps)
        {
            means.tally.doorbells_rung.add(1);
            means.socket.ring()
        } else {
            means.tally.doorbells_suppressed.add(1);
            Ok(())
        }
    }
}
