//! Transactions, lock waits and the last deadlock, as `SHOW ENGINE VAMOS STATUS`
//! prints them.

use super::Connection;
use std::fmt::{self, Display, Write};
use std::time::Duration;
use vamos_guest::{Deadlock, LockInfo, LockKind, TransactionInfo, TransactionList, TransactionState};

/// Transactions that are listed.
const SHOWN: u32 = 100;

/// What the host knows of this server's transactions; what is wrong, if it cannot be
/// asked.
pub(crate) fn text(connection: &mut Connection) -> String {
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = match connection.session.last_deadlock() {
        Ok(deadlock) => write!(text, "{}", DeadlockText(deadlock.as_ref())),
        Err(error) => writeln!(text, "LATEST DEADLOCK\n  not known: {error}"),
    };
    let _ = match connection.session.list_transactions(SHOWN, 0) {
        Ok(list) => write!(text, "{}", ListText(&list)),
        Err(error) => write!(text, "TRANSACTIONS\n  not known: {error}"),
    };
    text
}

struct DeadlockText<'d>(Option<&'d Deadlock>);

impl Display for DeadlockText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "LATEST DEADLOCK")?;
        let Some(deadlock) = self.0 else {
            return writeln!(f, "  none since the host's store was opened");
        };
        writeln!(f, "  {} (host's clock, UTC)", UtcText(deadlock.unix_micros))?;
        for (number, part) in (1..).zip(&deadlock.circle) {
            writeln!(f, "  ({number}) {}", TransactionText(&part.transaction))?;
            if let Some(wait) = &part.transaction.wait {
                writeln!(f, "      waits for {}", LockText(&wait.lock))?;
            }
            if let Some(holds) = &part.holds {
                writeln!(f, "      holds     {}", LockText(holds))?;
            }
        }
        let place = (1..).zip(&deadlock.circle);
        match place
            .into_iter()
            .find(|(_, part)| part.transaction.id == deadlock.victim)
        {
            Some((number, _)) => writeln!(f, "  rolled back: ({number})"),
            None => writeln!(f, "  rolled back: transaction {}", deadlock.victim),
        }
    }
}

struct ListText<'l>(&'l TransactionList);

impl Display for ListText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.0;
        write!(f, "TRANSACTIONS\n  {} open, {} locks held", list.open, list.held)?;
        for transaction in &list.transactions {
            write!(f, "\n  {}", TransactionText(transaction))?;
            if let Some(wait) = &transaction.wait {
                write!(
                    f,
                    "\n    waits since {} for {}",
                    Seconds(wait.waited_ms),
                    LockText(&wait.lock)
                )?;
                for (number, blocker) in wait.blockers.iter().enumerate() {
                    let before = if number == 0 {
                        ", in the way: transaction"
                    } else {
                        ","
                    };
                    write!(f, "{before} {blocker}")?;
                }
            }
        }
        Ok(())
    }
}

struct TransactionText<'t>(&'t TransactionInfo);

impl Display for TransactionText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.0;
        let state = match of.state {
            TransactionState::Open => "open",
            TransactionState::Waiting => "waiting",
            TransactionState::Committing => "committing",
        };
        write!(
            f,
            "transaction {}, connection {}, {:?}, {state}, begun {} ago, {} locks, {} entries changed",
            of.id,
            of.client,
            of.isolation,
            Seconds(of.age_ms),
            of.locks,
            of.changes
        )
    }
}

/// A lock in one line.
pub(super) struct LockText<'l>(pub(super) &'l LockInfo);

impl Display for LockText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lock = self.0;
        let table = if lock.table.is_empty() {
            "(a dropped table)"
        } else {
            &lock.table
        };
        write!(f, "{table}, index {}, ", lock.index)?;
        match lock.kind {
            LockKind::Row => {
                let mode = if lock.exclusive { "exclusive" } else { "shared" };
                write!(f, "row {} ({mode})", Hex(&lock.key))
            }
            LockKind::Range if lock.end.is_empty() => write!(f, "range from {} to the end", Hex(&lock.key)),
            LockKind::Range => write!(f, "range from {} to {}", Hex(&lock.key), Hex(&lock.end)),
            LockKind::Insert => write!(f, "insertion of {} into a range", Hex(&lock.key)),
        }
    }
}

/// Bytes as `0x` and hexadecimal digits.
pub(super) struct Hex<'b>(pub(super) &'b [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Milliseconds as seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", Duration::from_millis(self.0).as_secs_f64())
    }
}

/// Microseconds since 1970 as date and time.
struct UtcText(u64);

impl Display for UtcText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000;
        let (mut day, second) = (seconds / 86_400, seconds % 86_400);
        let mut year = 1970;
        while day >= days_of(year) {
            day -= days_of(year);
            year += 1;
        }
        let february = days_of(year) - 337;
        let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 1;
        for days in months {
            if day < days {
                break;
            }
            day -= days;
            month += 1;
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02}",
            day + 1
        )
    }
}

fn days_of(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vamos_guest::{DeadlockPart, IndexId, Isolation, WaitInfo};

    #[test]
    fn time_is_a_date() {
        let text = |seconds: u64| UtcText(seconds * 1_000_000).to_string();
        assert_eq!(text(0), "1970-01-01 00:00:00");
        assert_eq!(text(951_782_399), "2000-02-28 23:59:59");
        assert_eq!(text(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(text(1_798_761_599), "2026-12-31 23:59:59");
    }

    #[test]
    fn deadlock_says_who_waited_for_what_and_who_held_it() {
        let lock = LockInfo {
            transaction: 3,
            kind: LockKind::Row,
            exclusive: true,
            granted: true,
            table: "shop/orders".into(),
            index: 0,
            index_id: IndexId(9),
            key: vec![0x80, 1],
            end: vec![],
        };
        let wait = WaitInfo {
            lock: lock.clone(),
            waited_ms: 5,
            blockers: vec![4],
        };
        let part = |id| DeadlockPart {
            transaction: TransactionInfo {
                id,
                client: 70 + id,
                isolation: Isolation::RepeatableRead,
                age_ms: 1500,
                state: TransactionState::Waiting,
                locks: 2,
                changes: 1,
                wait: Some(wait.clone()),
            },
            holds: Some(lock.clone()),
        };
        let deadlock = Deadlock {
            unix_micros: 0,
            circle: vec![part(3), part(4)],
            victim: 4,
        };
        let text = DeadlockText(Some(&deadlock)).to_string();
        assert!(
            text.contains("connection 73, RepeatableRead, waiting, begun 1.5 s ago"),
            "{text}"
        );
        assert!(
            text.contains("waits for shop/orders, index 0, row 0x8001 (exclusive)"),
            "{text}"
        );
        assert!(text.ends_with("rolled back: (2)\n"), "{text}");
    }
}
