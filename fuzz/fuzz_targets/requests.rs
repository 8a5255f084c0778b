//! A guest's bytes as the host decodes them: an error or a request, and what is
//! a request is the same after another round.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vamos_proto::Request;

fuzz_target!(|input: (u16, &[u8])| {
    let (opcode, body) = input;
    if let Ok(request) = Request::decode(opcode % 64, body) {
        let mut again = Vec::new();
        let opcode = request.encode(&mut again);
        assert_eq!(Request::decode(opcode, &again), Ok(request));
    }
});
