//! Questions about the host's transactions and locks.

use crate::Error;
use crate::session::{Session, refusal};
use vamos_proto::{Deadlock, Monitor, Request, Response, TransactionList};

impl Session {
    /// Open transactions and locks of this guest's store, at most so many of each:
    /// those that wait, and those that are waited for, first.
    ///
    /// # Errors
    /// As every request.
    pub fn list_transactions(&mut self, transactions: u32, locks: u32) -> Result<TransactionList, Error> {
        let request = Request::Monitor(Monitor::Transactions { transactions, locks });
        self.request(&request, |response| match response {
            Response::Transactions(list) => Ok(list),
            other => Err(refusal(other, "a question for transactions")),
        })
    }

    /// The deadlock that the store found last.
    ///
    /// # Errors
    /// As every request.
    pub fn last_deadlock(&mut self) -> Result<Option<Deadlock>, Error> {
        self.request(
            &Request::Monitor(Monitor::LastDeadlock),
            |response| match response {
                Response::Deadlock(deadlock) => Ok(deadlock),
                other => Err(refusal(other, "a question for the last deadlock")),
            },
        )
    }
}
