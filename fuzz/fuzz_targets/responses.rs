//! A host's bytes as the guest decodes them, down to rows and index entries.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vamos_proto::{IndexEntry, Response};

fuzz_target!(|input: (u16, &[u8])| {
    let (opcode, body) = input;
    if let Ok(Response::Rows(block) | Response::LastRows(block)) = Response::decode(128 + opcode % 16, body) {
        for row in block.iter().flatten() {
            if let Ok(entry) = IndexEntry::decode(row.value) {
                let _ = entry.primary_key_of(row.key);
            }
        }
    }
});
