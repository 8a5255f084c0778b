//! A guest's program on a row: refused, or run to a verdict.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vamos_proto::program::{Input, Machine};

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let (program, key, value) = input;
    if let Ok(machine) = Machine::decode(program) {
        machine.judge(Input { key, value });
    }
});
