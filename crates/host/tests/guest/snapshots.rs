//! Consistent snapshots: what a process has ordered before, they show.

use crate::support::{Daemon, begin, connected, create_table, insert, value};
use std::sync::Arc;
use std::time::Duration;
use vamos_guest::{Client, Durability, Error, Lock, Session, Table, Xid};

/// Prepares the insertion of a row.
fn prepared(client: &Arc<Client>, table: &Table, key: &[u8]) -> Session {
    let mut session = connected(client);
    begin(&mut session);
    insert(&mut session, table, key, b"v");
    let xid = Xid {
        format: 1,
        global: key,
        branch: b"",
    };
    assert!(session.prepare(&xid, Durability::Commit).unwrap());
    session
}

/// What a snapshot shows of a row, or why there is none.
fn snapshot_shows(client: &Arc<Client>, table: &Table, key: &[u8]) -> Result<bool, Error> {
    let mut reader = connected(client);
    begin(&mut reader);
    reader.take_snapshot()?;
    Ok(value(&mut reader, table, key, Lock::None).is_some())
}

#[test]
fn a_snapshot_shows_a_commit_that_is_still_to_be_waited_for() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let table = create_table(&mut connected(&client), "t");
    let mut writer = prepared(&client, &table, b"k");
    writer.post_commit(Durability::Second);
    // Whoever is to wait for it may be held up by whoever takes the snapshot.
    assert!(snapshot_shows(&client, &table, b"k").unwrap());
    writer.commit(Durability::Second).unwrap();
}

#[test]
fn what_is_ordered_among_the_commits_is_not_rolled_back() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let table = create_table(&mut connected(&client), "t");
    let mut writer = prepared(&client, &table, b"k");
    daemon.kill_worker();
    // It is sent over a lane that is lost, and so has to be sent again.
    writer.post_commit(Durability::Second);
    writer.rollback().unwrap();
    assert!(snapshot_shows(&client, &table, b"k").unwrap());
}

#[test]
fn a_snapshot_does_not_miss_a_commit_that_was_lost_with_its_worker() {
    let daemon = Daemon::start("");
    let client = daemon.client();
    let table = create_table(&mut connected(&client), "t");
    let mut writer = prepared(&client, &table, b"k");
    let killed = daemon.worker();
    daemon.kill_worker();
    while daemon.worker() == killed {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(connected(&client));
    // It is sent over a lane whose end nobody has noticed.
    writer.post_commit(Durability::Second);
    match snapshot_shows(&client, &table, b"k") {
        Err(Error::CommitsInDoubt { .. }) => {}
        other => panic!("{other:?}"),
    }
    std::thread::scope(|scope| {
        scope.spawn(|| writer.commit(Durability::Second).unwrap());
        loop {
            match snapshot_shows(&client, &table, b"k") {
                Ok(shown) => break assert!(shown, "it is missing"),
                Err(Error::CommitsInDoubt { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    });
}
