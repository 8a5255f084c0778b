//! Gives each message of a family its opcode.

/// Declares an enum of messages with the opcode of each, and its encoding.
///
/// A message's opcode travels in the frame header, its fields in the body.
macro_rules! messages {
    (
        $(#[$meta:meta])*
        pub enum $name:ident<'a> {
            $( $(#[$vmeta:meta])* $opcode:literal => $variant:ident ( $body:ty ), )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name<'a> {
            $( $(#[$vmeta])* $variant($body), )*
        }

        impl<'a> $name<'a> {
            /// The opcodes and the names of all messages, for metrics.
            pub const OPCODES: &'static [(u16, &'static str)] = &[ $( ($opcode, stringify!($variant)), )* ];

            /// The message's opcode.
            pub fn opcode(&self) -> u16 {
                match self { $( Self::$variant(_) => $opcode, )* }
            }

            /// Appends the message's body to `out` and returns its opcode.
            pub fn encode(&self, out: &mut Vec<u8>) -> u16 {
                match self { $( Self::$variant(body) => $crate::message::append(out, body), )* }
                self.opcode()
            }

            /// Reads the message with this opcode from its body, in place.
            ///
            /// # Errors
            /// [`DecodeError`](crate::DecodeError) if there is no such opcode or
            /// the body is not of its form.
            pub fn decode(opcode: u16, body: &'a [u8]) -> Result<Self, $crate::DecodeError> {
                match opcode {
                    $( $opcode => $crate::message::read(stringify!($variant), body).map(Self::$variant), )*
                    _ => Err($crate::DecodeError::UnknownOpcode { opcode }),
                }
            }
        }
    };
}
pub(crate) use messages;

use crate::DecodeError;
use serde::{Deserialize, Serialize};

pub(crate) fn append<T: Serialize>(out: &mut Vec<u8>, body: &T) {
    let extended = postcard::to_extend(body, VecAppend(out));
    debug_assert!(extended.is_ok(), "a growing vector takes every message");
}

/// Writes bytes as a whole: serde's own way for a slice is one by one. On the wire both
/// are the same, a length and the bytes.
pub(crate) fn bytes<S: serde::Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

pub(crate) fn read<'a, T: Deserialize<'a>>(message: &'static str, body: &'a [u8]) -> Result<T, DecodeError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(DecodeError::TrailingBytes {
            message,
            count: rest.len(),
        }),
        Err(_) => Err(DecodeError::Malformed {
            message,
            length: body.len(),
        }),
    }
}

/// Lets postcard append to a borrowed vector.
struct VecAppend<'v>(&'v mut Vec<u8>);

impl Extend<u8> for VecAppend<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}
