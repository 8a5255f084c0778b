//! Reports of lock waits to the server, for parallel replication.
//!
//! A replica commits in the order of its primary. A transaction that waits for the
//! lock of one that must commit later would wait for ever, and only the server can
//! know that: it wants to be told who waits for whom and kills the later one. The
//! host knows the waits by the connections' numbers, so a replica's worker that has
//! waited for a while asks it.

use super::host;
use crate::boundary::Thd;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::LazyLock;
use vamos_guest::Session;

/// The connections that are in a transaction whose waits are reported, by number.
static REPORTED: LazyLock<Mutex<HashMap<u64, Thd>>> = LazyLock::new(Mutex::default);

/// The lane on which waiting connections ask: their own are busy.
static SESSION: Mutex<Option<Session>> = Mutex::new(None);

/// A transaction whose waits are reported, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Reported(u64);

impl Reported {
    /// A connection begins one.
    pub(crate) fn begin(thd: Thd) -> Self {
        let number = thd.number();
        REPORTED.lock().insert(number, thd);
        Self(number)
    }
}

impl Drop for Reported {
    fn drop(&mut self) {
        REPORTED.lock().remove(&self.0);
    }
}

/// Tells the server for whom the connection with this number waits.
pub(crate) fn report(number: u64) {
    let Some(mut session) = SESSION.try_lock() else {
        // Another one is asking; this one asks again before long.
        return;
    };
    let asked = session
        .get_or_insert_with(|| Session::new(host::client()))
        .lock_waits(number);
    drop(session);
    let Ok(others) = asked else {
        return;
    };
    // While this is locked none of these transactions ends, as the server needs it.
    let reported = REPORTED.lock();
    let Some(thd) = reported.get(&number) else {
        return;
    };
    for (_, other) in reported
        .iter()
        .filter(|(other, _)| may_wait_for(number, **other, &others))
    {
        thd.report_wait_for(*other);
    }
}

/// Whether a connection may wait for this other one, by those that the host has named.
/// What was prepared before the host's process died has no number (0): it may be
/// anybody's. The server picks those that must commit later.
fn may_wait_for(number: u64, other: u64, named: &[u64]) -> bool {
    named.contains(&other) || (other != number && named.contains(&0))
}

/// Closes the lane.
pub(crate) fn close_session() {
    *SESSION.lock() = None;
}

#[cfg(test)]
mod tests {
    use super::may_wait_for;

    #[test]
    fn a_wait_for_nobody_known_may_be_for_any_other() {
        assert!(may_wait_for(1, 2, &[2]));
        assert!(!may_wait_for(1, 3, &[2]));
        assert!(may_wait_for(1, 3, &[2, 0]));
        assert!(!may_wait_for(1, 1, &[0]));
        assert!(!may_wait_for(1, 2, &[]));
    }
}
