//! Places spread over an index.

use crate::StoreError;
use vamos_rocks::Cursor;

/// So many keys between the first and the last one of a cursor, as far apart as
/// they would be if keys were numbers; fewer if there are no keys.
pub(super) fn places(cursor: &mut Cursor, count: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    cursor.seek_to_first();
    let first = cursor.key().map(<[u8]>::to_vec);
    cursor.seek_to_last();
    let last = cursor.key().map(<[u8]>::to_vec);
    cursor.status()?;
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(Vec::new());
    };
    let common = first.iter().zip(&last).take_while(|(a, b)| a == b).count();
    let (from, to) = (number_at(&first, common), number_at(&last, common));
    let width = u128::from(to.saturating_sub(from));
    let place = |step: u64| {
        let number = from + u64::try_from(width * u128::from(step) / u128::from(count)).unwrap_or(0);
        let mut key = first.get(..common).unwrap_or_default().to_vec();
        key.extend_from_slice(&number.to_be_bytes());
        key
    };
    Ok(std::iter::once(first.clone())
        .chain((1..count).map(place))
        .collect())
}

/// The eight bytes from a position on, as a number.
pub(crate) fn number_at(key: &[u8], position: usize) -> u64 {
    let mut bytes = [0; 8];
    let rest = key.get(position..).unwrap_or_default();
    let length = rest.len().min(8);
    bytes[..length].copy_from_slice(&rest[..length]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_bytes_that_are_there() {
        assert_eq!(number_at(b"ab", 1), u64::from(b'b') << 56);
        assert_eq!(number_at(b"ab", 7), 0);
    }
}
