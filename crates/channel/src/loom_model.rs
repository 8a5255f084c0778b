//! The model of the ring and of going to sleep, in which loom tries every
//! interleaving and every reordering that the memory model allows. A lost
//! wake-up shows as a deadlock, a broken hand-over of bytes as a data race.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p vamos-channel --release loom`

use crate::ring::{Bell, Consumer, Producer, RingMemory, Word};
use crate::sleeper::{Sleeper, Wants};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use std::mem::MaybeUninit;

/// Four frames without a body fill it.
const CAPACITY: usize = 64;

/// A ring's memory. Its bytes are plain cells: loom reports two accesses that
/// are not ordered.
#[derive(Clone)]
struct Memory(Arc<Inner>);

struct Inner {
    words: [AtomicU64; 4],
    slots: Vec<UnsafeCell<u64>>,
}

impl Memory {
    fn new() -> Self {
        let slots = (0..CAPACITY / 8).map(|_| UnsafeCell::new(0)).collect();
        Self(Arc::new(Inner {
            words: Word::ALL.map(|_| AtomicU64::new(0)),
            slots,
        }))
    }

    fn slot(&self, position: usize) -> &UnsafeCell<u64> {
        &self.0.slots[position % CAPACITY / 8]
    }
}

// SAFETY: `read` initialises each byte. That accesses to a slot are ordered is
// what the model checks.
unsafe impl RingMemory for Memory {
    fn capacity(&self) -> u64 {
        CAPACITY as u64
    }

    fn load(&self, word: Word, order: Ordering) -> u64 {
        self.0.words[word as usize].load(order)
    }

    fn store(&self, word: Word, value: u64, order: Ordering) {
        self.0.words[word as usize].store(value, order);
    }

    fn write(&self, position: u64, bytes: &[u8]) {
        for (i, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: loom panics if anyone else accesses the slot now.
            self.slot(position as usize + 8 * i)
                .with_mut(|slot| unsafe { *slot = u64::from_ne_bytes(*word) });
        }
    }

    fn read(&self, position: u64, out: &mut [MaybeUninit<u8>]) {
        for (i, word) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            // SAFETY: loom panics if anyone writes the slot now.
            let value = self.slot(position as usize + 8 * i).with(|slot| unsafe { *slot });
            *word = value.to_ne_bytes().map(MaybeUninit::new);
        }
    }
}

/// A socket that carries doorbells.
#[derive(Clone)]
struct Doorbell(Arc<(Mutex<u32>, Condvar)>);

impl Doorbell {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(0), Condvar::new())))
    }

    fn ring(&self) {
        *self.0.0.lock().unwrap() += 1;
        self.0.1.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.0.0.lock().unwrap();
        while *rung == 0 {
            rung = self.0.1.wait(rung).unwrap();
        }
        *rung = 0;
    }
}

fn push(producer: &mut Producer<Memory>, tag: u32) -> bool {
    producer.push(1, tag, b"").unwrap().is_some()
}

/// The tag of the next frame, and whether the producer's wish must be looked at.
fn take(consumer: &mut Consumer<Memory>) -> Option<(u32, bool)> {
    let frame = consumer.peek().unwrap()?;
    let freed = consumer.take(&frame, &mut Vec::new());
    Some((frame.header.tag, freed))
}

/// Tries all interleavings, or those with so many preemptions.
fn check(bound: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.check(model);
}

const INPUT: Wants = Wants {
    input: true,
    space: false,
};
const SPACE: Wants = Wants {
    input: false,
    space: true,
};

