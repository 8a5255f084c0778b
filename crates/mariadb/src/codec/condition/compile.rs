//! Conditions made into programs.

use super::emit::Emitter;
use super::{Condition, Source};
use crate::codec::Shape;
use vamos_proto::program::{MAX_PROGRAM_BYTES, Program};

/// A program of those of the conditions that the source can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The program; `None` if the source can answer none.
    pub program: Option<Program>,
    /// Whether it answers all of them.
    pub whole: bool,
}

/// Makes a program of those of the conditions, all of which are to hold, that
/// the source can answer.
pub fn compile(shape: &Shape, source: Source, conditions: &[Condition]) -> Compiled {
    let mut emitter = Emitter::new(shape, source);
    let mut whole = true;
    for condition in conditions {
        // Without its last condition it is the program that it was.
        whole &= emitter.add(condition).is_some();
    }
    let some = !emitter.is_empty();
    let program = some
        .then(|| emitter.finish())
        .flatten()
        .filter(|program| program.verify().is_ok() && program.encode().len() <= MAX_PROGRAM_BYTES);
    Compiled {
        whole: whole && program.is_some(),
        program,
    }
}
