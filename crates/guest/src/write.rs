//! Writes.

use crate::Error;
use crate::session::{Session, refusal};
use vamos_proto::{Request, Response, Write, Written};

/// Names a write whose answer has not been waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteTag(u32);

impl Session {
    /// Makes changes: all or none.
    ///
    /// # Errors
    /// As every request, and those of waiting for locks. A duplicate is no error
    /// but an answer.
    pub fn write(&mut self, write: Write<'_>) -> Result<Written, Error> {
        self.before_write(&write)?;
        let write = Write {
            answer: true,
            ..write
        };
        let result = self.exchange(&Request::Write(write), |response| match response {
            Response::Written(written) => Ok(written),
            other => Err(refusal(other, "a write")),
        });
        self.checked(result)
    }

    /// Makes changes without an answer. For changes that cannot be refused, or
    /// where a refusal may come later: the next call that reads, writes or
    /// settles reports it, at the latest the commit, which then does not happen.
    ///
    /// A duplicate is such a failure: use [`Session::write`] where there can be
    /// one.
    ///
    /// # Errors
    /// As every request.
    pub fn write_deferred(&mut self, write: Write<'_>) -> Result<(), Error> {
        self.before_write(&write)?;
        let result = match &mut self.connection {
            Some(connection) => connection.send_unanswered(write),
            None => Ok(()),
        };
        self.checked(result)
    }

    /// Waits until every deferred write is done.
    ///
    /// # Errors
    /// The failure of the first one that failed; [`Error::ConnectionLost`] if the
    /// transaction was lost, whoever has heard of that.
    pub fn settle_writes(&mut self) -> Result<(), Error> {
        if self.is_lost() {
            return self.connection().map(drop);
        }
        let result = self.settle();
        self.checked(result)
    }

    /// Makes changes without waiting for the answer, which
    /// [`Session::written`] gives later: in the order in which they were sent.
    ///
    /// # Errors
    /// As every request.
    pub fn write_ahead(&mut self, write: Write<'_>) -> Result<WriteTag, Error> {
        self.before_write(&write)?;
        let write = Write {
            answer: true,
            ..write
        };
        let sent = match &mut self.connection {
            Some(connection) => connection.send_ahead(&Request::Write(write)),
            None => Err(Error::ConnectionLost {
                reason: "no lane".into(),
            }),
        };
        self.checked(sent).map(WriteTag)
    }

    /// Waits for the answer of a [`Session::write_ahead`].
    ///
    /// # Errors
    /// As [`Session::write`].
    pub fn written(&mut self, tag: WriteTag) -> Result<Written, Error> {
        self.connection()?;
        let Self {
            connection,
            interrupt,
            ..
        } = self;
        let result = match connection {
            Some(connection) => connection.answer_ahead(tag.0, interrupt.as_deref()),
            None => Ok(Written::Done),
        };
        self.checked(result)
    }

    fn before_write(&mut self, write: &Write<'_>) -> Result<(), Error> {
        self.open_on_host()?;
        self.transaction.set_wrote();
        let cursors = self
            .connection
            .as_ref()
            .is_some_and(|connection| !connection.streams.is_empty());
        if cursors {
            self.written.record(&write.ops);
        }
        Ok(())
    }
}