#[test]
fn a_frame_is_seen_whole_and_never_overwritten_before_it_was_read() {
    check(None, || {
        let memory = Memory::new();
        let mut producer = Producer::new(memory.clone());
        (0..4).for_each(|tag| assert!(push(&mut producer, tag)));
        let writer = thread::spawn(move || {
            for tag in 4..6 {
                while !push(&mut producer, tag) {
                    thread::yield_now();
                }
            }
        });
        let mut consumer = Consumer::new(memory);
        for expected in 0..6 {
            loop {
                if let Some((tag, _)) = take(&mut consumer) {
                    assert_eq!(tag, expected);
                    break;
                }
                thread::yield_now();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_consumer_that_sleeps_is_woken_by_the_next_message() {
    check(None, || {
        let (memory, unused, bell) = (Memory::new(), Memory::new(), Doorbell::new());
        let mut producer = Producer::new(memory.clone());
        let rings = bell.clone();
        let writer = thread::spawn(move || {
            let mut wake = Bell::default();
            for tag in 0..2 {
                assert!(push(&mut producer, tag));
                if wake.is_wanted(producer.memory(), Word::ConsumerSleeps) {
                    rings.ring();
                }
            }
        });
        let sleeper = Sleeper::new(unused, memory.clone());
        let mut consumer = Consumer::new(memory);
        for expected in 0..2 {
            loop {
                if let Some((tag, _)) = take(&mut consumer) {
                    assert_eq!(tag, expected);
                    sleeper.mirror((consumer.position(), 0), false);
                    break;
                }
                if !sleeper.begin(INPUT) {
                    bell.wait();
                }
                sleeper.end();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn one_doorbell_after_several_messages_is_enough() {
    check(None, || {
        let (memory, unused, bell) = (Memory::new(), Memory::new(), Doorbell::new());
        let mut producer = Producer::new(memory.clone());
        let rings = bell.clone();
        let writer = thread::spawn(move || {
            assert!(push(&mut producer, 0) && push(&mut producer, 1));
            if Bell::default().is_wanted(producer.memory(), Word::ConsumerSleeps) {
                rings.ring();
            }
        });
        let sleeper = Sleeper::new(unused, memory.clone());
        let mut consumer = Consumer::new(memory);
        let mut taken = 0;
        while taken < 2 {
            match take(&mut consumer) {
                Some(_) => taken += 1,
                None => {
                    sleeper.mirror((consumer.position(), 0), false);
                    if !sleeper.begin(INPUT) {
                        bell.wait();
                    }
                    sleeper.end();
                }
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_producer_that_sleeps_is_woken_when_there_is_room() {
    check(None, || {
        let (memory, unused, bell) = (Memory::new(), Memory::new(), Doorbell::new());
        let mut producer = Producer::new(memory.clone());
        (0..4).for_each(|tag| assert!(push(&mut producer, tag)));
        let rings = bell.clone();
        let reader = thread::spawn(move || {
            let mut consumer = Consumer::new(memory);
            let mut wake = Bell::default();
            for _ in 0..4 {
                let (_, freed) = take(&mut consumer).unwrap();
                if freed && wake.is_wanted(consumer.memory(), Word::ProducerSleeps) {
                    rings.ring();
                }
            }
        });
        let sleeper = Sleeper::new(producer.memory().clone(), unused);
        while !push(&mut producer, 4) {
            sleeper.mirror((0, producer.position()), true);
            if !sleeper.begin(SPACE) {
                bell.wait();
            }
            sleeper.end();
        }
        reader.join().unwrap();
    });
}

/// The poller of a host sleeps on a lane whose owner is another thread.
#[test]
fn a_poller_misses_no_message_that_the_lanes_owner_has_not_taken() {
    // Without a bound it takes three quarters of a minute, and finds nothing more.
    check(Some(5), || {
        let (memory, unused, bell) = (Memory::new(), Memory::new(), Doorbell::new());
        let mut producer = Producer::new(memory.clone());
        assert!(push(&mut producer, 0));
        let sleeper = Arc::new(Sleeper::new(unused, memory.clone()));

        let guest_rings = bell.clone();
        let guest = thread::spawn(move || {
            assert!(push(&mut producer, 1));
            if Bell::default().is_wanted(producer.memory(), Word::ConsumerSleeps) {
                guest_rings.ring();
            }
        });
        let (owned, owner_rings) = (Arc::clone(&sleeper), bell.clone());
        let owner = thread::spawn(move || {
            let mut consumer = Consumer::new(memory);
            let mut taken = 0;
            while take(&mut consumer).is_some() {
                taken += 1;
                owned.mirror((consumer.position(), 0), false);
            }
            // Who has taken everything leaves nothing to wake the poller for.
            if taken == 2 {
                owner_rings.ring();
            }
        });
        if !sleeper.begin(INPUT) {
            bell.wait();
        }
        sleeper.end();
        guest.join().unwrap();
        owner.join().unwrap();
    });
}
