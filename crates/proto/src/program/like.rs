//! Matching texts with patterns.

use super::Weights;

/// In a pattern: any one byte.
pub const ONE: u16 = 256;

/// In a pattern: any bytes, also none.
pub const ANY: u16 = 257;

/// Steps before a match is given up: they could be as many as the product of the two
/// lengths, where a search seldom takes more than a few for each byte of the text.
const MOST_STEPS: usize = 1 << 18;

/// Whether `text` matches; `None`: that would take too long to tell.
pub(super) fn matches(text: &[u8], pattern: &[u16], weights: &Weights) -> Option<bool> {
    let mut steps = 0;
    let (mut at, mut in_pattern) = (0, 0);
    // Where to try again: behind the last `ANY`, one byte further each time.
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        steps += 1;
        if steps > MOST_STEPS {
            return None;
        }
        match pattern.get(in_pattern) {
            Some(&ANY) => {
                in_pattern += 1;
                retry = Some((at, in_pattern));
                continue;
            }
            Some(&piece) if piece == ONE || piece == u16::from(weights.of(text[at])) => {
                at += 1;
                in_pattern += 1;
                continue;
            }
            _ => {}
        }
        let Some((from, behind)) = retry else {
            return Some(false);
        };
        at = from + 1;
        in_pattern = behind;
        retry = Some((at, behind));
    }
    Some(pattern[in_pattern..].iter().all(|&piece| piece == ANY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> Option<bool> {
        let pieces: Vec<u16> = pattern
            .bytes()
            .map(|byte| match byte {
                b'%' => ANY,
                b'_' => ONE,
                other => other.into(),
            })
            .collect();
        let weights = Weights {
            table: Vec::new(),
            pad_space: false,
            ascii_only: false,
        };
        matches(text.as_bytes(), &pieces, &weights)
    }

    #[test]
    fn patterns_match_as_like_does() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("a", "", false),
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "a_c", true),
            ("abc", "a__c", false),
            ("mississippi", "m%iss%pi", true),
            ("mississippi", "m%iss%si", false),
            ("aaa", "%a%a%a%", true),
            ("aa", "%a%a%a%", false),
            ("abc ", "abc", false),
        ] {
            assert_eq!(like(text, pattern), Some(expected), "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn a_match_that_takes_long_is_not_told() {
        let text = "a".repeat(16_000);
        assert_eq!(like(&text, &format!("%{}b%", "a".repeat(250))), None);
        assert_eq!(like(&text, "%aaaaaaaaaaaa"), Some(true));
        assert_eq!(like(&format!("{text}needle"), "%needle%"), Some(true));
    }
}
