//! The order in which a server wants its commits done.
//!
//! Each comes over a lane of its own, so that one may overtake another. What comes
//! early is held until those before it have come; but not for long, since a lane
//! can die between the drawing of its number and the message.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use vamos_proto::Ticket;

/// How long something is held for those before it.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// Where something stands in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InOrder {
    /// Nowhere: it may go at once.
    Any,
    /// It is this number.
    Is(Ticket),
    /// Behind this number.
    Behind(Ticket),
}

/// The number, whether it stands behind that number, and the order of arrival.
type Rank = (u64, bool, u64);

/// Puts things into a server's order.
#[derive(Debug)]
pub(super) struct Order<T> {
    server: [u8; 16],
    /// The number that is due.
    next: u64,
    arrivals: u64,
    held: BTreeMap<Rank, (Instant, T)>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self {
            server: [0; 16],
            next: 1,
            arrivals: 0,
            held: BTreeMap::new(),
        }
    }
}

impl<T> Order<T> {
    /// Takes something in; what may go now is appended to `ready`.
    pub(super) fn admit(&mut self, item: T, place: InOrder, now: Instant, ready: &mut Vec<T>) {
        let (ticket, behind) = match place {
            InOrder::Any => return ready.push(item),
            InOrder::Is(ticket) => (ticket, false),
            InOrder::Behind(ticket) => (ticket, true),
        };
        if ticket.server != self.server {
            self.release_all(ready);
            self.server = ticket.server;
            self.next = 1;
        }
        self.arrivals += 1;
        self.held
            .insert((ticket.number, behind, self.arrivals), (now, item));
        self.release(ready);
    }

    /// Releases what has been held for too long, and all before it.
    pub(super) fn expire(&mut self, now: Instant, ready: &mut Vec<T>) {
        let overdue = self
            .held
            .iter()
            .filter(|(_, (since, _))| now.duration_since(*since) >= PATIENCE);
        let Some(&last) = overdue.map(|(rank, _)| rank).max() else {
            return;
        };
        while let Some(first) = self.held.first_entry().filter(|first| *first.key() <= last) {
            let (_, item) = first.remove();
            ready.push(item);
        }
        self.next = self.next.max(last.0.saturating_add(1));
        self.release(ready);
    }

    /// When there will be something to [`expire`](Self::expire).
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.held.values().map(|(since, _)| *since + PATIENCE).min()
    }

    /// Releases everything.
    pub(super) fn release_all(&mut self, ready: &mut Vec<T>) {
        ready.extend(std::mem::take(&mut self.held).into_values().map(|(_, item)| item));
    }

    fn release(&mut self, ready: &mut Vec<T>) {
        while let Some(first) = self.held.first_entry() {
            let &(number, behind, _) = first.key();
            let due = match behind {
                true => number < self.next,
                false => number <= self.next,
            };
            if !due {
                return;
            }
            if number == self.next {
                self.next = self.next.saturating_add(1);
            }
            let (_, item) = first.remove();
            ready.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: u64) -> Ticket {
        Ticket {
            server: [1; 16],
            number,
        }
    }

    struct Test {
        order: Order<&'static str>,
        ready: Vec<&'static str>,
        now: Instant,
    }

    impl Test {
        fn new() -> Self {
            Self {
                order: Order::default(),
                ready: Vec::new(),
                now: Instant::now(),
            }
        }

        fn admit(&mut self, item: &'static str, place: InOrder) {
            self.order.admit(item, place, self.now, &mut self.ready);
        }
    }

    #[test]
    fn numbers_go_in_their_order() {
        let mut test = Test::new();
        test.admit("three", InOrder::Is(ticket(3)));
        test.admit("behind two", InOrder::Behind(ticket(2)));
        test.admit("two", InOrder::Is(ticket(2)));
        test.admit("any", InOrder::Any);
        assert_eq!(test.ready, ["any"]);
        assert!(test.order.deadline().is_some());
        test.admit("one", InOrder::Is(ticket(1)));
        assert_eq!(test.ready, ["any", "one", "two", "behind two", "three"]);
        assert_eq!(test.order.deadline(), None);
    }

    #[test]
    fn a_number_that_does_not_come_is_not_waited_for_for_long() {
        let mut test = Test::new();
        test.admit("two", InOrder::Is(ticket(2)));
        test.admit("four", InOrder::Is(ticket(4)));
        test.order.expire(test.now, &mut test.ready);
        assert!(test.ready.is_empty());
        let later = test.order.deadline().unwrap();
        test.admit("six", InOrder::Is(ticket(6)));
        test.now = later;
        test.admit("nine", InOrder::Is(ticket(9)));
        test.order.expire(later, &mut test.ready);
        assert_eq!(test.ready, ["two", "four", "six"]);
        // It comes after all.
        test.admit("one", InOrder::Is(ticket(1)));
        test.admit("seven", InOrder::Is(ticket(7)));
        test.admit("behind seven", InOrder::Behind(ticket(7)));
        assert_eq!(test.ready[3..], ["one", "seven", "behind seven"]);
        test.admit("behind eight", InOrder::Behind(ticket(8)));
        test.order.expire(later + PATIENCE, &mut test.ready);
        assert_eq!(test.ready[6..], ["behind eight", "nine"]);
    }

    #[test]
    fn another_server_begins_anew() {
        let mut test = Test::new();
        test.admit("old", InOrder::Is(ticket(7)));
        let first = Ticket {
            server: [2; 16],
            number: 1,
        };
        test.admit("new", InOrder::Is(first));
        assert_eq!(test.ready, ["old", "new"]);
    }

    #[test]
    fn the_last_number_of_all_does_not_overflow() {
        let mut test = Test::new();
        test.admit("last", InOrder::Is(ticket(u64::MAX)));
        test.admit("behind", InOrder::Behind(ticket(u64::MAX)));
        test.order.expire(test.now + PATIENCE, &mut test.ready);
        assert_eq!(test.ready, ["last", "behind"]);
        test.admit("again", InOrder::Is(ticket(u64::MAX)));
        assert_eq!(test.ready[2..], ["again"]);
    }
}
