//! How often each kind of request came.

use std::sync::atomic::{AtomicU64, Ordering};
use vamos_proto::Request;

/// Opcodes of requests are small numbers.
const OPCODES: usize = 64;

/// Counters of requests by opcode.
#[derive(Debug)]
pub(super) struct RequestCounters {
    counts: [AtomicU64; OPCODES],
}

impl Default for RequestCounters {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; OPCODES],
        }
    }
}

impl RequestCounters {
    pub(super) fn count(&self, opcode: u16) {
        if let Some(count) = self.counts.get(usize::from(opcode)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn snapshot(&self) -> Vec<(&'static str, u64)> {
        let count = |opcode: &u16| {
            let count = self.counts.get(usize::from(*opcode));
            count.map_or(0, |count| count.load(Ordering::Relaxed))
        };
        Request::OPCODES
            .iter()
            .map(|(opcode, name)| (*name, count(opcode)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_counter() {
        let counters = RequestCounters::default();
        for (opcode, _) in Request::OPCODES {
            counters.count(*opcode);
        }
        counters.count(u16::MAX);
        assert!(counters.snapshot().iter().all(|(_, count)| *count == 1));
    }
}
