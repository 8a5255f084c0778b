//! Commits while the host is away for longer than a session usually waits.

use crate::support::{Daemon, begin, create_table, everything, insert, keys};
use std::time::Duration;
use vamos_guest::{Client, Config, Durability, Error, ScanSpec, Session, Table, Xid};

/// How long a session usually waits for the host here.
const RECONNECT_FOR: Duration = Duration::from_millis(50);

/// For how long the host is away.
const AWAY: Duration = Duration::from_millis(500);

struct Setting {
    daemon: Daemon,
    session: Session,
    table: Table,
}

/// A patient session's transaction, open or prepared, when the host goes away.
fn orphaned(prepare: bool, killed: bool) -> Setting {
    let mut daemon = Daemon::start("");
    let mut session = Session::new(Client::new(Config {
        reconnect_for: RECONNECT_FOR,
        ..daemon.config()
    }));
    session.set_patience(Some(Box::new(move || killed)));
    let table = create_table(&mut session, "t");
    begin(&mut session);
    insert(&mut session, &table, b"k", b"v");
    let xid = Xid {
        format: 1,
        global: b"x",
        branch: b"",
    };
    if prepare {
        assert!(session.prepare(&xid, Durability::Commit).unwrap());
    }
    daemon.kill();
    Setting {
        daemon,
        session,
        table,
    }
}

/// Commits, and starts the host again meanwhile.
fn commit(setting: &mut Setting) -> Result<(), Error> {
    let Setting { daemon, session, .. } = setting;
    std::thread::scope(|scope| {
        let committing = scope.spawn(|| session.commit(Durability::Commit));
        std::thread::sleep(AWAY);
        daemon.restart();
        committing.join().unwrap()
    })
}

fn rows(setting: &Setting) -> usize {
    let mut session = Session::new(setting.daemon.client());
    begin(&mut session);
    keys(&mut session, &ScanSpec::new(everything(setting.table.indexes[0]))).len()
}

#[test]
fn a_patient_session_commits_what_is_prepared_when_the_host_is_back() {
    let mut setting = orphaned(true, false);
    commit(&mut setting).unwrap();
    assert_eq!(rows(&setting), 1);
}

#[test]
fn a_patient_session_learns_that_its_transaction_was_rolled_back() {
    let mut setting = orphaned(false, false);
    let result = commit(&mut setting);
    assert!(matches!(result, Err(Error::ConnectionLost { .. })), "{result:?}");
    assert_eq!(rows(&setting), 0);
}

#[test]
fn a_patient_session_gives_up_when_it_is_killed() {
    let mut setting = orphaned(true, true);
    let result = setting.session.commit(Durability::Commit);
    assert!(matches!(result, Err(Error::OutcomeUnknown { .. })), "{result:?}");
    setting.daemon.restart();
    setting.session.ping().unwrap();
    assert_eq!(rows(&setting), 1, "it was to be committed when the host is back");
}
