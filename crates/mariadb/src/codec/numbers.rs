//! Small encodings of numbers.

use super::CodecError;

/// Appends a length, seven bits to a byte, the lowest first.
pub fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Takes a length off the front of `bytes`.
///
/// # Errors
/// [`CodecError::Truncated`] if it breaks off or is longer than a length can be.
#[inline]
pub fn take_length(bytes: &mut &[u8]) -> Result<usize, CodecError> {
    let mut length = 0usize;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(CodecError::Truncated)?;
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(length);
        }
    }
    Err(CodecError::Truncated)
}

/// Takes `count` bytes off the front of `bytes`.
///
/// # Errors
/// [`CodecError::Truncated`] if there are fewer.
#[inline]
pub fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], CodecError> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(CodecError::Truncated)?;
    *bytes = rest;
    Ok(taken)
}

/// A little-endian number of up to eight bytes.
pub fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lengths_come_back(length in 0usize..=u32::MAX as usize) {
            let mut out = Vec::new();
            put_length(&mut out, length);
            let mut rest = out.as_slice();
            prop_assert_eq!(take_length(&mut rest), Ok(length));
            prop_assert!(rest.is_empty());
        }
    }
}
