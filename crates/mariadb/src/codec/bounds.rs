//! What the server searches for, as ranges of key bytes.

use vamos_proto::{Direction, KeyRange};

/// How a search relates to its key: the server's `ha_rkey_function`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// The first row with the key.
    Exact,
    /// The first row with the key or behind it.
    KeyOrNext,
    /// The last row with the key or before it.
    KeyOrPrevious,
    /// The first row behind the key.
    After,
    /// The last row before the key.
    Before,
    /// The last row with the key.
    Last,
}

impl Find {
    /// The search that the server means by this number, if it is one of an
    /// ordered index.
    pub fn from_server(number: u32) -> Option<Self> {
        Some(match number {
            0 | 5 => Self::Exact,         // HA_READ_KEY_EXACT, HA_READ_PREFIX
            1 => Self::KeyOrNext,         // HA_READ_KEY_OR_NEXT
            2 | 7 => Self::KeyOrPrevious, // HA_READ_KEY_OR_PREV, HA_READ_PREFIX_LAST_OR_PREV
            3 => Self::After,             // HA_READ_AFTER_KEY
            4 => Self::Before,            // HA_READ_BEFORE_KEY
            6 => Self::Last,              // HA_READ_PREFIX_LAST
            _ => return None,
        })
    }
}

/// A range of key bytes to scan. `None` for `high`: to the index's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first key that may be in it.
    pub low: Vec<u8>,
    /// The first key behind it.
    pub high: Option<Vec<u8>>,
    /// In which order to read it.
    pub direction: Direction,
    /// It holds nothing, whatever the index holds.
    pub empty: bool,
}

/// The first key behind all that begin with `prefix`; `None` if there is none.
pub fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = KeyRange::successor(prefix);
    (!end.is_empty()).then_some(end)
}

impl Bounds {
    /// The whole index.
    pub fn all(direction: Direction) -> Self {
        Self {
            low: Vec::new(),
            high: None,
            direction,
            empty: false,
        }
    }

    /// One key: its bytes twice, as the protocol has it in a scan of ranges.
    pub fn point(key: &[u8]) -> Self {
        Self {
            low: key.to_vec(),
            high: Some(key.to_vec()),
            ..Self::all(Direction::Forward)
        }
    }

    /// The range in which to look for `key`.
    pub fn of(find: Find, key: &[u8]) -> Self {
        let all = Self::all(Direction::Forward);
        match find {
            Find::Exact => Self {
                low: key.to_vec(),
                high: behind(key),
                ..all
            },
            Find::KeyOrNext => Self {
                low: key.to_vec(),
                ..all
            },
            Find::After => match behind(key) {
                Some(low) => Self { low, ..all },
                None => Self { empty: true, ..all },
            },
            Find::KeyOrPrevious => Self {
                high: behind(key),
                direction: Direction::Backward,
                ..all
            },
            Find::Before => Self {
                empty: key.is_empty(),
                high: Some(key.to_vec()),
                direction: Direction::Backward,
                ..all
            },
            Find::Last => Self {
                low: key.to_vec(),
                high: behind(key),
                direction: Direction::Backward,
                ..all
            },
        }
    }

    /// Ends a forward range at `key`: before it, or behind all that begin with it.
    pub fn until(&mut self, find: Find, key: &[u8]) {
        let end = match find {
            Find::Before => Some(key.to_vec()),
            _ => behind(key),
        };
        if let Some(end) = end
            && self.high.as_ref().is_none_or(|high| end < *high)
        {
            self.high = Some(end);
        }
        if self.high.as_ref().is_some_and(|high| *high <= self.low) {
            self.empty = true;
        }
    }

    /// Ends a backward range at `key`: with all that begin with it, or before those.
    pub fn down_to(&mut self, find: Find, key: &[u8]) {
        let end = match find {
            Find::After => behind(key),
            _ => Some(key.to_vec()),
        };
        match end {
            Some(low) if low > self.low => self.low = low,
            Some(_) => {}
            None => self.empty = true,
        }
        if self.high.as_ref().is_some_and(|high| *high <= self.low) {
            self.empty = true;
        }
    }

    /// The upper bound as the protocol has it.
    pub fn high_bytes(&self) -> &[u8] {
        self.high.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(bounds: &Bounds, key: &[u8]) -> bool {
        let range = KeyRange {
            index: vamos_proto::IndexId(0),
            low: &bounds.low,
            high: bounds.high_bytes(),
        };
        !bounds.empty && range.contains(key)
    }

    #[test]
    fn each_search_finds_its_side_of_the_key() {
        let (less, same, more): (&[u8], &[u8], &[u8]) = (b"aa\xff", b"ab\x00", b"ac");
        for (find, sides) in [
            (Find::Exact, [false, true, false]),
            (Find::Last, [false, true, false]),
            (Find::KeyOrNext, [false, true, true]),
            (Find::After, [false, false, true]),
            (Find::KeyOrPrevious, [true, true, false]),
            (Find::Before, [true, false, false]),
        ] {
            let bounds = Bounds::of(find, b"ab");
            assert_eq!(
                [less, same, more].map(|key| contains(&bounds, key)),
                sides,
                "{find:?}"
            );
        }
    }

    #[test]
    fn a_backward_range_has_a_lower_end() {
        for (find, sides) in [(Find::KeyOrNext, [false, true]), (Find::After, [false, false])] {
            let mut bounds = Bounds::of(Find::Before, b"ac");
            bounds.down_to(find, b"ab");
            let keys: [&[u8]; 2] = [b"aa", b"ab1"];
            assert_eq!(keys.map(|key| contains(&bounds, key)), sides, "{find:?}");
        }
        let mut bounds = Bounds::of(Find::Before, b"ab");
        bounds.down_to(Find::KeyOrNext, b"ac");
        assert!(bounds.empty);
        let mut bounds = Bounds::all(Direction::Backward);
        bounds.down_to(Find::After, &[255]);
        assert!(bounds.empty);
    }

    #[test]
    fn nothing_lies_behind_the_greatest_key() {
        assert!(Bounds::of(Find::After, b"\xff\xff").empty);
        assert!(contains(&Bounds::of(Find::Exact, b"\xff"), b"\xff\xff"));
    }

    #[test]
    fn range_ends_before_or_behind_its_end_key() {
        let mut bounds = Bounds::of(Find::KeyOrNext, b"b");
        bounds.until(Find::Before, b"d");
        assert!(contains(&bounds, b"c") && !contains(&bounds, b"d"));
        let mut bounds = Bounds::of(Find::KeyOrNext, b"b");
        bounds.until(Find::After, b"d");
        assert!(contains(&bounds, b"d1") && !contains(&bounds, b"e"));
        let mut bounds = Bounds::of(Find::KeyOrNext, b"b");
        bounds.until(Find::After, b"a");
        assert!(bounds.empty);
    }
}
