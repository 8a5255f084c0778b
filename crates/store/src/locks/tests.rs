//! Scenarios with many owners in one thread: futures are polled by hand, so that
//! each step's outcome is certain.

use super::{Acquired, Introduction, LockTable, Mode, Owner, Patience};
use crate::StoreError;
use crate::keys::FullKey;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use vamos_proto::LockWait;

const LONG: Duration = Duration::from_secs(3600);

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type Outcome = Result<Acquired, StoreError>;

struct Attempt<'o> {
    future: Pin<Box<dyn Future<Output = Outcome> + Send + 'o>>,
    woken: Arc<Flag>,
}

impl Attempt<'_> {
    fn poll(&mut self) -> Poll<Outcome> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }

    /// Asserts that it was woken and has its lock.
    fn granted_after_wait(mut self) {
        assert!(self.is_woken());
        assert!(matches!(self.poll(), Poll::Ready(Ok(Acquired::AfterWait))));
    }
}

fn start<'o>(owner: &'o mut Owner, key: &'o FullKey, mode: Mode, timeout: Duration) -> Attempt<'o> {
    Attempt {
        future: Box::pin(async move {
            let mut patience = Patience::new(timeout);
            owner.acquire(key, mode, LockWait::Wait, &mut patience).await
        }),
        woken: Arc::new(Flag(AtomicBool::new(false))),
    }
}

/// Starts and asserts that it waits.
fn waits<'o>(owner: &'o mut Owner, key: &'o FullKey, mode: Mode) -> Attempt<'o> {
    let mut attempt = start(owner, key, mode, LONG);
    assert!(attempt.poll().is_pending());
    attempt
}

fn takes(owner: &mut Owner, key: &FullKey, mode: Mode) {
    let outcome = start(owner, key, mode, LONG).poll();
    assert!(
        matches!(outcome, Poll::Ready(Ok(Acquired::AtOnce))),
        "{outcome:?}"
    );
}

fn keys() -> [FullKey; 3] {
    [b"a", b"b", b"c"].map(|key| FullKey::from(&key[..]))
}

fn owners<const N: usize>() -> (Arc<LockTable>, [Owner; N]) {
    let table = LockTable::new(1000);
    let owners = std::array::from_fn(|_| table.owner(Introduction::default()));
    (table, owners)
}

#[test]
fn shared_locks_go_together_and_exclude_exclusive() {
    let [a, ..] = keys();
    let (_, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Shared);
    takes(&mut two, &a, Mode::Shared);
    let three = waits(&mut three, &a, Mode::Exclusive);
    drop(one);
    assert!(!three.is_woken());
    drop(two);
    three.granted_after_wait();
}

#[test]
fn held_lock_is_granted_again() {
    let [a, ..] = keys();
    let (table, [mut one]) = owners();
    takes(&mut one, &a, Mode::Exclusive);
    takes(&mut one, &a, Mode::Exclusive);
    takes(&mut one, &a, Mode::Shared);
    assert_eq!(table.counts().held, 1);
    drop(one);
    assert_eq!(table.counts().held, 0);
}

#[test]
fn queue_is_served_in_order_and_reader_does_not_overtake() {
    let [a, ..] = keys();
    let (_, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Shared);
    let writer = waits(&mut two, &a, Mode::Exclusive);
    let reader = waits(&mut three, &a, Mode::Shared);
    drop(one);
    assert!(!reader.is_woken());
    writer.granted_after_wait();
    drop(two);
    reader.granted_after_wait();
}

#[test]
fn upgrade_goes_before_the_queue() {
    let [a, ..] = keys();
    let (_, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Shared);
    takes(&mut two, &a, Mode::Shared);
    let other = waits(&mut three, &a, Mode::Exclusive);
    let upgrade = waits(&mut one, &a, Mode::Exclusive);
    drop(two);
    assert!(!other.is_woken());
    upgrade.granted_after_wait();
    drop(one);
    other.granted_after_wait();
}

#[test]
fn two_upgrades_are_a_deadlock() {
    let [a, ..] = keys();
    let (table, [mut one, mut two]) = owners();
    takes(&mut one, &a, Mode::Shared);
    takes(&mut two, &a, Mode::Shared);
    let first = waits(&mut one, &a, Mode::Exclusive);
    let second = start(&mut two, &a, Mode::Exclusive, LONG).poll();
    assert!(matches!(second, Poll::Ready(Err(StoreError::Deadlock))));
    assert_eq!(table.counts().deadlocks, 1);
    drop(two);
    first.granted_after_wait();
}

#[test]
fn circle_of_three_is_found_by_the_last() {
    let [a, b, c] = keys();
    let (_, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Exclusive);
    takes(&mut two, &b, Mode::Exclusive);
    takes(&mut three, &c, Mode::Exclusive);
    let _first = waits(&mut one, &b, Mode::Exclusive);
    let second = waits(&mut two, &c, Mode::Exclusive);
    let third = start(&mut three, &a, Mode::Shared, LONG).poll();
    assert!(matches!(third, Poll::Ready(Err(StoreError::Deadlock))));
    drop(three);
    second.granted_after_wait();
}

