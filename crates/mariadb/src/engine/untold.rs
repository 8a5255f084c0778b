//! Errors that the server was given by a call for rows, and kept to itself.
//!
//! Whoever calls for rows has the client told by the handler's `print_error`. Some of the
//! server's callers lose an error on the way: MIN of a column that may be NULL, found
//! through an index, then looks for a NULL (`get_index_min_value` in sql/opt_sum.cc); where
//! a group's MIN and MAX are looked up, only the first one's error counts
//! (`QUICK_GROUP_MIN_MAX_SELECT::get_next` in sql/opt_range.cc); partitions that were
//! filled anew count as filled (`ha_partition::change_partitions`). The statement would
//! end well, with a result that is wrong; and where the transaction is over, what the
//! client does next would be committed without what it did before.
//!
//! So a statement that is to end well must have told of every such error: otherwise it
//! ends with the error, before other engines and the binary log have committed what it
//! did there. And once the transaction is over, nothing more is done in it.

use super::{Connection, Error};
use std::ffi::c_int;

/// An error that the client has to hear of.
#[derive(Debug)]
pub(super) struct Untold {
    code: c_int,
    sentence: Option<String>,
    /// The transaction ended with it: whatever the client has heard, it is not
    /// forgotten before the server has rolled back.
    over: bool,
    /// The client has heard of it.
    told: bool,
}

impl Untold {
    fn as_error(&self) -> Error {
        Error::Untold {
            code: self.code,
            sentence: self.sentence.clone(),
        }
    }
}

impl Connection {
    /// Called before each call for rows.
    ///
    /// # Errors
    /// By what the transaction ended, if it is over: the host would begin another one.
    pub(crate) fn check_not_over(&self) -> Result<(), Error> {
        match &self.untold {
            Some(untold) if untold.over => Err(untold.as_error()),
            _ => Ok(()),
        }
    }

    /// A call for rows failed: the server must tell the client. Of a kill it is told here,
    /// as the server takes a statement that has a result for one that was not killed.
    pub(crate) fn expect_told(&mut self, error: &Error) {
        let Error::Guest(of_guest) = error else {
            return;
        };
        if matches!(of_guest, vamos_guest::Error::Interrupted) && self.thd().killed() {
            self.thd().report_kill();
            return;
        }
        self.keep_untold(error);
    }

    /// Keeps an error of which the client must hear before the statement ends well.
    pub(crate) fn keep_untold(&mut self, error: &Error) {
        self.thd().must_prepare();
        let over = self.ended_by(error);
        if self.untold.as_ref().is_none_or(|kept| over && !kept.over) {
            self.untold = Some(Untold {
                code: error.code(),
                sentence: error.sentence(),
                over,
                told: false,
            });
        }
    }

    /// The client is told of an error with this code.
    pub(crate) fn told(&mut self, code: c_int) {
        if let Some(untold) = &mut self.untold
            && untold.code == code
        {
            untold.told = true;
            self.forget_untold();
        }
    }

    /// Called when the statement is undone.
    ///
    /// # Errors
    /// The one by which the transaction ended, unless the client has heard of it.
    pub(crate) fn tell_end(&mut self) -> Result<(), Error> {
        match &mut self.untold {
            Some(untold) if untold.over && !untold.told => {
                untold.told = true;
                Err(untold.as_error())
            }
            _ => Ok(()),
        }
    }

    /// The statement is undone, or another one begins.
    pub(super) fn forget_untold(&mut self) {
        if self.check_not_over().is_ok() {
            self.untold = None;
        }
    }

    /// Called before a statement ends well.
    ///
    /// # Errors
    /// The one that the client has not heard of, or by which the transaction ended.
    pub(super) fn check_told(&self) -> Result<(), Error> {
        match &self.untold {
            Some(untold) => Err(untold.as_error()),
            None => Ok(()),
        }
    }
}
