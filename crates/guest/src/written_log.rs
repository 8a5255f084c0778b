//! Which keys a transaction has changed while cursors were open.

use std::collections::VecDeque;
use vamos_proto::{IndexId, WriteOp};

/// Keys that are remembered; a cursor that is further behind starts anew.
const REMEMBERED: usize = 512;

/// The newest changes of a session, so that a cursor can see, when it moves on,
/// whether a row that it has already been sent may have changed since.
///
/// The alternative, telling every open cursor about every write, would make
/// each write dearer; most cursors see no write at all.
#[derive(Debug, Default)]
pub(crate) struct WrittenLog {
    keys: VecDeque<(IndexId, Box<[u8]>)>,
    /// How many keys were ever recorded.
    count: u64,
}

impl WrittenLog {
    /// The position behind the newest change.
    pub(crate) fn position(&self) -> u64 {
        self.count
    }

    /// Notes the keys that these changes touch.
    pub(crate) fn record(&mut self, ops: &[WriteOp<'_>]) {
        for op in ops {
            if self.keys.len() == REMEMBERED {
                self.keys.pop_front();
            }
            self.keys.push_back((op.index(), op.key().into()));
            self.count += 1;
        }
    }

    /// Makes every cursor that was opened before start anew: after a rollback to
    /// a savepoint any row may be different.
    pub(crate) fn forget_all(&mut self) {
        self.keys.clear();
        self.count += REMEMBERED as u64 + 1;
    }

    /// The changes since `position`, or `None` if they are not all remembered.
    pub(crate) fn since(&self, position: u64) -> Option<impl Iterator<Item = (IndexId, &[u8])>> {
        let new = usize::try_from(self.count - position).ok()?;
        let skip = self.keys.len().checked_sub(new)?;
        Some(self.keys.iter().skip(skip).map(|(index, key)| (*index, &**key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &[u8]) -> WriteOp<'_> {
        WriteOp::Put {
            index: IndexId(1),
            key,
            value: b"",
        }
    }

    #[test]
    fn remembers_what_came_after_a_position() {
        let mut log = WrittenLog::default();
        log.record(&[put(b"a")]);
        let position = log.position();
        log.record(&[put(b"b"), put(b"c")]);
        let keys: Vec<_> = log
            .since(position)
            .unwrap()
            .map(|(_, key)| key.to_vec())
            .collect();
        assert_eq!(keys, [b"b", b"c"]);
    }

    #[test]
    fn says_so_when_it_has_forgotten() {
        let mut log = WrittenLog::default();
        let position = log.position();
        for _ in 0..=REMEMBERED {
            log.record(&[put(b"k")]);
        }
        assert!(log.since(position).is_none());
        let position = log.position();
        log.forget_all();
        assert!(log.since(position).is_none());
    }
}