#[test]
fn circle_through_a_place_in_the_queue_is_found() {
    let [a, b, _] = keys();
    let (_, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Shared);
    takes(&mut three, &b, Mode::Exclusive);
    let mut writer = waits(&mut two, &a, Mode::Exclusive);
    // Three waits behind two, which waits for one.
    let reader = waits(&mut three, &a, Mode::Shared);
    let last = waits(&mut one, &b, Mode::Shared);
    // Two holds nothing: it gives way.
    assert!(writer.is_woken());
    assert!(matches!(writer.poll(), Poll::Ready(Err(StoreError::Deadlock))));
    reader.granted_after_wait();
    drop(three);
    last.granted_after_wait();
}

#[test]
fn dropped_wait_leaves_the_queue_and_lets_others_pass() {
    let [a, ..] = keys();
    let (table, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Shared);
    let writer = waits(&mut two, &a, Mode::Exclusive);
    let reader = waits(&mut three, &a, Mode::Shared);
    drop(writer);
    reader.granted_after_wait();
    assert_eq!(table.counts().waiting, 0);
    drop((one, two, three));
    assert_eq!(table.counts().held, 0);
}

#[test]
fn lock_granted_to_a_dropped_wait_is_released_with_its_owner() {
    let [a, ..] = keys();
    let (table, [mut one, mut two, mut three]) = owners();
    takes(&mut one, &a, Mode::Exclusive);
    let attempt = waits(&mut two, &a, Mode::Exclusive);
    drop(one);
    assert!(attempt.is_woken());
    drop(attempt);
    let third = waits(&mut three, &a, Mode::Exclusive);
    drop(two);
    third.granted_after_wait();
    drop(three);
    assert_eq!(table.counts().held, 0);
}

#[test]
fn wait_times_out_on_time_and_others_go_on() {
    let [a, ..] = keys();
    let (table, [mut one, mut two, mut three]) = owners();
    let timeouts = std::thread::spawn({
        let table = Arc::clone(&table);
        move || table.run_timeouts()
    });
    takes(&mut one, &a, Mode::Shared);
    let begin = Instant::now();
    let timeout = Duration::from_millis(50);
    let mut writer = start(&mut two, &a, Mode::Exclusive, timeout);
    assert!(writer.poll().is_pending());
    let reader = waits(&mut three, &a, Mode::Shared);
    while !reader.is_woken() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let waited = begin.elapsed();
    assert!(waited >= timeout && waited < timeout * 10, "{waited:?}");
    let outcome = writer.poll();
    assert!(matches!(
        outcome,
        Poll::Ready(Err(StoreError::LockWaitTimeout { waited_ms: 50 }))
    ));
    reader.granted_after_wait();
    assert_eq!(table.counts().timeouts, 1);
    table.stop();
    timeouts.join().unwrap();
}

#[test]
fn requests_that_do_not_wait_say_so() {
    let [a, ..] = keys();
    let (_, [mut one, mut two]) = owners();
    takes(&mut one, &a, Mode::Exclusive);
    let mut patience = Patience::new(LONG);
    let fail = pollster::block_on(two.acquire(&a, Mode::Shared, LockWait::Fail, &mut patience));
    assert!(matches!(fail, Err(StoreError::LockNotAvailable)));
    let skip = pollster::block_on(two.acquire(&a, Mode::Shared, LockWait::Skip, &mut patience));
    assert!(matches!(skip, Ok(Acquired::Skipped)));
}

#[test]
fn number_of_locks_is_limited() {
    let table = LockTable::new(2);
    let mut one = table.owner(Introduction::default());
    let [a, b, c] = keys();
    takes(&mut one, &a, Mode::Exclusive);
    takes(&mut one, &b, Mode::Exclusive);
    let outcome = start(&mut one, &c, Mode::Exclusive, LONG).poll();
    assert!(matches!(
        outcome,
        Poll::Ready(Err(StoreError::TooManyLocks { limit: 2 }))
    ));
    takes(&mut one, &a, Mode::Shared);
}

#[test]
fn many_threads_on_few_keys_lose_no_wake_up() {
    let table = LockTable::new(1_000_000);
    let timeouts = std::thread::spawn({
        let table = Arc::clone(&table);
        move || table.run_timeouts()
    });
    let threads: Vec<_> = (0..8u64)
        .map(|seed| {
            let table = Arc::clone(&table);
            std::thread::spawn(move || hammer(&table, seed))
        })
        .collect();
    let deadlocks: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let counts = table.counts();
    assert_eq!((counts.held, counts.waiting, counts.timeouts), (0, 0, 0));
    assert_eq!(counts.deadlocks, deadlocks);
    table.stop();
    timeouts.join().unwrap();
}

/// Takes random locks in random order; returns how many deadlocks it met.
fn hammer(table: &Arc<LockTable>, seed: u64) -> u64 {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |n: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % n
    };
    let keys: Vec<_> = (0..6u8).map(|i| FullKey::from(&[i][..])).collect();
    let mut deadlocks = 0;
    for _ in 0..2000 {
        let mut owner = table.owner(Introduction::default());
        for _ in 0..3 {
            let key = &keys[next(6) as usize];
            let mode = [Mode::Shared, Mode::Exclusive][next(2) as usize];
            let mut patience = Patience::new(Duration::from_secs(20));
            match pollster::block_on(owner.acquire(key, mode, LockWait::Wait, &mut patience)) {
                Ok(_) => {}
                Err(StoreError::Deadlock) => {
                    deadlocks += 1;
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    deadlocks
}
