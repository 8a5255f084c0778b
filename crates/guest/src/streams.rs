//! Rows that have arrived for cursors and wait to be read.

use crate::Error;
use std::collections::{HashMap, VecDeque};

/// One cursor's stream of row blocks.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Opcodes and bodies of `Rows` messages.
    pub(crate) blocks: VecDeque<(u16, Vec<u8>)>,
    /// No more will come.
    pub(crate) finished: bool,
    /// Why no more will come, if that is not the end of the range.
    pub(crate) failure: Option<Error>,
    /// Rows that the host has left out, by the cursor's programs.
    pub(crate) rejected: u64,
}

/// The streams of all open cursors, by their tag, which is the cursor's id.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: HashMap<u32, Stream>,
    /// Empty buffers to be used again.
    spare: Vec<Vec<u8>>,
}

const SPARE_BUFFERS: usize = 8;

/// A buffer that has grown beyond this, in bytes, is not kept for what comes.
const KEPT_BUFFER: usize = 1 << 20;

/// Gives the memory of a buffer back whose content is not needed any more, if it is
/// much: or each idle connection would keep as much as its largest row.
pub(crate) fn trim(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT_BUFFER {
        *buffer = Vec::new();
    }
}

impl Streams {
    pub(crate) fn open(&mut self, tag: u32) {
        self.open.insert(tag, Stream::default());
    }

    pub(crate) fn get_mut(&mut self, tag: u32) -> Option<&mut Stream> {
        self.open.get_mut(&tag)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Ends a stream. Returns whether the host may still be sending.
    pub(crate) fn close(&mut self, tag: u32) -> bool {
        let Some(stream) = self.open.remove(&tag) else {
            return false;
        };
        for (_, block) in stream.blocks {
            self.recycle(block);
        }
        !stream.finished
    }

    /// Everything is gone: the transaction is over or the lane broke.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// A buffer to receive into.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        trim(&mut buffer);
        if self.spare.len() < SPARE_BUFFERS && buffer.capacity() > 0 {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(streams: &Streams) -> usize {
        streams.spare.iter().map(Vec::capacity).sum()
    }

    #[test]
    fn small_buffers_are_used_again_and_large_ones_given_back() {
        let mut streams = Streams::default();
        (0..20).for_each(|_| streams.recycle(Vec::with_capacity(64 << 20)));
        assert_eq!(kept(&streams), 0);
        (0..20).for_each(|_| streams.recycle(vec![7; 1000]));
        assert_eq!(kept(&streams), SPARE_BUFFERS * 1000);
        assert!(streams.buffer().is_empty());
        assert_eq!(kept(&streams), (SPARE_BUFFERS - 1) * 1000);
    }
}
