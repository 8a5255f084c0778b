//! How the server's collations order texts.

use super::groups;
use std::fmt::Debug;

/// Where weights come from: a collation of the server's.
pub trait Weights: Debug + Send {
    /// Appends the weights of `text` on a level (named by its `strnxfrm` flags).
    fn put_weights(&self, flags: u32, text: &[u8], out: &mut Vec<u8>);
    /// The length of `text` without spaces at its end.
    fn trimmed(&self, text: &[u8]) -> usize;
    /// The length of the first so many characters of `text`.
    fn characters(&self, text: &[u8], count: usize) -> usize;
}

/// A collation.
#[derive(Debug)]
pub struct Collation {
    /// Its levels, in the order in which they decide; none: as bytes.
    pub levels: Vec<Level>,
    /// Whether spaces at the end go before weights are taken.
    pub trim: bool,
    /// The most bytes that a character has.
    pub max_bytes: usize,
    /// Its weights.
    pub weights: Box<dyn Weights>,
}

/// A level of a collation: letters, then accents, then case.
#[derive(Clone, Debug)]
pub struct Level {
    /// What names it to the server.
    pub flags: u32,
    /// The weight of a space, if texts compare as if spaces followed them.
    pub space: Option<Vec<u8>>,
}

impl Collation {
    /// Whether it compares bytes.
    pub fn is_binary(&self) -> bool {
        self.levels.is_empty()
    }

    /// The beginning of `text` that a key part of `length` bytes takes in.
    pub fn prefix<'a>(&self, text: &'a [u8], length: usize) -> &'a [u8] {
        if self.max_bytes <= 1 || self.is_binary() {
            return &text[..text.len().min(length)];
        }
        let characters = length / self.max_bytes;
        // So few bytes cannot be more characters.
        match text.len() <= characters {
            true => text,
            false => &text[..self.weights.characters(text, characters)],
        }
    }

    /// Appends bytes that sort as the collation sorts texts; `scratch` is
    /// overwritten.
    pub fn put_key(&self, text: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        if self.is_binary() {
            return groups::put_plain(text, out);
        }
        let text = match self.trim {
            true => &text[..self.weights.trimmed(text)],
            false => text,
        };
        for level in &self.levels {
            scratch.clear();
            self.weights.put_weights(level.flags, text, scratch);
            match &level.space {
                Some(space) => groups::put_padded(scratch, space, out),
                None => groups::put_plain(scratch, out),
            }
        }
    }
}
