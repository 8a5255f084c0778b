//! Whatever bytes arrive: an error or a message, never a panic.

use proptest::prelude::*;
use vamos_proto::{IndexEntry, Request, Response, RowBlock};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn decoding_a_request_never_panics(opcode in 0u16..64, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Request::decode(opcode, &body);
    }

    #[test]
    fn decoding_a_response_never_panics(opcode in 120u16..152, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Response::decode(opcode, &body);
    }

    #[test]
    fn reading_a_row_block_ends(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let rows = RowBlock::new(&bytes).iter().count();
        prop_assert!(rows <= bytes.len() / 12 + 1);
    }

    #[test]
    fn reading_an_index_entry_never_panics(
        value in prop::collection::vec(any::<u8>(), 0..60),
        key in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Ok(entry) = IndexEntry::decode(&value) {
            let _ = entry.primary_key_of(&key);
        }
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..40, byte in any::<u8>()) {
        let request = Request::Write(vamos_proto::Write {
            ops: vec![vamos_proto::WriteOp::Insert { index: vamos_proto::IndexId(3), key: b"key", value: b"value" }; 3],
            raise: vec![],
            row_delta: 3,
            table: vamos_proto::TableId(1),
            answer: true,
        });
        let mut body = Vec::new();
        let opcode = request.encode(&mut body);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        let _ = Request::decode(opcode, &body);
    }
}

#[test]
fn an_announced_billion_of_ops_allocates_nothing_like_it() {
    // A sequence length of 2^32 - 1 and no elements.
    let body = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert!(Request::decode(21, &body).is_err());
}
