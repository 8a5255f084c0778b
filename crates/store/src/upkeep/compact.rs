//! Compacting a table piece by piece.

use super::{has_table, overlapping};
use crate::{Store, StoreError, keys};
use vamos_proto::TableId;
use vamos_rocks::LiveFile;

/// About how many bytes of files one piece has: some seconds of work at most, so
/// that whoever asked can be told how far it is, and can stop.
const PIECE: u64 = 64 << 20;

/// What a step of a compaction has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactedPiece {
    /// Where the next step begins; empty: the table is done.
    pub next: Vec<u8>,
    /// About how many bytes of files are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

impl Store {
    /// Compacts one piece of a table: from where the step before ended (empty:
    /// from the beginning). Blocks, on the thread of its caller; commits go on.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`]; [`StoreError::Invalid`] if no step of this
    /// table ended there.
    pub fn compact_piece(&self, table: TableId, from: &[u8]) -> Result<CompactedPiece, StoreError> {
        let table = self.catalogue.with_id(table)?;
        let mut indexes = table.indexes.clone();
        indexes.sort_unstable();
        let bounds: Vec<_> = indexes.into_iter().map(keys::index_bounds).collect();
        let invalid = || StoreError::Invalid {
            reason: "a compaction that begins outside of its table".to_owned(),
        };
        let position = match from {
            [] => Some(0),
            from => bounds
                .iter()
                .position(|(low, high)| from >= &low[..] && from < &high[..]),
        };
        let position = position.ok_or_else(invalid)?;
        let (first, high) = bounds.get(position).ok_or_else(invalid)?;
        let low = if from.is_empty() { &first[..] } else { from };
        let cut = cut(&self.engine.data_files(), low, high);
        let end = cut.as_deref().unwrap_or(high);
        self.engine.data.compact_range(low..end);

        let next = match (&cut, bounds.get(position + 1)) {
            (Some(cut), _) => cut.clone(),
            (None, Some((low, _))) => low.clone(),
            (None, None) => Vec::new(),
        };
        let files = self.engine.data_files();
        let ours = || files.iter().filter(|file| has_table(file, &table));
        let passed = |file: &&LiveFile| next.is_empty() || file.largest < next;
        Ok(CompactedPiece {
            done: ours().filter(passed).map(|file| file.bytes).sum(),
            total: ours().map(|file| file.bytes).sum(),
            next,
        })
    }

    /// Ends compactions that were asked for, and lets no more begin: before
    /// closing.
    pub fn end_compactions(&self) {
        self.engine.db.end_manual_compactions();
    }
}

/// The key between `low` and `high` before which about one piece of files lies.
fn cut(files: &[LiveFile], low: &[u8], high: &[u8]) -> Option<Vec<u8>> {
    let mut files: Vec<_> = overlapping(files, low, high).collect();
    files.sort_unstable_by(|a, b| a.smallest.cmp(&b.smallest));
    let mut bytes = 0;
    for file in files {
        if bytes >= PIECE && file.smallest[..] > *low {
            return Some(file.smallest.clone());
        }
        bytes += file.bytes;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(smallest: &[u8], largest: &[u8], bytes: u64) -> LiveFile {
        LiveFile {
            number: 1,
            family: "data".into(),
            level: 6,
            bytes,
            smallest: smallest.to_vec(),
            largest: largest.to_vec(),
        }
    }

    #[test]
    fn pieces_end_where_files_begin() {
        let files = [
            file(b"a", b"c", PIECE / 2),
            file(b"d", b"f", PIECE),
            file(b"g", b"i", PIECE),
            file(b"x", b"z", PIECE),
        ];
        assert_eq!(cut(&files, b"a", b"w").as_deref(), Some(&b"g"[..]));
        assert_eq!(cut(&files, b"g", b"w"), None);
        assert_eq!(cut(&files, b"j", b"w"), None);
        assert_eq!(cut(&files, b"e", b"zz").as_deref(), Some(&b"g"[..]));
    }

    #[test]
    fn a_piece_is_never_empty() {
        // Files of several levels may begin at the same key.
        let files = [file(b"a", b"c", PIECE), file(b"a", b"d", PIECE)];
        assert_eq!(cut(&files, b"a", b"z"), None);
    }
}
