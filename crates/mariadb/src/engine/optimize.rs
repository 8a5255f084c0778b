//! OPTIMIZE TABLE: compaction on the host, piece by piece, so that it can tell
//! how far it is and be ended.

use super::{Connection, Error, Handler};
use crate::boundary::OpenTable;

/// Compacts a table.
pub(crate) fn optimize(
    handler: &Handler,
    connection: &mut Connection,
    server: &OpenTable,
) -> Result<(), Error> {
    let table = handler.share().ids().table;
    let mut from = Vec::new();
    let mut done = 0;
    loop {
        let piece = connection.session.compact_piece(table, &from)?;
        if piece.next.is_empty() {
            return Ok(());
        }
        if piece.next <= from {
            let what = "a compaction that does not move on".into();
            return Err(vamos_guest::Error::Protocol { what }.into());
        }
        // Files shrink while they are compacted: what was done stays done.
        done = piece.done.max(done);
        server.progress(done.min(piece.total), piece.total);
        if server.thd().killed() {
            return Err(vamos_guest::Error::Interrupted.into());
        }
        from = piece.next;
    }
}
