//! Changes of the host's catalogue whose answer was lost.
//!
//! The worker may die when it has made a change and before it has said so. The server
//! would take that for a failure, and undo what it believes to be half done: so the host
//! is asked again until it tells. Nobody else changes the table meanwhile, since the
//! server has locked its name.

use super::{Connection, Error, foreign};
use std::thread::sleep;
use std::time::{Duration, Instant};
use vamos_guest::{Error as GuestError, Session};

/// How long a host that went away may take to come back, before anything was asked of it
/// and while it is not known what it has done; and how often it is asked.
const COMES_BACK: Duration = Duration::from_secs(10);
const IN_DOUBT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

impl Connection {
    /// Makes a change as [`when_free`](Self::when_free) does. If its answer is lost it is
    /// made again, and `is_done` says whether the error that comes then means that it had
    /// been made; with `waits` a host that is away at first is waited for, too.
    ///
    /// # Errors
    /// The host's; as lost as the last answer, if it did not come back in time or the
    /// statement was killed. All foreign keys are read anew then.
    pub(super) fn surely(
        &mut self,
        waits: bool,
        mut change: impl FnMut(&mut Session) -> Result<(), GuestError>,
        mut is_done: impl FnMut(&mut Session, &GuestError) -> Result<bool, GuestError>,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let mut asked = false;
        loop {
            let result = self.when_free(|session| match change(session) {
                Err(error) if asked && !is_away(&error) => match is_done(session, &error)? {
                    true => Ok(()),
                    false => Err(error),
                },
                result => result,
            });
            let Err(Error::Guest(error)) = &result else {
                return result;
            };
            asked |= matches!(error, GuestError::ConnectionLost { .. });
            let patience = match asked {
                true => IN_DOUBT,
                false => COMES_BACK,
            };
            if !is_away(error) || !(asked || waits) || start.elapsed() > patience || self.thd().killed() {
                if asked {
                    foreign::registry_doubted();
                }
                return result;
            }
            sleep(PAUSE);
        }
    }
}

fn is_away(error: &GuestError) -> bool {
    matches!(
        error,
        GuestError::HostAway { .. } | GuestError::ConnectionLost { .. }
    )
}
