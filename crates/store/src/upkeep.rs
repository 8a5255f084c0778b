//! What an administrator asks of a store: what its tables take up, whether its
//! files are whole, how many entries an index has, and to compact a table.

mod checkpoint;
mod compact;
mod count;
mod files;
mod list;

pub(crate) use checkpoint::remove_checkpoint;
pub use compact::CompactedPiece;
pub use count::{CountedEntries, EntryCount};
pub use list::TableSizes;

use crate::catalogue::Table;
use crate::keys;
use vamos_rocks::LiveFile;

/// The files that have keys between these two full keys.
fn overlapping<'f>(files: &'f [LiveFile], low: &[u8], high: &[u8]) -> impl Iterator<Item = &'f LiveFile> {
    files
        .iter()
        .filter(move |file| file.smallest[..] < *high && file.largest[..] >= *low)
}

/// Whether a file has keys of one of the table's indexes.
fn has_table(file: &LiveFile, table: &Table) -> bool {
    table.indexes.iter().any(|&index| {
        let (low, high) = keys::index_bounds(index);
        overlapping(std::slice::from_ref(file), &low, &high)
            .next()
            .is_some()
    })
}
