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

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::counters::Tally;
    use crate::shared::{Mapping, RingMap};
    use crate::socket::Socket;
    use proptest::prelude::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    use std::os::fd::AsFd;
    use std::sync::Arc;

    /// Two rings of a page each, in memory that is not the test's own.
    fn rings(capacity: usize) -> (RingMap, RingMap) {
        let fd = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let size = 4096 + 2 * capacity;
        rustix::fs::ftruncate(&fd, size as u64).unwrap();
        let mapping = Arc::new(Mapping::new(fd.as_fd(), 0, size).unwrap());
        let ring = |i: usize| mapping.ring(512 * i, 4096 + capacity * i, capacity).unwrap();
        (ring(0), ring(1))
    }

    fn socket() -> Socket {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (one, _other) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        Socket::accepted(one)
    }

    fn message() -> impl Strategy<Value = (u16, u32, Vec<u8>)> {
        let length = prop_oneof![0_usize..64, 900_usize..1100, 0_usize..20_000];
        (
            any::<u16>(),
            any::<u32>(),
            length.prop_flat_map(|n| prop::collection::vec(any::<u8>(), n)),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is sent arrives, in order, whole, however often the ring
        /// wraps and however the two sides take turns.
        #[test]
        fn messages_of_all_sizes_survive_all_wraps(
            messages in prop::collection::vec(message(), 1..40),
            turns in prop::collection::vec(0_usize..6, 1..30),
            capacity in prop::sample::select(vec![4096_usize, 8192]),
        ) {
            let (there, back) = rings(capacity);
            let (tally, socket) = (Tally::default(), socket());
            let means = Means { socket: &socket, tally: &tally };
            let mut sender = RingPath::new(there.clone(), back.clone());
            let mut receiver = RingPath::new(back, there);
            let mut assembler = Assembler::new(1 << 20);
            let (mut sent, mut at, mut received) = (0, 0, 0);
            let mut body = vec![1, 2, 3];
            for turn in turns.iter().cycle() {
                for _ in 0..*turn {
                    let Some((opcode, tag, message)) = messages.get(sent) else { break };
                    let Some(count) = sender.push(*opcode, *tag, &message[at..]).unwrap() else { break };
                    at += count;
                    if at == message.len() {
                        (sent, at) = (sent + 1, 0);
                    }
                }
                if let Some(got) = receiver.receive(means, &mut assembler, &mut body).unwrap() {
                    let (opcode, tag, message) = &messages[received];
                    prop_assert_eq!(got, Received { opcode: *opcode, tag: *tag });
                    prop_assert!(body == *message);
                    received += 1;
                }
                if received == messages.len() {
                    break;
                }
                if turns.iter().all(|turn| *turn == 0) {
                    return Ok(());
                }
            }
            prop_assert!(!receiver.has_input());
        }

        /// Whatever is in the ring, and whatever its words say, a receiver
        /// comes to an end, with a message, without one, or with an error.
        #[test]
        fn a_ring_of_anything_is_survived(
            content in prop::collection::vec(prop_oneof![Just(0_u8), Just(1_u8), any::<u8>()], 4096),
            heads in prop::collection::vec(prop_oneof![0_u64..64, 0_u64..5000, any::<u64>()], 1..8),
        ) {
            let (there, back) = rings(4096);
            there.write(0, &content);
            let (tally, socket) = (Tally::default(), socket());
            let means = Means { socket: &socket, tally: &tally };
            let mut receiver = RingPath::new(back.clone(), there.clone());
            let mut assembler = Assembler::new(10_000);
            let mut body = Vec::new();
            for head in heads {
                there.store(Word::Head, head & !7, std::sync::atomic::Ordering::Release);
                back.store(Word::Tail, head, std::sync::atomic::Ordering::Release);
                let _ = receiver.push(1, 1, &content);
                if receiver.receive(means, &mut assembler, &mut body).is_err() {
                    break;
                }
                prop_assert!(body.len() <= 10_000);
            }
        }
    }
}
