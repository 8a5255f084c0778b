//! A value that one thread gives and one future awaits.

use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// Gives the value.
#[derive(Debug)]
pub(crate) struct Giver<T>(Arc<Mutex<Slot<T>>>);

/// Awaits the value.
#[derive(Debug)]
pub(crate) struct Taker<T>(Arc<Mutex<Slot<T>>>);

pub(crate) fn pair<T>() -> (Giver<T>, Taker<T>) {
    let slot = Arc::new(Mutex::new(Slot {
        value: None,
        waker: None,
    }));
    (Giver(Arc::clone(&slot)), Taker(slot))
}

impl<T> Giver<T> {
    pub(crate) fn give(self, value: T) {
        let waker = {
            let mut slot = self.0.lock();
            slot.value = Some(value);
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Taker<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = self.0.lock();
        match slot.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
