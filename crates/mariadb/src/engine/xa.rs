//! Prepared transactions of no connection: what an earlier server left, and what
//! XA COMMIT and XA ROLLBACK of another connection name.

use super::{Connection, host};
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use vamos_guest::{Error, Session, Xid, XidBuf};

/// How many names are asked for at once.
const LIST: u32 = 500;

/// The pause between attempts to reach the host when the server starts.
const PAUSE: Duration = Duration::from_millis(100);

/// How the end of a prepared transaction went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    /// No transaction of that name is prepared.
    Unknown,
    Failed,
}

/// The session of whoever has no connection: the server's start.
static SESSION: Mutex<Option<Session>> = Mutex::new(None);

/// The last name that [`recover`] gave.
static LAST: Mutex<Option<XidBuf>> = Mutex::new(None);

/// Gives the next names of prepared transactions, at most `limit`; from the first
/// one on again after it has given less. Waits for the host, up to `patience`.
///
/// # Errors
/// That of the last attempt to reach the host.
pub(crate) fn recover(limit: usize, patience: Duration) -> Result<Vec<XidBuf>, Error> {
    let deadline = Instant::now() + patience;
    let mut last = LAST.lock();
    let mut found = Vec::new();
    while found.len() < limit {
        let wanted = u32::try_from(limit - found.len()).unwrap_or(u32::MAX).min(LIST);
        let more = match with_session(|session| session.recover(last.as_ref(), wanted)) {
            Err(_) if Instant::now() < deadline => {
                std::thread::sleep(PAUSE);
                continue;
            }
            other => other?,
        };
        match more.last() {
            Some(name) => *last = Some(name.clone()),
            None => break,
        }
        found.extend(more);
    }
    if found.len() < limit {
        *last = None;
    }
    Ok(found)
}

/// Commits or rolls back by name, over the session of the connection that asks.
pub(crate) fn end_by_xid(
    connection: Option<&mut Connection>,
    xid: &Xid<'_>,
    commit: bool,
) -> (Ended, String) {
    let end = |session: &mut Session| match commit {
        true => session.commit_by_xid(xid),
        false => session.rollback_by_xid(xid),
    };
    let result = match connection {
        Some(connection) => end(&mut connection.session),
        None => with_session(end),
    };
    match result {
        Ok(true) => (Ended::Done, String::new()),
        Ok(false) => (Ended::Unknown, String::new()),
        Err(error) => (Ended::Failed, error.to_string()),
    }
}

fn with_session<T>(call: impl FnOnce(&mut Session) -> Result<T, Error>) -> Result<T, Error> {
    let mut session = SESSION.lock();
    call(session.get_or_insert_with(|| Session::new(host::client())))
}

/// Closes the lane that only the server's start needs.
pub(crate) fn close_session() {
    *SESSION.lock() = None;
}
