//! Waiting for the store while watching the lane.
//!
//! A request that waits for a lock holds no thread: its session's task is woken
//! by the store or by the lane, whichever comes first. So a `Cancel`, or the
//! lane's end, ends the wait at once.

use super::inbox::{Inbox, Message};
use crate::module::SessionEnd;
use crate::runtime::{Lane, LaneEnd};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

/// How a wait ended.
#[derive(Debug)]
pub(super) enum Raced<T> {
    /// The store has answered.
    Done(T),
    /// A message said to stop, or to do something else first.
    Interrupted,
}

/// What interrupts a wait.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// A `Cancel` of this tag.
    Cancelled(u32),
    /// A `Cancel` of any tag: what is cancelled waits for this work.
    AnyCancelled,
    /// Any message.
    Anything,
}

/// Waits for `work`, at most until a message that interrupts it. Dropping `work`
/// must end it, as the store promises for its futures.
pub(super) async fn race<T>(
    lane: &mut Lane,
    inbox: &mut Inbox,
    until: Until,
    work: impl Future<Output = T>,
) -> Result<Raced<T>, SessionEnd> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(Raced::Done(done)));
        }
        listen(lane, inbox, until, context).map(|heard| heard.map(|()| Raced::Interrupted))
    })
    .await
}

/// Takes in what the lane has; ready if it interrupts.
fn listen(
    lane: &mut Lane,
    inbox: &mut Inbox,
    until: Until,
    context: &mut Context<'_>,
) -> Poll<Result<(), SessionEnd>> {
    // What was read during an earlier wait is as good as what comes now.
    if matches!(until, Until::Anything) && !inbox.is_empty() {
        return Poll::Ready(Ok(()));
    }
    while inbox.has_room() {
        let mut body = Vec::new();
        let received = match lane.poll_recv(context, &mut body) {
            Poll::Ready(received) => received?,
            Poll::Pending => return Poll::Pending,
        };
        let message = Message {
            opcode: received.opcode,
            tag: received.tag,
            body,
            cancelled: false,
        };
        let misbehaved = |error: vamos_proto::DecodeError| SessionEnd::Misbehaved(error.to_string());
        let cancels = message.cancels().map_err(misbehaved)?;
        if let Until::Cancelled(tag) = until
            && cancels == Some(tag)
        {
            return Poll::Ready(Ok(()));
        }
        inbox.push(message).map_err(misbehaved)?;
        match until {
            Until::Anything => return Poll::Ready(Ok(())),
            Until::AnyCancelled if cancels.is_some() => return Poll::Ready(Ok(())),
            _ => {}
        }
    }
    lane.poll_end(context).map(|end: LaneEnd| Err(end.into()))
}
