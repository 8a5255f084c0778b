//! The store in a vamosd, through a guest's session.

use super::{Keys, LOCK_WAIT, ROWS, Side, insert, rate};
use crate::daemon::Daemon;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;
use vamos_guest::{
    CreateTable, Durability, Get, IndexId, Isolation, KeyRange, Lock, Rows, ScanSpec, Session,
};
use vamos_proto::TableId;

pub(super) struct ThroughLane {
    session: Session,
    // Lives as long as the session.
    _daemon: Daemon,
    index: IndexId,
    table: TableId,
    keys: Keys,
    next: u64,
}

impl ThroughLane {
    pub(super) fn open(vamosd: &Path, directory: &Path) -> Result<Self> {
        let mut daemon = Daemon::start(vamosd, directory)?;
        let mut session = daemon.session()?;
        let table = session.create_table(CreateTable {
            name: "t",
            definition: b"",
            indexes: 1,
            counters: [1, 1],
        })?;
        let (index, table) = (table.indexes[0], table.table);
        let mut next = 0;
        while next < ROWS {
            commit(&mut session, (index, table), &mut next, 1000, Durability::Never)?;
        }
        drop(session);
        // As in process: started anew, the store has its rows in table files.
        daemon.restart()?;
        Ok(Self {
            session: daemon.session()?,
            _daemon: daemon,
            index,
            table,
            keys: Keys(1),
            next,
        })
    }
}

fn commit(
    session: &mut Session,
    (index, table): (IndexId, TableId),
    next: &mut u64,
    rows: u64,
    durability: Durability,
) -> Result<()> {
    session.begin(Isolation::ReadCommitted, LOCK_WAIT);
    for _ in 0..rows {
        let key = next.to_be_bytes();
        *next += 1;
        session.write(insert(index, table, &key))?;
    }
    Ok(session.commit(durability)?)
}

impl Side for ThroughLane {
    fn point_reads(&mut self, round: Duration) -> Result<f64> {
        self.session.begin(Isolation::ReadCommitted, LOCK_WAIT);
        let mut rows = Rows::default();
        let Self {
            session, keys, index, ..
        } = self;
        let reads = rate(round, || {
            let get = Get {
                index: *index,
                key: &keys.next(),
                lock: Lock::None,
                fetch: None,
            };
            Ok(u64::from(session.get(&get, &mut rows)?))
        })?;
        self.session.rollback()?;
        Ok(reads)
    }

    fn scan(&mut self, round: Duration) -> Result<f64> {
        self.session.begin(Isolation::ReadCommitted, LOCK_WAIT);
        let (session, index) = (&mut self.session, self.index);
        let rows = rate(round, || {
            let high = ROWS.to_be_bytes();
            let mut cursor = session.scan(&ScanSpec::new(KeyRange {
                index,
                low: b"",
                high: &high,
            }))?;
            let mut count = 0;
            while session.next(&mut cursor)? {
                count += 1;
            }
            session.close(cursor);
            Ok(count)
        })?;
        self.session.rollback()?;
        Ok(rows)
    }

    fn commits(&mut self, durability: Durability, round: Duration) -> Result<f64> {
        let Self {
            session,
            next,
            index,
            table,
            ..
        } = self;
        rate(round, || {
            commit(session, (*index, *table), next, 1, durability).map(|()| 1)
        })
    }
}
