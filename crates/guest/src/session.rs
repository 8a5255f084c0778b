//! A session: one conversation with the store module.

use crate::connection::Connection;
use crate::transaction::Transaction;
use crate::written_log::WrittenLog;
use crate::{Client, Error};
use std::sync::Arc;
use std::time::Instant;
use vamos_channel::LaneCounters;
use vamos_proto::{Request, Response};

/// Asked now and then while a call waits; `true` ends the wait.
pub type Interrupt = Box<dyn Fn() -> bool + Send>;

/// One conversation with the store module, with at most one transaction.
///
/// Not connected until its first request; connects anew after a loss.
pub struct Session {
    pub(crate) client: Arc<Client>,
    /// The client's name for this session, for its counters.
    key: u64,
    /// The host's name for this session, for outcomes of commits.
    pub(crate) id: [u8; 16],
    pub(crate) connection: Option<Connection>,
    pub(crate) transaction: Transaction,
    pub(crate) written: WrittenLog,
    pub(crate) commits: u64,
    /// What the host's lists call its transactions by.
    pub(crate) number: u64,
    pub(crate) interrupt: Option<Interrupt>,
    /// Ends the patience with commits, which is without end otherwise.
    patience: Option<Interrupt>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("key", &self.key)
            .field("connected", &self.connection.is_some())
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that connects when it is first used.
    pub fn new(client: Arc<Client>) -> Self {
        Self {
            key: client.session_key(),
            id: random_id(),
            client,
            connection: None,
            transaction: Transaction::None,
            written: WrittenLog::default(),
            commits: 0,
            number: 0,
            interrupt: None,
            patience: None,
        }
    }

    /// Sets what is asked every 20 ms while a call waits, and ends the wait by
    /// saying `true`: the request is cancelled on the host and the call fails
    /// with [`Error::Interrupted`].
    pub fn set_interrupt(&mut self, interrupt: Option<Interrupt>) {
        self.interrupt = interrupt;
    }

    /// Has commits wait for their outcome, once the host has been away for
    /// [`Config::reconnect_for`](crate::Config), until this says to stop: for a caller
    /// who would do all of it again. `None`: they do not wait longer.
    pub fn set_patience(&mut self, patience: Option<Interrupt>) {
        self.patience = patience;
    }

    /// Whether [`set_patience`](Self::set_patience) is in force.
    pub fn is_patient(&self) -> bool {
        self.patience.is_some()
    }

    /// Whether a commit whose outcome is not known yet is left.
    pub(crate) fn gives_up(&self, deadline: Instant) -> bool {
        Instant::now() >= deadline && self.patience.as_ref().is_none_or(|stop| stop())
    }

