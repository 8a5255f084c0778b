//! Byte strings of any length, inside a key, so that the key's bytes sort as
//! the strings do and what follows does not disturb the order.

/// Appends a string that ends where it ends (`NO PAD`, binary): groups of eight
/// bytes, each with a byte that says how many of them count, or nine if more
/// groups follow.
pub fn put_plain(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while rest.len() > 8 {
        out.extend_from_slice(&rest[..8]);
        out.push(9);
        rest = &rest[8..];
    }
    out.extend_from_slice(rest);
    out.resize(out.len() + 8 - rest.len(), 0);
    out.push(rest.len() as u8);
}

/// What follows a group is less than spaces.
const LESS: u8 = 1;
/// What follows a group is nothing but spaces: the end.
const END: u8 = 2;
/// What follows a group is greater than spaces.
const GREATER: u8 = 3;

/// Appends weights that compare as if spaces without end followed them
/// (`PAD SPACE`), `space` being the weight of one: groups of about eight bytes,
/// filled up with spaces, each with a byte that says how the rest compares with
/// spaces. So a short text in a wide column takes one group, and texts that
/// differ in spaces at their end are the same bytes.
pub fn put_padded(weights: &[u8], space: &[u8], out: &mut Vec<u8>) {
    if space.is_empty() {
        return put_plain(weights, out);
    }
    let group = 8usize.next_multiple_of(space.len());
    let mut rest = trimmed(weights, space);
    loop {
        let (now, later) = rest.split_at(rest.len().min(group));
        out.extend_from_slice(now);
        out.extend(space.iter().cycle().skip(now.len()).take(group - now.len()));
        rest = later;
        if rest.is_empty() {
            out.push(END);
            return;
        }
        out.push(compared_with_spaces(rest, space));
    }
}

/// Without spaces at the end. What is cut off is what endless spaces would put
/// there, so it need not be cut at the boundary of a weight.
fn trimmed<'a>(weights: &'a [u8], space: &[u8]) -> &'a [u8] {
    let mut end = weights.len();
    while end > 0 && weights[end - 1] == space[(end - 1) % space.len()] {
        end -= 1;
    }
    &weights[..end]
}

fn compared_with_spaces(rest: &[u8], space: &[u8]) -> u8 {
    // A group is a whole number of spaces, so `rest` begins with a whole one.
    let different = rest
        .iter()
        .zip(space.iter().cycle())
        .find(|(byte, space)| byte != space);
    match different {
        Some((byte, space)) if byte < space => LESS,
        Some(_) => GREATER,
        None => END,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    fn plain(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_plain(bytes, &mut out);
        out
    }

    fn padded(bytes: &[u8], space: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_padded(bytes, space, &mut out);
        out
    }

    /// The order of the two with endless spaces behind them.
    fn order_with_spaces(a: &[u8], b: &[u8], space: &[u8]) -> Ordering {
        let length = a.len().max(b.len()).next_multiple_of(space.len());
        let fill = |bytes: &[u8]| -> Vec<u8> {
            let spaces = space.iter().cycle().skip(bytes.len() % space.len()).copied();
            bytes.iter().copied().chain(spaces).take(length).collect()
        };
        fill(a).cmp(&fill(b))
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        // Few values, near the space, so that equal and padded ones are common.
        proptest::collection::vec(
            prop_oneof![Just(0u8), 0x1f..0x22u8, Just(0x20), Just(0xff)],
            0..40,
        )
    }

    #[test]
    fn short_text_takes_one_group() {
        assert_eq!(padded(b"abc", b" "), b"abc     \x02");
        assert_eq!(padded(b"", b" "), b"        \x02");
        assert_eq!(padded(b"12345678", b" "), b"12345678\x02");
        assert_eq!(padded(b"123456789", b" "), b"12345678\x039       \x02");
        assert_eq!(padded(b"ab", &[0, 0, 0x20]).len(), 10);
    }

    proptest! {
        #[test]
        fn plain_keeps_order(a in text(), b in text(), c in text()) {
            prop_assert_eq!(plain(&a).cmp(&plain(&b)), a.cmp(&b));
            // Whatever follows decides only between equals.
            let mut longer = plain(&a);
            longer.extend_from_slice(&c);
            if a != b {
                prop_assert_eq!(longer.cmp(&plain(&b)), a.cmp(&b));
            }
        }

        #[test]
        fn padded_keeps_order(a in text(), b in text(), wide in 1usize..4) {
            let space = &[0, 0, 0x20][3 - wide..];
            let cut = |text: &[u8]| text[..text.len() / wide * wide].to_vec();
            let (a, b) = (cut(&a), cut(&b));
            prop_assert_eq!(padded(&a, space).cmp(&padded(&b, space)), order_with_spaces(&a, &b, space));
        }

        #[test]
        fn no_padded_text_begins_another(a in text(), b in text()) {
            let (a, b) = (padded(&a, b" "), padded(&b, b" "));
            prop_assert!(a == b || !b.starts_with(&a));
        }
    }
}
