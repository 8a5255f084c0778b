//! Giving others their turn.

use std::future::poll_fn;
use std::task::Poll;

/// Lets the other tasks that can go on run first.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
