//! The way to a running worker, and what comes back on it.
//!
//! A worker may have been taken over by its guest, and vamosd serves all guests:
//! of each kind of answer one is kept, however many come that nobody asked for.

use crate::status::WorkerStatus;
use crate::worker::link::{FromWorker, LineReader};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Where a checkpoint is, or why there is none.
pub(super) type Checkpoint = Result<PathBuf, String>;

/// Our end of the link to a running worker.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) stream: UnixStream,
    pub(super) answers: Receiver<WorkerStatus>,
}

/// Where the worker's answers go.
#[derive(Debug)]
pub(super) struct Answers {
    status: SyncSender<WorkerStatus>,
    checkpoint: SyncSender<Checkpoint>,
}

impl Answers {
    /// With the places where they arrive. Whoever asks takes out first what lies
    /// there: it was for somebody who had no more patience, or for nobody.
    pub(super) fn new() -> (Self, Receiver<WorkerStatus>, Receiver<Checkpoint>) {
        let (status, statuses) = sync_channel(1);
        let (checkpoint, checkpoints) = sync_channel(1);
        (Self { status, checkpoint }, statuses, checkpoints)
    }

    /// Hears what the worker says until it hangs up; why it failed, if it said so.
    pub(super) fn hear(&self, reader: &mut LineReader, when_ready: impl Fn()) -> Option<String> {
        let mut reason = None;
        loop {
            match reader.read() {
                Ok(Some(FromWorker::Ready)) => when_ready(),
                // Full: there is an answer that nobody has taken.
                Ok(Some(FromWorker::Status(status))) => drop(self.status.try_send(*status)),
                Ok(Some(FromWorker::Checkpoint(made))) => drop(self.checkpoint.try_send(made)),
                Ok(Some(FromWorker::Failed(why))) => reason = Some(why),
                Ok(None) => return reason,
                Err(error) => return reason.or_else(|| Some(error.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::link;

    #[test]
    fn answers_that_nobody_asked_for_are_not_kept() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let worker = std::thread::spawn(move || {
            for number in 0..1000 {
                let made = Err(format!("{number}"));
                link::send(&mut theirs, &FromWorker::Checkpoint(made)).unwrap();
            }
            link::send(&mut theirs, &FromWorker::Failed("enough".into())).unwrap();
        });
        let (answers, _statuses, checkpoints) = Answers::new();
        let reason = answers.hear(&mut LineReader::new(ours), || {});
        worker.join().unwrap();
        assert_eq!(reason.as_deref(), Some("enough"));
        assert_eq!(checkpoints.try_iter().count(), 1);
    }

    #[test]
    fn who_takes_the_old_answer_out_gets_the_new_one() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (answers, _statuses, checkpoints) = Answers::new();
        let keeper = std::thread::spawn(move || answers.hear(&mut LineReader::new(ours), || {}));
        for place in ["/old", "/new"] {
            let made = Ok(PathBuf::from(place));
            link::send(&mut theirs, &FromWorker::Checkpoint(made.clone())).unwrap();
            assert_eq!(checkpoints.recv().unwrap(), made);
        }
        drop(theirs);
        assert_eq!(keeper.join().unwrap(), None);
    }
}
