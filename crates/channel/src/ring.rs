//! A ring of bytes with one producer and one consumer who do not trust each
//! other.
//!
//! Positions are free-running counts of bytes. Each side keeps its own
//! position to itself and writes a copy into the window for the other; what it
//! reads there it checks against what can be.

use crate::Corruption;
use crate::frame::{HEADER, Header, room};
use crate::shared::{append_from, copy_from};
use crate::sync::{AtomicU64, Ordering, fence};
use std::mem::MaybeUninit;

/// The words that a ring's two sides tell each other. Each has one writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Bytes ever produced; the producer writes it.
    Head = 0,
    /// Bytes ever consumed; the consumer writes it.
    Tail = 1,
    /// Not 0: the consumer wants a doorbell when there is something to read.
    ConsumerSleeps = 2,
    /// Not 0: the producer wants a doorbell when half of the ring is free.
    ProducerSleeps = 3,
}

impl Word {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Head, Self::Tail, Self::ConsumerSleeps, Self::ProducerSleeps];
}

/// The memory of a ring: in a mapping, or in a model of one. Any position is
/// valid: it is taken modulo the capacity.
///
/// # Safety
/// [`read`](Self::read) must initialise all of the slice that it is given.
pub(crate) unsafe trait RingMemory {
    /// The bytes of the ring, a power of two.
    fn capacity(&self) -> u64;
    /// Reads one of the words.
    fn load(&self, word: Word, order: Ordering) -> u64;
    /// Writes one of the words.
    fn store(&self, word: Word, value: u64, order: Ordering);
    /// Writes bytes from a position that is a multiple of 8, padded to the next one.
    fn write(&self, position: u64, bytes: &[u8]);
    /// The next frame will be written from this position on: where the processor can, it
    /// fetches that memory for writing meanwhile.
    fn prepare(&self, _position: u64) {}
    /// Reads bytes from a position that is a multiple of 8 and fills all of `out`.
    fn read(&self, position: u64, out: &mut [MaybeUninit<u8>]);
}

/// The largest body of one frame in a ring of this capacity. With a quarter of
/// the ring, the two sides overlap their copying, and whoever finds half of
/// the ring free can go on.
pub(crate) fn max_fragment(capacity: u64) -> usize {
    capacity as usize / 4 - HEADER
}

