//! What people may want to know of transactions and locks.

use crate::Store;
use crate::catalogue::Catalogue;
use vamos_proto::{Deadlock, LockInfo, TransactionInfo, TransactionList};

/// The longest lists that are given: a few hundred kilobytes.
const MAX_TRANSACTIONS: usize = 1024;
const MAX_LOCKS: usize = 4096;

impl Store {
    /// Open transactions and locks, at most so many of each (and at most 1024 and
    /// 4096): those that wait and those for which somebody waits first. The
    /// pieces are gathered one after the other while transactions go on, so they
    /// may not fit together exactly.
    pub fn list_transactions(&self, transactions: u32, locks: u32) -> TransactionList {
        let limit = |wanted: u32, most: usize| usize::try_from(wanted).map_or(most, |n| n.min(most));
        let mut list = self
            .locks
            .list(limit(transactions, MAX_TRANSACTIONS), limit(locks, MAX_LOCKS));
        let waits = list.transactions.iter_mut().filter_map(lock_of);
        name_all(&self.catalogue, waits.chain(&mut list.locks).collect());
        list
    }

    /// The deadlock that was found last, if there was one since the store was
    /// opened.
    pub fn last_deadlock(&self) -> Option<Deadlock> {
        let mut deadlock = self.locks.last_deadlock()?;
        let locks = deadlock.circle.iter_mut().flat_map(|part| {
            let wait = lock_of(&mut part.transaction);
            wait.into_iter().chain(&mut part.holds)
        });
        name_all(&self.catalogue, locks.collect());
        Some(deadlock)
    }
}

fn lock_of(transaction: &mut TransactionInfo) -> Option<&mut LockInfo> {
    transaction.wait.as_mut().map(|wait| &mut wait.lock)
}

/// Says to which tables locks belong.
fn name_all(catalogue: &Catalogue, locks: Vec<&mut LockInfo>) {
    let places = catalogue.places(&locks.iter().map(|lock| lock.index_id).collect());
    for lock in locks {
        if let Some((table, index)) = places.get(&lock.index_id) {
            lock.table.clone_from(table);
            lock.index = *index;
        }
    }
}
