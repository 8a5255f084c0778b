//! Waiting for prepared transactions whose changes a table has.
//!
//! Such a transaction may belong to no connection any more, and then holds none of
//! the server's locks on the table; the host refuses to drop, rename, empty or alter
//! it until XA COMMIT or XA ROLLBACK. As with InnoDB, whoever wants to do that waits
//! as for the lock of a row.

use super::{Connection, Error, Handler, host};
use std::thread::sleep;
use std::time::{Duration, Instant};
use vamos_guest::{ErrorCode, Session, TableId};

/// How long until the host is asked again.
const PAUSE: Duration = Duration::from_millis(50);

impl Connection {
    /// Makes a request that the host refuses, without any effect, as long as a
    /// prepared transaction changes the table. It stands outside the connection's
    /// transaction, whose loss is for the transaction's own statements to hear of.
    pub(crate) fn when_free<T>(
        &mut self,
        mut request: impl FnMut(&mut Session) -> Result<T, vamos_guest::Error>,
    ) -> Result<T, Error> {
        let thd = self.thd();
        let deadline = Instant::now() + thd.lock_wait();
        let mut aside = None;
        loop {
            let session = match self.session.is_lost() {
                true => aside.get_or_insert_with(|| Session::new(host::client())),
                false => &mut self.session,
            };
            match request(session) {
                Err(error) if is_in_use(&error) && Instant::now() < deadline => {}
                answer => return Ok(answer?),
            }
            if thd.killed() {
                return Err(vamos_guest::Error::Interrupted.into());
            }
            sleep(PAUSE);
        }
    }

    /// Waits until no prepared transaction changes a table. To be called when the
    /// server lets nobody change it, so that none comes after that.
    pub(super) fn await_prepared(&mut self, table: TableId) -> Result<(), Error> {
        self.when_free(|session| match session.table_stats(table)?.prepared {
            false => Ok(()),
            true => Err(vamos_guest::Error::Failed {
                code: ErrorCode::LockNotAvailable,
                message: "a prepared transaction changes the table".to_owned(),
            }),
        })
    }
}

impl Handler {
    /// Called before the table is copied and dropped: the copy must have what is
    /// prepared now. So each partition is read as it is when its turn comes.
    pub(crate) fn begin_copy(&self, connection: &mut Connection) -> Result<(), Error> {
        connection.await_prepared(self.share().ids().table)?;
        connection.take_snapshot()
    }
}

fn is_in_use(error: &vamos_guest::Error) -> bool {
    matches!(
        error,
        vamos_guest::Error::Failed {
            code: ErrorCode::LockNotAvailable,
            ..
        }
    )
}