/// Whether a producer that has gone to sleep wants to be woken: half of the
/// ring is free. An impossible position wakes it too, so that it finds out.
pub(crate) fn has_space<M: RingMemory>(memory: &M, head: u64) -> bool {
    // SYNC POINT: pairs with the Release in `Consumer::publish`.
    let used = head.wrapping_sub(memory.load(Word::Tail, Ordering::Acquire));
    used <= memory.capacity() / 2 || used > memory.capacity()
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Producer<M> {
    memory: M,
    head: u64,
    /// The consumer's last position that was accepted.
    tail: u64,
}

impl<M: RingMemory> Producer<M> {
    /// The writing end of a ring whose words are all 0.
    pub(crate) fn new(memory: M) -> Self {
        Self {
            memory,
            head: 0,
            tail: 0,
        }
    }

    /// The memory.
    pub(crate) fn memory(&self) -> &M {
        &self.memory
    }

    /// Bytes ever produced.
    pub(crate) fn position(&self) -> u64 {
        self.head
    }

    /// Writes the next frame of a message of which `rest` is still to be sent,
    /// and returns how much of it the frame took; `None` if there is no room.
    /// The message is complete when a frame has taken all of `rest`.
    pub(crate) fn push(&mut self, opcode: u16, tag: u32, rest: &[u8]) -> Result<Option<usize>, Corruption> {
        let length = rest.len().min(max_fragment(self.memory.capacity()));
        if !self.has_room(room(length))? {
            return Ok(None);
        }
        // A ring is at most 1 GiB, so a fragment's length fits.
        let header = Header {
            length: length as u32,
            opcode,
            more: length < rest.len(),
            tag,
        };
        self.memory.write(self.head, &header.encode());
        self.memory
            .write(self.head.wrapping_add(HEADER as u64), &rest[..length]);
        self.head = self.head.wrapping_add(room(length));
        // SYNC POINT: the Release makes the frame visible to a consumer that
        // sees this position with Acquire (`Consumer::has_input`, `available`).
        self.memory.store(Word::Head, self.head, Ordering::Release);
        // The consumer read it a lap ago and has it in its cache still: were it fetched
        // only when the next frame is written, that frame's position would wait for it.
        self.memory.prepare(self.head);
        Ok(Some(length))
    }

    /// Whether the next frame of a message of which so much is still to be
    /// sent would find room.
    pub(crate) fn has_room_for(&mut self, rest: usize) -> Result<bool, Corruption> {
        self.has_room(room(rest.min(max_fragment(self.memory.capacity()))))
    }

    fn has_room(&mut self, wanted: u64) -> Result<bool, Corruption> {
        if self.free() < wanted {
            self.refresh()?;
        }
        Ok(self.free() >= wanted)
    }

    fn free(&self) -> u64 {
        // Cannot underflow: `refresh` accepts no tail that is further back
        // than the last one, and `push` writes no more than is free.
        self.memory.capacity() - self.head.wrapping_sub(self.tail)
    }

    fn refresh(&mut self) -> Result<(), Corruption> {
        // SYNC POINT: pairs with the Release in `Consumer::publish`: what the
        // consumer has given back it has finished reading.
        let tail = self.memory.load(Word::Tail, Ordering::Acquire);
        let used = self.head.wrapping_sub(tail);
        if used > self.head.wrapping_sub(self.tail) || !tail.is_multiple_of(8) {
            return Err(Corruption::Tail {
                tail,
                former: self.tail,
                position: self.head,
            });
        }
        self.tail = tail;
        Ok(())
    }
}

/// What a look into the ring found.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its header.
    pub(crate) header: Header,
    /// Where its body begins.
    body: u64,
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Consumer<M> {
    memory: M,
    tail: u64,
    /// The producer's last position that was accepted.
    head: u64,
    /// The position that the producer was last told.
    published: u64,
}

impl<M: RingMemory> Consumer<M> {
    /// The reading end of a ring whose words are all 0.
    pub(crate) fn new(memory: M) -> Self {
        Self {
            memory,
            tail: 0,
            head: 0,
            published: 0,
        }
    }

    /// The memory.
    pub(crate) fn memory(&self) -> &M {
        &self.memory
    }

    /// Bytes ever consumed.
    pub(crate) fn position(&self) -> u64 {
        self.tail
    }

    /// Whether the producer's position differs from ours, be it right or not.
    pub(crate) fn has_input(&self) -> bool {
        // SYNC POINT: pairs with the Release in `Producer::push`.
        self.head != self.tail || self.memory.load(Word::Head, Ordering::Acquire) != self.tail
    }

    /// The next frame, if one is there; its header is copied out and checked.
    pub(crate) fn peek(&mut self) -> Result<Option<Frame>, Corruption> {
        let available = self.available()?;
        if available == 0 {
            return Ok(None);
        }
        // Positions are multiples of 8 and so is what a frame takes: if there
        // is something but no header, the producer did not follow the rules.
        if available < HEADER as u64 {
            return Err(Corruption::FrameLength { length: 0, available });
        }
        let header = Header::decode(&copy_from(&self.memory, self.tail))?;
        if room(header.length as usize) > available {
            return Err(Corruption::FrameLength {
                length: header.length,
                available,
            });
        }
        Ok(Some(Frame {
            header,
            body: self.tail.wrapping_add(HEADER as u64),
        }))
    }

    /// Appends the frame's body to `out` and gives its room back. Returns
    /// whether the producer may be waiting for what has been given back until
    /// now, so that its wish must be looked at.
    pub(crate) fn take(&mut self, frame: &Frame, out: &mut Vec<u8>) -> bool {
        let length = frame.header.length as usize;
        append_from(&self.memory, frame.body, length, out);
        self.tail = self.tail.wrapping_add(room(length));
        self.publish()
    }

    /// Tells the producer our position, but only every eighth of the ring: it
    /// waits for half of the ring, so it misses nothing, and the cache line
    /// stays where it is most of the time.
    fn publish(&mut self) -> bool {
        let capacity = self.memory.capacity();
        if self.tail.wrapping_sub(self.published) < capacity / 8 {
            return false;
        }
        // SYNC POINT: the Release makes sure that we have read the frames
        // before the producer sees that it may overwrite them
        // (`Producer::refresh`).
        self.memory.store(Word::Tail, self.tail, Ordering::Release);
        self.published = self.tail;
        self.head.wrapping_sub(self.tail) <= capacity / 2
    }

    fn available(&mut self) -> Result<u64, Corruption> {
        if self.head == self.tail {
            // SYNC POINT: pairs with the Release in `Producer::push`.
            let head = self.memory.load(Word::Head, Ordering::Acquire);
            let capacity = self.memory.capacity();
            if head.wrapping_sub(self.tail) > capacity || !head.is_multiple_of(8) {
                return Err(Corruption::Head {
                    head,
                    position: self.tail,
                    capacity,
                });
            }
            self.head = head;
        }
        Ok(self.head.wrapping_sub(self.tail))
    }
}

/// The sleeper's side of the hand-over: says that it sleeps, under a number
/// that it has not used before. Any thread may announce; who retracts must
/// look again before it sleeps.
#[derive(Debug)]
pub(crate) struct Wish {
    generation: AtomicU64,
}

impl Wish {
    /// No wish yet.
    pub(crate) fn new() -> Self {
        Self {
            generation: AtomicU64::new(0),
        }
    }

    /// Asks for a doorbell. After this, [`sleep_fence`], and a second look at
    /// what is waited for; only then sleep.
    pub(crate) fn announce<M: RingMemory>(&self, memory: &M, word: Word) {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        // SYNC POINT: ordered by `sleep_fence`, not by itself.
        memory.store(word, generation, Ordering::Relaxed);
    }

    /// Takes the wish back.
    pub(crate) fn retract<M: RingMemory>(memory: &M, word: Word) {
        memory.store(word, 0, Ordering::Relaxed);
    }
}

/// What stands between announcing a sleep and the second look.
pub(crate) fn sleep_fence() {
    // SYNC POINT: pairs with the fence in `Bell::is_wanted`. Of "wish, fence,
    // look at the position" here and "position, fence, look at the wish" there,
    // at least one side sees what the other wrote: no wake-up is lost.
    fence(Ordering::SeqCst);
}

/// The waker's side of the hand-over: rings once for each wish.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung_for: u64,
}

impl Bell {
    /// Whether the other side sleeps and was not rung for yet. Call it after
    /// what the other side waits for has been published.
    pub(crate) fn is_wanted<M: RingMemory>(&mut self, memory: &M, word: Word) -> bool {
        // SYNC POINT: pairs with `sleep_fence`.
        fence(Ordering::SeqCst);
        let wish = memory.load(word, Ordering::Relaxed);
        let wanted = wish != 0 && wish != self.rung_for;
        if wanted {
            self.rung_for = wish;
        }
        wanted
    }
}