    /// Whether the interrupt says to stop now: for work between requests.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|stop| stop())
    }

    /// Does what must be waited for to its end.
    pub(crate) fn uninterrupted<T>(&mut self, call: impl FnOnce(&mut Self) -> T) -> T {
        let interrupt = self.interrupt.take();
        let result = call(self);
        self.interrupt = interrupt;
        result
    }

    /// Whether a transaction was lost with its lane, and has not been ended yet:
    /// until then every request fails.
    pub fn is_lost(&self) -> bool {
        matches!(self.transaction, Transaction::Lost { .. })
    }

    /// Sets the number that the host's lists and reports show for the
    /// transactions to come: who they belong to, in the caller's own terms.
    pub fn set_number(&mut self, number: u64) {
        self.number = number;
    }

    /// The counters of the present lane; zero if there is none.
    pub fn counters(&self) -> LaneCounters {
        self.connection
            .as_ref()
            .map(Connection::counters)
            .unwrap_or_default()
    }

    /// Tells the client what the lane has counted.
    pub fn publish_counters(&self) {
        if let Some(connection) = &self.connection {
            self.client.publish(self.key, connection.counters());
        }
    }

    /// Asks the host for a sign of life.
    ///
    /// # Errors
    /// As every request.
    pub fn ping(&mut self) -> Result<(), Error> {
        self.request_inside(&Request::Ping(()), |response| match response {
            Response::Done(()) => Ok(()),
            other => Err(refusal(other, "a ping")),
        })
    }

    /// The lane; connects if there is none and no transaction was lost with it.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, Error> {
        if let Transaction::Lost { reason, .. } = &self.transaction {
            return Err(Error::ConnectionLost {
                reason: reason.clone(),
            });
        }
        if self.connection.is_none() {
            let config = self.client.config();
            let mut connection = Connection::open(&self.client, &config, self.key)?;
            if let Err(error) = self
                .client
                .tell_undecided(&mut connection, self.interrupt.as_deref())
            {
                self.client.disconnected(self.key, connection.counters());
                return Err(error);
            }
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or_else(|| Error::Protocol {
            what: "no lane after connecting".into(),
        })
    }

    /// The lane, for something that begins: if the last one has ended while nothing was
    /// under way, nothing was lost with it, and a new one takes its place. Nothing that
    /// was sent is sent again.
    pub(crate) fn renewed_connection(&mut self) -> Result<&mut Connection, Error> {
        let begins = matches!(
            self.transaction,
            Transaction::None | Transaction::Open { on_host: false, .. }
        );
        if begins && self.connection.as_mut().is_some_and(Connection::is_replaceable) {
            self.drop_lane("it had ended while it was idle");
        }
        self.connection()
    }

    /// Has the session hear of its lane's end; see [`Connection::rely_on`].
    pub(crate) fn rely_on_lane(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.rely_on();
        }
    }

    /// Sends a request that stands outside transactions and reads its answer. Whatever
    /// the host says, the transaction goes on unless the lane is lost.
    pub(crate) fn request<T>(
        &mut self,
        request: &Request<'_>,
        read: impl FnOnce(Response<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.renewed_connection()?;
        match self.exchange(request, read) {
            Err(error @ Error::Failed { .. }) => Err(error),
            result => self.checked(result),
        }
    }

    /// Sends a request whose answer may be the failure of a write before it.
    pub(crate) fn request_inside<T>(
        &mut self,
        request: &Request<'_>,
        read: impl FnOnce(Response<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.connection()?;
        let result = self.exchange(request, read);
        self.checked(result)
    }

    /// Sends a request on the present lane and reads its answer.
    pub(crate) fn exchange<T>(
        &mut self,
        request: &Request<'_>,
        read: impl FnOnce(Response<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Self {
            connection,
            interrupt,
            ..
        } = self;
        let connection = connection.as_mut().ok_or_else(|| Error::ConnectionLost {
            reason: "no lane".into(),
        })?;
        let tag = connection.send(request)?;
        read(connection.answer(tag, interrupt.as_deref())?)
    }

    /// Looks at an error: one of the lane's ends the lane and the transaction.
    pub(crate) fn checked<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            match error {
                Error::ConnectionLost { .. } | Error::Protocol { .. } => self.drop_lane(&error.to_string()),
                Error::Failed { .. } if error.ended_transaction() => self.acknowledge_end(),
                _ => {}
            }
        }
        result
    }

    /// Closes the lane; an open transaction is lost.
    pub(crate) fn drop_lane(&mut self, reason: &str) {
        if let Some(connection) = self.connection.take() {
            self.client.disconnected(self.key, connection.counters());
        }
        self.transaction.lose(reason);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            if self.commits > 0 {
                // The host forgets marks by itself in time, so a failure is harmless.
                let _ = connection
                    .send(&Request::ForgetSession(self.id))
                    .and_then(|_| connection.flush());
            }
            self.client.disconnected(self.key, connection.counters());
        }
    }
}

/// The error for an answer that is not the one expected.
pub(crate) fn refusal(response: Response<'_>, request: &str) -> Error {
    match response {
        Response::Failed(failure) => failure.into(),
        other => Error::unexpected(other.opcode(), request),
    }
}

/// A name that no other session has, before or after a restart of this process.
pub(crate) fn random_id() -> [u8; 16] {
    let mut id = [0; 16];
    let read = rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty());
    if read != Ok(id.len()) {
        // Without the kernel's random numbers (before 3.17): time and process.
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        id[..8].copy_from_slice(&(now.as_nanos() as u64).to_le_bytes());
        id[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    }
    id
}
