//! What the worker does for its supervisor.

use super::link::{self, FromWorker, LineReader, ToWorker};
use crate::status::WorkerStatus;
use anyhow::{Context, Result};
use parking_lot::Mutex;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use vamos_store::Store;

/// Serves the supervisor until it says stop, or is gone.
pub(super) fn serve(
    reader: &mut LineReader,
    stream: &UnixStream,
    store: &Arc<Store>,
    status: &dyn Fn() -> WorkerStatus,
) -> Result<()> {
    let answers = Arc::new(Mutex::new(stream.try_clone()?));
    let mut checkpoints = Checkpoints {
        store: store.clone(),
        answers: answers.clone(),
        under_way: None,
    };
    loop {
        match reader.read::<ToWorker>() {
            Ok(Some(ToWorker::Status)) => say(&answers, &FromWorker::Status(Box::new(status())))?,
            Ok(Some(ToWorker::Checkpoint)) => checkpoints.make()?,
            Ok(Some(ToWorker::EndCheckpoint)) => checkpoints.end(),
            Ok(Some(ToWorker::Stop)) => {
                tracing::info!("finishing");
                return Ok(());
            }
            Ok(None) => {
                tracing::warn!("vamosd is gone; finishing");
                return Ok(());
            }
            Err(error) => return Err(error).context("vamosd sent what makes no sense"),
        }
    }
}

fn say(answers: &Mutex<UnixStream>, message: &FromWorker) -> std::io::Result<()> {
    link::send(&mut *answers.lock(), message)
}

/// Makes checkpoints, on a thread of their own: what is in memory is written out
/// first, which takes its time.
struct Checkpoints {
    store: Arc<Store>,
    answers: Arc<Mutex<UnixStream>>,
    under_way: Option<JoinHandle<()>>,
}

impl Checkpoints {
    fn make(&mut self) -> std::io::Result<()> {
        self.wait();
        let (store, answers) = (self.store.clone(), self.answers.clone());
        let span = tracing::Span::current();
        let make = move || {
            let _span = span.entered();
            let made = store.make_checkpoint().map_err(|error| error.to_string());
            drop(store);
            match &made {
                Ok(path) => tracing::info!(path = %path.display(), "checkpoint made, for a backup"),
                Err(error) => tracing::warn!(error, "no checkpoint could be made"),
            }
            if let Err(error) = say(&answers, &FromWorker::Checkpoint(made)) {
                tracing::debug!(%error, "vamosd is gone");
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".into());
        self.under_way = Some(thread.spawn(make)?);
        Ok(())
    }

    fn end(&mut self) {
        self.wait();
        if let Err(error) = self.store.remove_checkpoint() {
            tracing::warn!(%error, "the checkpoint stays for now");
        }
    }

    fn wait(&mut self) {
        if let Some(thread) = self.under_way.take()
            && thread.join().is_err()
        {
            tracing::error!("making a checkpoint ended by a panic");
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.end();
    }
}
