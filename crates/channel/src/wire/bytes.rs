//! Writing and reading the fields of a handshake message.

use super::MAX_TEXT;
use crate::HandshakeError;

/// Writes one message.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(vec![0; 4])
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn field(
        &mut self,
        field: &'static str,
        bytes: &[u8],
        limit: usize,
    ) -> Result<(), HandshakeError> {
        if bytes.len() > limit {
            return Err(HandshakeError::FieldTooLong {
                field,
                length: bytes.len(),
                limit,
            });
        }
        self.u16(bytes.len() as u16); // the limits are far below 2^16
        self.bytes(bytes);
        Ok(())
    }

    /// A sentence, cut if it is too long.
    pub(super) fn text(&mut self, text: &str) {
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        self.u16(text.len() as u16); // cut to less than 2^16
        self.bytes(text.as_bytes());
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = (self.0.len() - 4) as u32; // a few KiB
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}

/// Reads one message's body.
pub(super) struct Reader<'b> {
    pub(super) rest: &'b [u8],
    pub(super) message: &'static str,
}

impl<'b> Reader<'b> {
    pub(super) fn malformed(&self, what: &'static str) -> HandshakeError {
        HandshakeError::Malformed {
            message: self.message,
            what,
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'b [u8], HandshakeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(self.malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], HandshakeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u16(&mut self) -> Result<u16, HandshakeError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, HandshakeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn field(&mut self, limit: usize) -> Result<&'b [u8], HandshakeError> {
        let length = usize::from(self.u16()?);
        if length > limit {
            return Err(self.malformed("a field is longer than it may be"));
        }
        self.take(length)
    }

    pub(super) fn text(&mut self, limit: usize) -> Result<String, HandshakeError> {
        let bytes = self.field(limit)?;
        let text = str::from_utf8(bytes).map_err(|_| self.malformed("a text is not UTF-8"))?;
        Ok(text.to_owned())
    }
}
